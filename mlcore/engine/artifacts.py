"""A model in one file: what it says of itself, its weights, and all that gives its numbers meaning.

The file is a zip archive without compression, `.mmodel`: `manifest.json`, arrays as
`.npz` (never pickled) and the compiled network. Reading the facts needs no TensorFlow.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.errors import ArtifactError
from mlcore.engine.types import ModelFacts, OperatingPoint

if TYPE_CHECKING:
    from mlcore.engine.inference.predictor import Predictor

SUFFIX = ".mmodel"
FORMAT = 1
MANIFEST = "manifest.json"
MEMBERS = frozenset({MANIFEST, "weights.npz", "statistics.npz", "network.tflite", "words.npz"})
MAX_MEMBER_BYTES = 512 * 1024 * 1024
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""Time of every member, so that equal contents make equal files."""


@dataclass(frozen=True)
class Artifact:
    """The contents of a model file, verified and in memory."""

    facts: ModelFacts
    settings: Mapping[str, Any]
    """Preprocessing, calibration, limits and the training plan, as plain values."""
    members: Mapping[str, bytes]

    def arrays(self, member: str) -> dict[str, NDArray[Any]]:
        """The arrays of an `.npz` member by name, in the order they were written."""
        with np.load(io.BytesIO(self.members[member]), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays by name as the bytes of an `.npz` file; equal arrays make equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", FIXED_TIME), part.getvalue())
    return buffer.getvalue()


def write_artifact(
    path: Path, *, facts: ModelFacts, settings: Mapping[str, Any], members: Mapping[str, bytes]
) -> str:
    """Write a model file, whole or not at all, and return its SHA-256."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    manifest = {"format": FORMAT, "facts": asdict(facts), "settings": dict(settings), "members": digests}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(manifest, indent=1, sort_keys=True)
        for name, data in {MANIFEST: text.encode(), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), data)
    os.replace(part, path)
    return file_sha256(path)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; raise ArtifactError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError("The model artifact cannot be read.") from error


def read_facts(path: Path) -> ModelFacts:
    """What the model file says of itself; raise ArtifactError when it is not one."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return _facts(json.loads(_member(archive, MANIFEST)))
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise ArtifactError("The model artifact is missing or damaged.") from error


def load_artifact(path: Path, *, expected_sha256: str) -> Artifact:
    """Read and verify a model file; raise ArtifactError when it is not the registered one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError("The model artifact cannot be read.") from error
    if hashlib.sha256(data).hexdigest() != expected_sha256.lower():
        raise ArtifactError("The model artifact is not the one that was registered.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest = json.loads(_member(archive, MANIFEST))
            members = {name: _member(archive, name) for name in manifest["members"]}
        _check_members(members, manifest["members"])
        return Artifact(facts=_facts(manifest), settings=manifest["settings"], members=members)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise ArtifactError("The model artifact is damaged.") from error


def load_predictor(path: Path, *, expected_sha256: str) -> Predictor:
    """Load a model, ready to answer; raise ArtifactError when it is not the registered one."""
    from mlcore.engine.inference.loader import predictor_from

    return predictor_from(load_artifact(path, expected_sha256=expected_sha256))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in MEMBERS or archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
        raise ArtifactError("The model artifact holds something that models do not hold.")
    return archive.read(name)


def _check_members(members: Mapping[str, bytes], digests: Mapping[str, str]) -> None:
    for name, data in members.items():
        if hashlib.sha256(data).hexdigest() != digests[name]:
            raise ArtifactError("A part of the model artifact is damaged.")


def _facts(manifest: Mapping[str, Any]) -> ModelFacts:
    if manifest["format"] != FORMAT:
        raise ArtifactError("The model artifact was written by another version of this software.")
    facts = dict(manifest["facts"])
    points = {code: _operating_point(point) for code, point in facts.pop("operating_points").items()}
    lists: dict[str, Any] = {"classes": tuple(facts.pop("classes")), "limits": tuple(facts.pop("limits"))}
    ages = facts.pop("validated_ages", None)
    return ModelFacts(
        operating_points=points,
        validated_ages=None if ages is None else (int(ages[0]), int(ages[1])),
        **lists,
        **facts,
    )


def _operating_point(stored: Mapping[str, Any]) -> OperatingPoint:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return OperatingPoint(**values)
