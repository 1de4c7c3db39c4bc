"""A toy data set on which a small network learns within seconds: is there a bright disk?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlcore.engine.imaging.augment import Augmentation
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.training.data import LabelledPictures, TrainingData, divide
from mlcore.engine.training.package import Description, write_model
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.trainer import TrainedNetwork, find_trainer
from mlcore.engine.types import DecodedImage, ImageFormat, ModelFacts

SIZE = 64
CREATED = "2026-01-01T00:00:00+00:00"


def toy_pictures(count: int, *, seed: int = 0) -> LabelledPictures:
    """Textured pictures, half of them with a bright disk; two pictures to a patient."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) // 2 % 2).astype(np.float32)[:, None]
    pictures = np.stack([toy_picture(bool(label), rng=rng) for label in labels[:, 0]])
    groups = tuple(f"patient-{i // 2}" for i in range(count))
    return LabelledPictures(
        pictures=pictures, labels=labels, groups=groups, keys=tuple(f"picture-{i}" for i in range(count))
    )


def toy_picture(disk: bool, *, rng: np.random.Generator) -> np.ndarray:
    """(64, 64) uint8: a vertical slope with noise, and a disk somewhere inside when asked for."""
    picture = np.linspace(40, 140, SIZE)[:, None] + rng.normal(0, 8, (SIZE, SIZE))
    if disk:
        row, column = rng.integers(20, 44, 2)
        y, x = np.ogrid[:SIZE, :SIZE]
        picture[(y - row) ** 2 + (x - column) ** 2 < 64] += 90
    return np.clip(picture, 0, 255).astype(np.uint8)


def toy_plan(**changes: object) -> TrainingPlan:
    """A plan for the small network on toy pictures."""
    settings: dict[str, object] = {
        "architecture": "tiny_cnn",
        "classes": ("disk",),
        "epochs": 4,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "average": 0.9,
        "dropout": 0.1,
        "preprocessing": Preprocessing(stored_size=SIZE, input_size=32, edge_blank=1, edge_ramp=2),
        "augmentation": Augmentation(patches=0.0, tone=0.1, noise=0.1),
    }
    return TrainingPlan(**{**settings, **changes})


def toy_data(count: int = 400) -> TrainingData:
    """Toy pictures divided by patient."""
    return divide(toy_pictures(count), key=b"toy")


def train_toy(**changes: object) -> TrainedNetwork:
    """Train a toy network from scratch."""
    plan = toy_plan(**changes)
    return find_trainer(plan.architecture).train(toy_data(), plan=plan)


def write_toy_model(folder: Path) -> tuple[Path, ModelFacts, TrainedNetwork]:
    """A trained toy model as a file."""
    trained, path = train_toy(epochs=10), folder / "toy.mmodel"
    described = Description(name="Disks", examination_type="toy", created_at=CREATED, limits=("A toy.",))
    return (
        path,
        write_model(trained, toy_data(), output=path, described=described, say=lambda _: None),
        trained,
    )


def as_decoded(picture: np.ndarray) -> DecodedImage:
    """A picture of 8 bits as the decoder hands it on."""
    return DecodedImage(
        pixels=(picture / 255.0).astype(np.float32),
        format=ImageFormat.PNG,
        bits_stored=8,
        photometric_interpretation="MONOCHROME2",
    )
