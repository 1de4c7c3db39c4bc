"""Write a frozen dataset version to a ZIP file, without anything that identifies a patient.

An image in it is named by its content, a patient by a keyed hash. DICOM files become
pictures, because their headers say more than a dataset needs.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from medimaging.common.storage import read_content
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.encode import encode_png
from mlcore.engine.training.data import Fold
from mlcore.models import DatasetVersion
from mlcore.selectors.manifests import DatasetRow, load_version

AS_IT_IS = ".png"
"""Pictures of this kind are copied; all else is drawn anew."""


class Layout(StrEnum):
    """How the files are arranged."""

    ZIP = "zip"
    """manifest.csv and a folder of images."""
    IMAGEFOLDER = "imagefolder"
    """A folder for each fold with a metadata.jsonl, as `datasets.load_dataset("imagefolder")` reads it."""


def export_version(
    version: DatasetVersion,
    target: IO[bytes] | Path,
    *,
    layout: Layout = Layout.ZIP,
    on_image: Callable[[], None] = lambda: None,
) -> int:
    """Write the version to `target`, image by image, and return how many images there were.

    Images that were barred since the version was frozen are left out.

    Raises:
        DamagedManifest: the stored manifest is not the one that was frozen.
    """
    rows = load_version(version)
    conditions = sorted({code for row in rows for code in row.labels})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for row in rows:
            archive.writestr(_entry(_path(row, layout=layout)), _picture(row))
            on_image()
        for name, content in _tables(rows, conditions=conditions, layout=layout):
            archive.writestr(_entry(name), content)
    return len(rows)


def _tables(rows: list[DatasetRow], *, conditions: list[str], layout: Layout) -> Iterator[tuple[str, str]]:
    if layout is Layout.ZIP:
        yield "manifest.csv", _manifest(rows, conditions=conditions)
        return
    for fold in Fold:
        lines = [_metadata(row, conditions=conditions) for row in rows if row.fold == fold]
        if lines:
            yield f"{fold}/metadata.jsonl", "".join(f"{line}\n" for line in lines)


def _manifest(rows: list[DatasetRow], *, conditions: list[str]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["path", "fold", "group", *conditions])
    for row in rows:
        said = (row.labels.get(code) for code in conditions)
        labels = ("" if present is None else int(present) for present in said)
        writer.writerow([_path(row, layout=Layout.ZIP), row.fold, row.group, *labels])
    return table.getvalue()


def _metadata(row: DatasetRow, *, conditions: list[str]) -> str:
    labels = {code: row.labels.get(code) for code in conditions}
    return json.dumps({"file_name": _file_name(row), "group": row.group, **labels})


def _path(row: DatasetRow, *, layout: Layout) -> str:
    return f"{'images' if layout is Layout.ZIP else row.fold}/{_file_name(row)}"


def _file_name(row: DatasetRow) -> str:
    return f"{PurePosixPath(row.content_key).stem}.png"


def _picture(row: DatasetRow) -> bytes:
    """Return the image as PNG: 8 bits as stored, or drawn anew with 16 bits of gray or 8 of color."""
    content = read_content(row.content_key)
    if row.content_key.endswith(AS_IT_IS):
        return content
    pixels = decode_image(content).pixels
    if pixels.ndim == 2:
        return encode_png(np.rint(pixels * 65535).astype(np.uint16))
    return encode_png(np.rint(pixels * 255).astype(np.uint8))


def _entry(name: str) -> zipfile.ZipInfo:
    """Return an entry without a time, so that the same version is the same file."""
    return zipfile.ZipInfo(name)
