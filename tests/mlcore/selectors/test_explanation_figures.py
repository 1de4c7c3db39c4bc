"""What was measured of maps is said of the very model it was measured on, and of no other."""

from django.conf import settings

from mlcore.engine.artifacts import file_sha256
from mlcore.engine.explanation.methods import Method
from mlcore.selectors.explanation_figures import explanation_figures
from tests.factories import ModelVersionFactory


def test_the_figures_of_the_shipped_model_are_found_by_its_checksum(db: None) -> None:
    (path,) = settings.SHIPPED_MODELS_DIR.glob("*.mmodel")
    version = ModelVersionFactory.create(artifact_sha256=file_sha256(path))
    found = explanation_figures(version)
    assert set(found) == set(Method)
    for figures in found.values():
        assert str(figures.lesions) in figures.sentence


def test_a_model_of_which_nothing_was_measured_gets_no_figures_of_another(db: None) -> None:
    assert explanation_figures(ModelVersionFactory.create()) == {}
