"""A study with an answered image, its owner signed in."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.models import User
from diagnosis.models import Analysis, AnalysisState, Condition, Finding, Instance, Study
from medimaging.common.storage import store_content
from mlcore.engine.imaging.maps import encode_map
from tests.factories import (
    AnalysisFactory,
    ConditionFactory,
    ExaminationTypeFactory,
    FindingFactory,
    InstanceFactory,
    StudyFactory,
)


def picture(*, rows: int = 90, columns: int = 120, seed: int = 0) -> bytes:
    """Return a PNG of gray noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, size=(rows, columns), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Read:
    """Everything that hangs on one answered study."""

    study: Study
    instance: Instance
    analysis: Analysis
    finding: Finding
    condition: Condition


def answered_study(owner: User, *, probability: float = 0.83, seed: int = 0) -> Read:
    """Return a study of the owner with one stored image, answered by a model."""
    examination_type = ExaminationTypeFactory.create()
    condition = ConditionFactory.create(examination_type=examination_type, name="Pneumonia")
    study = StudyFactory.create(owner=owner, examination_type=examination_type)
    content = picture(seed=seed)
    instance = InstanceFactory.create(
        series__study=study,
        content_key=store_content(content, kind="instances", extension="png"),
        byte_count=len(content),
        rows=90,
        columns=120,
    )
    analysis = AnalysisFactory.create(
        instance=instance,
        state=AnalysisState.SUCCEEDED,
        finished_at=timezone.now(),
        frame_index=0,
        model_version__operating_points={
            condition.code: {
                "threshold": 0.5,
                "sensitivity": 0.96,
                "specificity": 0.91,
                "sensitivity_interval": [0.94, 0.98],
                "specificity_interval": None,
            }
        },
    )
    saliency = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    finding = FindingFactory.create(
        analysis=analysis,
        condition=condition,
        probability=probability,
        saliency_key=store_content(encode_map(saliency), kind="saliency", extension="png"),
    )
    return Read(study, instance, analysis, finding, condition)


@pytest.fixture
def read(reader: User) -> Read:
    """Return an answered study of the reader."""
    return answered_study(reader)


@pytest.fixture
def page(client: Client, reader: User) -> Client:
    """Return a client in which the reader is signed in."""
    client.force_login(reader)
    return client
