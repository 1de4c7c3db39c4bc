"""How a DICOM file that comes in names itself, to tell its sender what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from mlcore.engine.imaging.dicom_file import read_dicom
from mlcore.engine.imaging.quiet import refusing_damage
from mlcore.engine.types import ImageLimits

_LONGEST_UID = 64


@dataclass(frozen=True)
class OriginalIdentity:
    """UIDs as sent; empty where the file does not say. Told to the sender alone, and never kept."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str


def original_identity(content: bytes, *, limits: ImageLimits) -> OriginalIdentity:
    """Read the UIDs of a DICOM file.

    Raises:
        ImageError: it cannot be read.
    """
    dataset = read_dicom(content, limits=limits)
    with refusing_damage("DICOM file"):
        return OriginalIdentity(
            study_instance_uid=_uid(dataset.get("StudyInstanceUID")),
            series_instance_uid=_uid(dataset.get("SeriesInstanceUID")),
            sop_instance_uid=_uid(dataset.get("SOPInstanceUID")),
            sop_class_uid=_uid(dataset.get("SOPClassUID")),
            transfer_syntax_uid=_uid(dataset.file_meta.get("TransferSyntaxUID")),
        )


def _uid(value: object) -> str:
    """Return a UID, or nothing where the value is none."""
    text = str(value or "").strip()
    usable = len(text) <= _LONGEST_UID and text.replace(".", "").isdigit() and text.isascii()
    return text if usable else ""
