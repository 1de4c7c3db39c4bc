"""What the benchmarks of the model share: the shipped file, its folds, and a place for tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlcore.engine import artifacts  # noqa: E402
from mlcore.engine.artifacts import Artifact  # noqa: E402
from mlcore.engine.inference.loader import predictor_from  # noqa: E402
from mlcore.engine.inference.network_predictor import NetworkPredictor  # noqa: E402
from mlcore.engine.training.chest import SPLIT_KEY, read_chest_pictures  # noqa: E402
from mlcore.engine.training.data import TrainingData, divide  # noqa: E402
from mlcore.engine.types import DecodedImage, FloatArray, ImageFormat  # noqa: E402

DATA = Path(os.environ.get("MEDIMAGING_DATA", ROOT / "../shared/data"))
MODEL = ROOT / "mlcore/shipped/paediatric-chest-radiograph.mmodel"
README = ROOT / "benchmarks/README.md"


@cache
def shipped() -> Artifact:
    """The shipped model file."""
    return artifacts.load_artifact(MODEL, expected_sha256=artifacts.file_sha256(MODEL))


@cache
def predictor() -> NetworkPredictor:
    """The shipped model, ready to answer."""
    return predictor_from(shipped())


@cache
def folds() -> TrainingData:
    """The patient-disjoint folds that the shipped model was made from."""
    return divide(read_chest_pictures(DATA), key=SPLIT_KEY)


def decoded(pixels: NDArray[np.uint8] | FloatArray) -> DecodedImage:
    """Pixels as the decoder hands them on."""
    scale = 255.0 if pixels.dtype == np.uint8 else 1.0
    return DecodedImage(
        pixels=np.asarray(pixels / scale, np.float32),
        format=ImageFormat.PNG,
        bits_stored=8,
        photometric_interpretation="MONOCHROME2" if pixels.ndim == 2 else "RGB",
    )


def read_image(path: Path) -> DecodedImage:
    """An image file as it is, gray or color."""
    with Image.open(path) as image:
        return decoded(np.asarray(image.convert("L" if image.mode == "L" else "RGB")))


def publish(title: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, note: str = "") -> None:
    """Print a table and put it into benchmarks/README.md in the place of the one with the same title."""
    lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    body = f"## {title}\n\n" + (f"{note}\n\n" if note else "") + "\n".join(lines) + "\n"
    print(body)
    old = README.read_text() if README.exists() else "# Benchmarks\n\nEach table is written by its script.\n"
    head, *sections = old.split("\n## ")
    places = [place for place, section in enumerate(sections) if section.startswith(f"{title}\n")]
    place = places[0] if places else len(sections)
    sections[place : place + 1] = [body[3:]]
    README.write_text("\n## ".join(part.rstrip() + "\n" for part in (head, *sections)))
