"""Dates and ages, made too coarse to point at one person."""

from __future__ import annotations

from datetime import date, timedelta

from pydicom.dataset import Dataset

_MAX_AGE = 89
_AGED = "090Y"
_UNITS = "DWMY"


def shifted_date(original: Dataset, *, days: int) -> str:
    """Return the study date moved `days` into the past, or '' where there is none to move."""
    studied = _date(original, "StudyDate")
    try:
        return "" if studied is None else (studied - timedelta(days=days)).strftime("%Y%m%d")
    except OverflowError:
        return ""


def capped_age(original: Dataset) -> str:
    """Return the patient's age, from the dates where it is not given; all above 89 years are '090Y'."""
    stated = str(original.get("PatientAge") or "").strip().upper()
    if len(stated) == 4 and stated[:3].isascii() and stated[:3].isdigit() and stated[3] in _UNITS:
        return _AGED if stated[3] == "Y" and int(stated[:3]) > _MAX_AGE else stated
    born, studied = _date(original, "PatientBirthDate"), _date(original, "StudyDate")
    if born is None or studied is None or studied < born:
        return ""
    years = studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))
    return _AGED if years > _MAX_AGE else f"{years:03d}Y"


def _date(original: Dataset, keyword: str) -> date | None:
    text = str(original.get(keyword) or "").strip()
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
