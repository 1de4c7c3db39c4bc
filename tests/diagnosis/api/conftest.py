"""Fixtures of the REST interface."""

import shutil

import pytest
from django.conf import settings

from accounts.models import User
from diagnosis.models import Analysis, AnalysisState, Condition
from mlcore.models import ExaminationType
from tests.factories import (
    AnalysisFactory,
    ConditionFactory,
    FindingFactory,
    InstanceFactory,
    ModelVersionFactory,
    SimilarInstanceFactory,
)
from tests.rest_fixture import api, own_rate_limits, session

__all__ = ["api", "own_rate_limits", "session"]


@pytest.fixture(autouse=True)
def empty_store() -> None:
    """Rows are rolled back after each test, files are not."""
    shutil.rmtree(settings.VAR_DIR / "files", ignore_errors=True)


@pytest.fixture
def examination_type(db: None) -> ExaminationType:
    """Return the one examination type with an active model; nothing carries its analyses out."""
    return ModelVersionFactory.create().examination_type


@pytest.fixture
def condition(examination_type: ExaminationType) -> Condition:
    """Return an approved condition of the examination type."""
    return ConditionFactory.create(examination_type=examination_type, code="pneumonia", name="Pneumonia")


@pytest.fixture
def answered(reader: User, condition: Condition) -> Analysis:
    """Return a succeeded analysis with a finding, of the reader's study."""
    version = condition.examination_type.model_versions.get()
    instance = InstanceFactory.create(
        series__study__owner=reader, series__study__examination_type=condition.examination_type
    )
    analysis = AnalysisFactory.create(
        instance=instance,
        model_version=version,
        state=AnalysisState.SUCCEEDED,
        quality={"sharpness": 0.8},
        saliency_method="class_activation_map",
    )
    FindingFactory.create(analysis=analysis, condition=condition, probability=0.91)
    near = InstanceFactory.create(series__study__owner=reader)
    SimilarInstanceFactory.create(analysis=analysis, instance=near, rank=1)
    return analysis
