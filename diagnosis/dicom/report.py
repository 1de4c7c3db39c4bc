"""What de-identification took away, and what it cannot take away."""

from __future__ import annotations

from pydicom.datadict import dictionary_keyword
from pydicom.dataset import FileDataset
from pydicom.tag import BaseTag

EMPTIED = (
    "AccessionNumber",
    "Manufacturer",
    "PatientBirthDate",
    "ReferringPhysicianName",
    "StudyID",
    "StudyTime",
)
"""Attributes that an image must have and that stay without a value."""

_REPLACED = frozenset(
    {
        "FrameOfReferenceUID",
        "PatientID",
        "PatientName",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "StudyDate",
        "StudyInstanceUID",
        *EMPTIED,
    }
)
_IDENTIFIERS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "OtherPatientIDs",
    "AccessionNumber",
    "InstitutionName",
    "ReferringPhysicianName",
)
_SHORTEST_IDENTIFIER = 5


def removed_keywords(original: FileDataset, *, cleaned: FileDataset) -> tuple[str, ...]:
    """Return the keywords of what is gone or has another value, sorted."""
    keywords = {_keyword(tag) for tag in original.keys()}  # noqa: SIM118 - values would be parsed
    return tuple(sorted(name for name in keywords if name in _REPLACED or name not in cleaned))


def _keyword(tag: BaseTag) -> str:
    if tag.is_private:
        return "PrivateAttribute"
    try:
        return dictionary_keyword(tag)
    except KeyError:
        return "UnknownAttribute"


def remaining_risks(original: FileDataset) -> tuple[str, ...]:
    """Return a sentence on each thing that may still identify the patient."""
    warnings = []
    if str(original.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        warnings.append("The file says that its pixels hold text that may identify the patient.")
    if str(original.get("RecognizableVisualFeatures") or "").strip().upper() == "YES":
        warnings.append("The file says that the patient may be recognized in the image.")
    if _names_in_pixels(original):
        warnings.append("The compressed pixel data holds an identifier of the patient as text.")
    return tuple(warnings)


def _names_in_pixels(original: FileDataset) -> bool:
    """Whether an identifier of the header also stands, as text, in a comment of the compressed pixels."""
    pixels: bytes = original.PixelData
    texts = (str(original.get(keyword) or "").encode("utf-8") for keyword in _IDENTIFIERS)
    return any(len(text) >= _SHORTEST_IDENTIFIER and text in pixels for text in texts)
