"""What was measured of maps is said of the very model it was measured on, and of no other."""

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from mlcore.engine.explanation.facts import SUFFIX
from mlcore.selectors.explanation_figures import explanation_figures
from tests.factories import ModelVersionFactory
from tests.mlcore.engine.explanation.test_facts import VALUES

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(settings: Settings, tmp_path: Path) -> str:
    """Return the checksum of a shipped model of which the maps by covering were measured."""
    settings.SHIPPED_MODELS_DIR = tmp_path
    stored = {"model_sha256": "5" * 64, "figures": {"occlusion": VALUES}}
    (tmp_path / f"shipped{SUFFIX}").write_text(json.dumps(stored))
    return "5" * 64


def test_the_figures_of_a_shipped_model_are_found_by_its_checksum(measured: str) -> None:
    found = explanation_figures(ModelVersionFactory.create(artifact_sha256=measured))
    assert set(found) == {"occlusion"}
    assert "30 of 40" in found["occlusion"].sentence


def test_a_model_of_which_nothing_was_measured_gets_no_figures_of_another(measured: str) -> None:
    assert explanation_figures(ModelVersionFactory.create()) == {}
