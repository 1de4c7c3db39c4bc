from __future__ import annotations

import json

from mlcore.engine.explanation.facts import ExplanationFigures, figures_path, read_figures

VALUES = {
    "implanted": 40,
    "implant_hits": 30,
    "implant_area": 0.1,
    "planted": 50,
    "planted_hits": 45,
    "randomized_correlation": 0.1,
    "gain_for": 0.4,
    "gain_against": 0.5,
    "best_dummy_for": 0.2,
    "best_dummy_against": 0.1,
    "frame_energy": 0.01,
}


def test_figures_are_read_for_the_model_that_they_were_measured_of(tmp_path):
    model = tmp_path / "model.mmodel"
    figures_path(model).write_text(json.dumps({"model_sha256": "a", "figures": {"occlusion": VALUES}}))

    found = read_figures(model, sha256="a")

    assert found == {"occlusion": ExplanationFigures(method="occlusion", **VALUES)}
    assert "30 of 40 (by chance 4)" in found["occlusion"].sentence
    assert "45 of 50" in found["occlusion"].sentence


def test_figures_of_another_model_are_never_shown(tmp_path):
    model = tmp_path / "model.mmodel"
    figures_path(model).write_text(json.dumps({"model_sha256": "a", "figures": {"occlusion": VALUES}}))

    assert read_figures(model, sha256="b") == {}
    assert read_figures(tmp_path / "other.mmodel", sha256="a") == {}
