"""What the tests of learning share: a toy examination type with a model that answers."""

from pathlib import Path

import pytest

from accounts.models import Role, User
from mlcore.models import ExaminationType, ModelVersion
from mlcore.services.registry import register_artifact
from tests.factories import ExaminationTypeFactory, UserFactory
from tests.mlcore.signed_images import write_toy_artifact


@pytest.fixture(scope="session")
def toy_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small trained network for the examination type `toy`."""
    return write_toy_artifact(tmp_path_factory.mktemp("toy-artifact"))


@pytest.fixture
def toy(transactional_db: None, lifted_audit_triggers: None) -> ExaminationType:
    """Return an examination type without a model."""
    return ExaminationTypeFactory.create(code="toy", name="Toy", trains_after=40)


@pytest.fixture
def incumbent(toy: ExaminationType, toy_artifact: Path) -> ModelVersion:
    """Return the small model, active for the toy examination type."""
    return register_artifact(toy_artifact, by=None, activate=True)


@pytest.fixture
def steward(transactional_db: None) -> User:
    """Return an active data steward."""
    return UserFactory.create(email="steward@example.org", full_name="Stella Steward", role=Role.DATA_STEWARD)
