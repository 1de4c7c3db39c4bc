from __future__ import annotations

import csv
import hashlib
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from mlcore.engine import artifacts
from tests.mlcore.engine.toy import as_decoded, toy_picture


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Return a folder in the shape of the real one, with toy pictures of 80 patients."""
    rng, rows = np.random.default_rng(0), []
    for number in range(80):
        label = "PNEUMONIA" if number % 2 else "NORMAL"
        path = Path("cxr_kermany/train") / label / f"{number}.png"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(toy_picture(bool(number % 2), rng=rng)).resize((300, 200)).save(tmp_path / path)
        digest = hashlib.sha256((tmp_path / path).read_bytes()).hexdigest()
        rows.append({"path": str(path), "label": label, "group": f"p{number}", "sha256": digest})
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "label", "group", "sha256"])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_a_folder_without_images_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(CommandError, match="manifest"):
        call_command("train_model", data=tmp_path, output=tmp_path / "model.mmodel")


def test_an_unknown_architecture_is_refused_with_what_to_do(labelled):
    with pytest.raises(CommandError, match="Choose one"):
        call_command("train_model", data=labelled, architecture="none", output=labelled / "model.mmodel")


def test_a_model_file_is_written_that_answers(labelled):
    output, told = labelled / "model.mmodel", StringIO()

    call_command(
        "train_model",
        data=labelled,
        architecture="tiny_cnn",
        epochs=1,
        seed=3,
        output=output,
        stdout=told,
        stderr=StringIO(),
    )

    predictor = artifacts.load_predictor(output, expected_sha256=artifacts.file_sha256(output))
    image = as_decoded(toy_picture(True, rng=np.random.default_rng(1)))
    assert predictor.facts.classes == ("pneumonia",)
    assert predictor.predict(image).embedding.shape == (predictor.facts.embedding_size,)
    assert "pneumonia_auroc" in told.getvalue()


def test_several_members_teach_one_network_and_what_has_ended_is_kept(labelled):
    output, told = labelled / "model.mmodel", StringIO()

    def train() -> None:
        call_command(
            "train_model",
            data=labelled,
            architecture="tiny_cnn",
            epochs=1,
            members=2,
            pupil_epochs=1,
            planted=True,
            output=output,
            stdout=told,
            stderr=StringIO(),
        )

    train()
    first = artifacts.read_facts(output).metrics
    kept = sorted(path.name for path in output.with_suffix(".checkpoint").iterdir())
    train()

    assert kept == ["member-7.npz", "member-8.npz", "pupil.npz"]
    assert told.getvalue().count("member 1 of 2") == 1
    assert artifacts.read_facts(output).metrics == first
