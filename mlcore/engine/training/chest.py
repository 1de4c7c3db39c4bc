"""The shipped model: pneumonia on chest radiographs of children (Kermany 2018)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.engine.errors import EngineError
from mlcore.engine.imaging.augment import Augmentation
from mlcore.engine.imaging.preprocess import Preprocessing, stored_picture
from mlcore.engine.networks.registry import find_network
from mlcore.engine.training.data import Fold, LabelledPictures, divide, fold_of
from mlcore.engine.training.ensemble import Ensemble, train_pupil
from mlcore.engine.training.outside import OutsideExamples
from mlcore.engine.training.package import Description, write_model
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.progress import OnProgress, ShouldStop, never_stop, say_nothing
from mlcore.engine.training.trainer import find_trainer
from mlcore.engine.types import ModelFacts

CLASSES = ("pneumonia",)
EXAMINATION_TYPE = "paediatric-chest-radiograph"
SPLIT_KEY = b"medimaging chest split 1"
FOLDER = "cxr_kermany/train/"
ADULTS = "cxr_nih"
"""The set of adults' radiographs; half of its patients show what lies outside of the validated range."""
ADULTS_KEY = b"medimaging adults 1"
LOOKS_ADULT = (
    "This looks like an adult's radiograph; this model was validated on children of one to five years, "
    "so no result is shown."
)
PREVALENCE = 0.62
"""Of pneumonia, that probabilities hold for: halfway, in log odds, between even and the training images."""
CHANGES = Augmentation(
    zoom=0.18, aspect=0.30, rotation=12.0, shift=0.08, tone=0.35, gamma=0.45, blur=0.3, coarse=0.25,
    noise=0.3, jpeg=0.35, patches=0.3, shade=0.3, sharpen=0.25, fill=0.3,
)  # fmt: skip
"""Wide in aspect and place: how a radiograph was squashed and padded tells the class in this data."""
PATIENCE = 20
"""More epochs than are run: the schedule is left to end, and the best epoch is kept."""
INTENDED_USE = (
    "A second look at frontal chest radiographs of children of one to five years, for findings of pneumonia. "
    "Preliminary; not for stand-alone clinical decisions; does not rule out disease."
)
AGES = (1, 5)
"""Of the children in the data, in years (Kermany 2018)."""
LIMITS = (
    "Learned from one hospital (Guangzhou Women and Children's Medical Center) and never tried at another.",
    "Not for adults: most of their radiographs are withheld, but not all.",
    "Probabilities hold where 62 % of the children have pneumonia; where it is rarer they are too high.",
    "Knows pneumonia alone; any other finding goes unmentioned.",
    "The reference standard is the reading of radiographs, without laboratory tests.",
)


class DataMissing(EngineError):
    """The labelled images are not where they were said to be."""

    code = "data_missing"
    mend = "Give the folder that holds manifest.csv and the images it lists."


def chest_plan(
    architecture: str, *, epochs: int, seed: int, stop_after: int = 0, planted: bool = False
) -> TrainingPlan:
    """The settings of the shipped model, for any architecture."""
    size = find_network(architecture).input_size
    return TrainingPlan(
        architecture=architecture,
        classes=CLASSES,
        epochs=epochs,
        stop_after=stop_after,
        patience=PATIENCE,
        seed=seed,
        planted=CLASSES[0] if planted else "",
        preprocessing=Preprocessing(input_size=size),
        augmentation=CHANGES,
    )


def train(
    folder: Path,
    *,
    how: TrainingPlan | Ensemble,
    output: Path,
    created_at: str,
    checkpoint: Path | None = None,
    processes: int = 0,
    on_progress: OnProgress = say_nothing,
    should_stop: ShouldStop = never_stop,
    say: Callable[[str], None] = print,
) -> ModelFacts:
    """Train on the labelled images of `folder` and write the model file `output`.

    With a plan one network is trained, in an ensemble several and one that learns from
    them. A run that was cut off goes on after its last whole epoch: an ensemble's always,
    one network's with `checkpoint`.
    """
    data = divide(read_chest_pictures(folder), key=SPLIT_KEY)
    if isinstance(how, Ensemble):
        trained = train_pupil(data, ensemble=how, on_progress=on_progress, should_stop=should_stop, say=say)
    else:
        trained = find_trainer(how.architecture, processes=processes).train(
            data, plan=how, checkpoint=checkpoint, on_progress=on_progress, should_stop=should_stop
        )
    outside = read_adults(folder)
    if outside is None:
        say(
            f"No adults' radiographs ({ADULTS}) are there: the model will not know one by what it looks like."
        )
    return write_model(
        trained,
        data,
        output=output,
        described=described(created_at=created_at),
        outside=outside,
        prevalence=PREVALENCE,
        say=say,
    )


def described(*, created_at: str) -> Description:
    """What the shipped model's file says in words."""
    return Description(
        name="Pneumonia on chest radiographs of children",
        examination_type=EXAMINATION_TYPE,
        created_at=created_at,
        intended_use=INTENDED_USE,
        limits=LIMITS,
        validated_ages=AGES,
    )


def read_adults(folder: Path, *, how: Preprocessing | None = None) -> OutsideExamples | None:
    """The half of the adults that is learned from, as a served model sees them, or None."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("dataset") == ADULTS]
    chosen = [folder / row["path"] for row in rows if learned_adult(row["group"])]
    if not chosen:
        return None
    how = how or Preprocessing()
    return OutsideExamples(np.stack([_as_served(path, how=how) for path in chosen]), message=LOOKS_ADULT)


def learned_adult(group: str) -> bool:
    """Whether an adult is learned from; the others are there to be measured on."""
    return fold_of(group, key=ADULTS_KEY, validation=0.0, test=0.5) is Fold.TRAIN


def _as_served(path: Path, *, how: Preprocessing) -> NDArray[np.uint8]:
    """One image as a stored square picture of 8 bits, by the road that an upload takes."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"), np.float32) / np.float32(255.0)
    return np.asarray(stored_picture(pixels, how=how) * 255.0 + 0.5, np.uint8)


def read_chest_pictures(folder: Path, *, size: int = 224) -> LabelledPictures:
    """Read the training images that the manifest of `folder` lists; raise DataMissing.

    Groups are patients. Their numbers are used twice, for a healthy child and for a
    sick one; the manifest's group tells them apart.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise DataMissing("There is no manifest of labelled images in that folder.")
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith(FOLDER)]
    if not rows:
        raise DataMissing("The manifest lists no chest radiographs of children.")
    labels = np.array([[row["label"] == "PNEUMONIA"] for row in rows], np.float32)
    return LabelledPictures(
        pictures=np.stack([read_picture(folder / row["path"], size=size) for row in rows]),
        labels=labels,
        groups=tuple(row["group"] for row in rows),
        keys=tuple(row["sha256"] for row in rows),
    )


def read_picture(path: Path, *, size: int) -> NDArray[np.uint8]:
    """One image as a square gray picture of 8 bits."""
    with Image.open(path) as image:
        gray = image.convert("L")
        if gray.size != (size, size):
            gray = gray.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(gray)
