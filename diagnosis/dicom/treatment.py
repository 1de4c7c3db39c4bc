"""What becomes of each DICOM element on the way in, by tag: for the reader who looks before sending."""

from functools import cache

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_keyword

from diagnosis.dicom.allowed import ATTRIBUTES, FUNCTIONAL_GROUPS, SEQUENCES
from diagnosis.dicom.report import EMPTIED

KEPT, REPLACED, REMOVED = "kept", "replaced", "removed"
PSEUDONYMIZED = frozenset(
    {
        "FrameOfReferenceUID",
        "PatientID",
        "PatientName",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "StudyDate",
        "StudyInstanceUID",
    }
)
STAYING = frozenset({*ATTRIBUTES, *SEQUENCES, *FUNCTIONAL_GROUPS, "PatientAge", "SOPClassUID"})
GROUPS = frozenset({0x08, 0x10, 0x12, 0x18, 0x20, 0x28, 0x32, 0x38, 0x40, 0x88, 0x400, 0x5200, 0x7FE0})
"""Groups whose elements are named; of the others only the number is shown."""


def treatment(keyword: str) -> str:
    """Return what becomes of an element; what is kept is kept only with a harmless value."""
    if keyword in PSEUDONYMIZED:
        return REPLACED
    return KEPT if keyword in STAYING and keyword not in EMPTIED else REMOVED


@cache
def treated_elements() -> dict[str, tuple[str, str]]:
    """Return name and treatment by tag, written as `x` and eight hexadecimal digits."""
    return {
        f"x{tag:08x}": (entry[2], treatment(dictionary_keyword(tag)))
        for tag, entry in DicomDictionary.items()
        if tag >> 16 in GROUPS and entry[4]
    }
