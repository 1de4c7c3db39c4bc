from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlcore.engine import artifacts
from mlcore.engine.errors import ArtifactError
from mlcore.engine.types import ModelFacts, OperatingPoint

FACTS = ModelFacts(
    name="Example",
    architecture="tiny_cnn",
    classes=("a", "b"),
    examination_type="example",
    operating_points={
        "a": OperatingPoint(0.4, 0.9, 0.8, (0.85, 0.95), (0.7, 0.9)),
        "b": OperatingPoint(0.5, 1.0, 1.0),
    },
    metrics={"auroc": 0.93},
    embedding_version="example-1",
    embedding_size=8,
    dataset_sha256="0" * 64,
    created_at="2026-01-01T00:00:00+00:00",
    limits=("one", "two"),
    validated_ages=(1, 5),
)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "example.mmodel"
    arrays = artifacts.pack_arrays({"b": np.arange(4, dtype=np.float16), "a/c": np.eye(2)})
    digest = artifacts.write_artifact(
        path, facts=FACTS, settings={"limit": 1.5}, members={"statistics.npz": arrays}
    )
    return path, digest


def test_what_was_written_is_read_again(stored):
    path, digest = stored

    artifact = artifacts.load_artifact(path, expected_sha256=digest)

    assert artifacts.read_facts(path) == FACTS
    assert artifact.facts == FACTS
    assert artifact.settings == {"limit": 1.5}
    arrays = artifact.arrays("statistics.npz")
    assert list(arrays) == ["b", "a/c"]
    np.testing.assert_array_equal(arrays["a/c"], np.eye(2))
    assert arrays["b"].dtype == np.float16


def test_equal_contents_make_equal_files(stored, tmp_path):
    path, digest = stored
    arrays = artifacts.pack_arrays({"b": np.arange(4, dtype=np.float16), "a/c": np.eye(2)})

    again = artifacts.write_artifact(
        tmp_path / "again.mmodel", facts=FACTS, settings={"limit": 1.5}, members={"statistics.npz": arrays}
    )

    assert again == digest == artifacts.file_sha256(path)


def test_another_checksum_than_the_registered_one_is_refused(stored):
    path, _ = stored

    with pytest.raises(ArtifactError, match="not the one that was registered"):
        artifacts.load_predictor(path, expected_sha256="0" * 64)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_one_changed_byte_is_refused(stored, place):
    path, digest = stored
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(data)

    with pytest.raises(ArtifactError):
        artifacts.load_artifact(path, expected_sha256=digest)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "text.mmodel"
    path.write_text("not a model")

    with pytest.raises(ArtifactError, match="missing or damaged"):
        artifacts.read_facts(path)
    with pytest.raises(ArtifactError, match="damaged"):
        artifacts.load_artifact(path, expected_sha256=artifacts.file_sha256(path))
    with pytest.raises(ArtifactError, match="cannot be read"):
        artifacts.file_sha256(tmp_path / "absent.mmodel")


def test_a_member_that_models_do_not_have_is_refused(stored, tmp_path):
    path, _ = stored
    other = tmp_path / "other.mmodel"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        manifest = old.read("manifest.json").replace(b'"statistics.npz": "', b'"code.pkl": "')
        new.writestr("manifest.json", manifest)
        new.writestr("code.pkl", b"cos\nsystem\n.")

    with pytest.raises(ArtifactError, match="do not hold"):
        artifacts.load_artifact(other, expected_sha256=artifacts.file_sha256(other))


def test_a_pickled_array_is_refused(tmp_path):
    path = tmp_path / "pickled.mmodel"
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, a=np.array([{"an": "object"}], dtype=object))
    digest = artifacts.write_artifact(
        path, facts=FACTS, settings={}, members={"statistics.npz": pickled.read_bytes()}
    )

    artifact = artifacts.load_artifact(path, expected_sha256=digest)

    with pytest.raises(ValueError, match="pickle"):
        artifact.arrays("statistics.npz")


def test_a_model_without_its_network_is_refused(stored):
    path, digest = stored

    with pytest.raises(ArtifactError, match="lacks a part"):
        artifacts.load_predictor(path, expected_sha256=digest)


def test_the_file_of_a_trained_model_is_whole(toy_model, tmp_path):
    path, facts, _ = toy_model
    copy = Path(shutil.copy(path, tmp_path))

    predictor = artifacts.load_predictor(copy, expected_sha256=artifacts.file_sha256(path))

    assert predictor.facts == facts == artifacts.read_facts(path)


def test_facts_and_similarity_search_need_no_tensorflow():
    code = (
        "import sys, mlcore.engine.artifacts, mlcore.engine.types, mlcore.engine.errors\n"
        "import mlcore.engine.inference.retrieval, mlcore.engine.inference.loader\n"
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras') for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
