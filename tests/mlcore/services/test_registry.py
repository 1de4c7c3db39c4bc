"""Models are registered by checksum, answer one at a time, and can be rolled back."""

import pytest

from accounts.models import AuditEntry
from diagnosis.services.installation import install_shipped
from medimaging.common.errors import Conflict
from medimaging.common.storage import read_content
from mlcore.engine.artifacts import file_sha256
from mlcore.models import ExaminationType, ModelState, ModelVersion
from mlcore.selectors import active_version, sole_examination_type
from mlcore.services.registry import (
    UnknownExaminationType,
    activate_version,
    register_artifact,
    reject_version,
)
from tests.factories import ExaminationTypeFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def artifact(settings):
    return settings.SHIPPED_MODELS_DIR / "paediatric-chest-radiograph.mmodel"


@pytest.fixture
def chest_type():
    return ExaminationTypeFactory.create(code="paediatric-chest-radiograph")


def test_a_registered_artifact_is_a_candidate_with_the_facts_of_its_file(artifact, chest_type):
    version = register_artifact(artifact, by=None)
    assert (version.state, version.version, version.classes) == (ModelState.CANDIDATE, 1, ["pneumonia"])
    assert version.artifact_sha256 == file_sha256(artifact)
    assert read_content(version.artifact_key) == artifact.read_bytes()
    assert 0.0 < version.operating_points["pneumonia"]["threshold"] < 1.0
    assert version.dataset_sha256
    assert version.metrics


def test_registering_twice_is_one_version(artifact, chest_type):
    assert register_artifact(artifact, by=None) == register_artifact(artifact, by=None)


def test_an_artifact_for_an_unknown_examination_type_is_refused(artifact):
    with pytest.raises(UnknownExaminationType):
        register_artifact(artifact, by=None)


def test_activating_retires_the_incumbent_and_activating_that_again_rolls_back(chest_type, administrator):
    first = ModelVersionFactory.create(examination_type=chest_type, version=1)
    second = ModelVersionFactory.create(examination_type=chest_type, version=2, state=ModelState.CANDIDATE)
    activate_version(second, by=administrator, reason="better")
    first.refresh_from_db()
    assert (first.state, active_version(chest_type)) == (ModelState.RETIRED, second)
    activate_version(first, by=administrator, reason="worse after all")
    second.refresh_from_db()
    assert (second.state, active_version(chest_type)) == (ModelState.RETIRED, first)
    assert [entry.action for entry in AuditEntry.objects.order_by("sequence")] == [
        "model_version.activate",
        "model_version.roll_back",
    ]


def test_activating_the_active_version_is_refused_and_leaves_it_active(chest_type, administrator):
    version = ModelVersionFactory.create(examination_type=chest_type)
    with pytest.raises(Conflict):
        activate_version(version, by=administrator, reason="again")
    assert active_version(chest_type) == version


def test_a_rejected_version_never_becomes_active(chest_type, administrator):
    version = ModelVersionFactory.create(examination_type=chest_type, state=ModelState.CANDIDATE)
    reject_version(version, by=administrator, reason="worse")
    with pytest.raises(Conflict):
        activate_version(version, by=administrator, reason="still")


def test_what_ships_is_installed_once_and_active():
    install_shipped()
    (version,) = install_shipped()
    assert version.state == ModelState.ACTIVE
    assert ModelVersion.objects.count() == ExaminationType.objects.count() == 1
    assert sole_examination_type() == version.examination_type
    assert version.examination_type.conditions.filter(code="pneumonia", state="approved").exists()


def test_installing_again_does_not_undo_what_an_administrator_decided(administrator):
    (shipped,) = install_shipped()
    newer = ModelVersionFactory.create(
        examination_type=shipped.examination_type, version=2, state=ModelState.CANDIDATE
    )
    activate_version(newer, by=administrator, reason="better")
    install_shipped()
    assert active_version(shipped.examination_type) == newer
