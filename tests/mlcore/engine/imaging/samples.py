"""Real DICOM files of pydicom and pydicom-data, and images drawn on the spot."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image

FOLDERS = (
    Path(pydicom.__file__).parent / "data" / "test_files",
    Path(data_store.__file__).parent / "data",
)


def dicom_names() -> list[str]:
    """Return the names of all files that both packages install."""
    return sorted({path.name for folder in FOLDERS for path in folder.glob("*.dcm")})


def dicom(name: str) -> bytes:
    """Return a file of either package, by its name or its path below `test_files`."""
    found = next(folder / name for folder in FOLDERS if (folder / name).is_file())
    return found.read_bytes()


def table(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / name).open(newline="") as file:
        return list(csv.DictReader(file))


DECODED = table("coverage.csv")
REFUSED = table("refusals.csv")


def gradient(rows: int = 60, columns: int = 80, *, dtype: str = "uint8", top: int = 255) -> NDArray[Any]:
    """Return a picture in which no row, column or corner is like another."""
    values = np.linspace(0, top, rows)[:, None] * 0.75 + np.linspace(0, top, columns)[None, :] * 0.25
    return np.rint(values).astype(dtype)


def picture(pixels: NDArray[Any], *, format: str = "PNG", **options: Any) -> bytes:
    target = BytesIO()
    Image.fromarray(pixels).save(target, format, **options)
    return target.getvalue()
