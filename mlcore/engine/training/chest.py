"""The shipped model: pneumonia on chest radiographs of children (Kermany 2018)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from mlcore.engine.errors import EngineError
from mlcore.engine.training.data import LabelledPictures

CLASSES = ("pneumonia",)
EXAMINATION_TYPE = "paediatric-chest-radiograph"
SPLIT_KEY = b"medimaging chest split 1"
FOLDER = "cxr_kermany/train/"


class DataMissing(EngineError):
    """The labelled images are not where they were said to be."""

    code = "data_missing"
    mend = "Give the folder that holds manifest.csv and the images it lists."


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
    pictures = np.empty((len(rows), size, size), np.uint8)
    for index, row in enumerate(rows):
        pictures[index] = read_picture(folder / row["path"], size=size)
    labels = np.array([[row["label"] == "PNEUMONIA"] for row in rows], np.float32)
    return LabelledPictures(
        pictures=pictures,
        labels=labels,
        groups=tuple(row["group"] for row in rows),
        keys=tuple(row["sha256"] for row in rows),
    )


def read_picture(path: Path, *, size: int) -> np.ndarray:
    """One image as a square gray picture of 8 bits."""
    with Image.open(path) as image:
        gray = image.convert("L")
        if gray.size != (size, size):
            gray = gray.resize((size, size), Image.Resampling.BOX)
        return np.asarray(gray)
