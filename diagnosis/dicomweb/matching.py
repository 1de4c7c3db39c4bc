"""Turn the attributes of a search into conditions on rows (PS3.4 C.2.2.2)."""

import re
from collections.abc import Callable, Mapping

from django.db.models import Q
from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from diagnosis.dicom.attributes import date_of
from diagnosis.dicomweb.attributes import ATTRIBUTES, Attribute, Kind, Level
from diagnosis.dicomweb.query import InvalidQuery, SearchQuery
from diagnosis.models import Series
from diagnosis.selectors.dicom_files import DEFAULT_MODALITY

MOST_WILDCARDS = 4
LONGEST_VALUE = 200
MOST_UIDS = 1000
_UID = re.compile(r"[0-9.]{1,64}")
_NOTHING = Q(pk__in=[])
_PATHS = {
    Level.STUDY: {Level.STUDY: ""},
    Level.SERIES: {Level.STUDY: "study__", Level.SERIES: ""},
    Level.INSTANCE: {Level.STUDY: "series__study__", Level.SERIES: "series__", Level.INSTANCE: ""},
}
_CAPTURES: Mapping[str, Q] = {
    SecondaryCaptureImageStorage: Q(frame_count=1),
    MultiFrameTrueColorSecondaryCaptureImageStorage: Q(frame_count__gt=1, photometric_interpretation="RGB"),
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage: Q(frame_count__gt=1, bits_stored__lte=8)
    & ~Q(photometric_interpretation="RGB"),
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage: Q(frame_count__gt=1, bits_stored__gt=8)
    & ~Q(photometric_interpretation="RGB"),
}
"""Pictures that are no DICOM files by the class in which they are presented."""


def conditions(query: SearchQuery, *, level: Level) -> Q:
    """Return what rows of `level` must fulfill.

    Raises:
        InvalidQuery: a value is not one that its attribute can have.
    """
    condition = Q()
    for keyword, value in query.matches.items():
        attribute = ATTRIBUTES[keyword]
        prefix = _PATHS[level][attribute.level]
        condition &= _MATCHERS[attribute.kind](keyword, value, attribute, prefix, query.fuzzy)
    return condition


def _uids(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    return Q(**{f"{prefix}{attribute.field}__in": _listed_uids(keyword, value)})


def _sop_class(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    uids = _listed_uids(keyword, value)
    condition = Q(sop_class_uid__in=uids)
    for uid in uids:
        if uid in _CAPTURES:
            condition |= Q(sop_class_uid="") & _CAPTURES[uid]
    return condition


def _text(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    return _like(keyword, value, path=f"{prefix}{attribute.field}")


def _name(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    """Match a person's name: fuzzily, the words asked for are beginnings, in any case of letters."""
    path = f"{prefix}{attribute.field}"
    if not fuzzy:
        return _like(keyword, value.rstrip("^"), path=path, any_case=True)
    condition = Q()
    for word in re.split(r"[\^= ,*?]+", value[:LONGEST_VALUE]):
        condition &= Q(**{f"{path}__istartswith": word}) if word else Q()
    return condition


def _date(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    path = f"{prefix}{attribute.field}"
    begin, dash, end = value.partition("-")
    dates = {text: date_of(text.strip()) for text in (begin, end) if text.strip()}
    if not dates or None in dates.values():
        raise InvalidQuery(
            f"'{keyword}' is not a date or a range of dates.",
            mend="Write 20240131, 20240101-20240131, 20240101- or -20240131.",
        )
    if not dash:
        return Q(**{path: dates[begin]})
    condition = Q()
    if begin.strip():
        condition &= Q(**{f"{path}__gte": dates[begin]})
    if end.strip():
        condition &= Q(**{f"{path}__lte": dates[end]})
    return condition


def _integer(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", value):
        raise InvalidQuery(f"'{keyword}' is not a whole number.")
    return Q(**{f"{prefix}{attribute.field}": int(value)})


def _modality(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    condition = Q()
    for one in re.split(r"[,\\]", value):
        condition |= _one_modality(keyword, one.strip(), path=f"{prefix}modality")
    return condition


def _modalities(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    found = Series.objects.filter(_modality(keyword, value, attribute, "", fuzzy))
    return Q(**{f"{prefix}pk__in": found.values("study_id")})


def _one_modality(keyword: str, value: str, *, path: str) -> Q:
    condition = _like(keyword, value, path=path)
    if re.fullmatch(_pattern(keyword, value), DEFAULT_MODALITY):
        condition |= Q(**{path: ""})
    return condition


def _empty(keyword: str, value: str, attribute: Attribute, prefix: str, fuzzy: bool) -> Q:
    return _NOTHING


def _like(keyword: str, value: str, *, path: str, any_case: bool = False) -> Q:
    """Match with the wild cards * and ? (PS3.4 C.2.2.2.4)."""
    if "\0" in value or len(value) > LONGEST_VALUE:
        raise InvalidQuery(f"'{keyword}' has a value that cannot be searched for.")
    if not re.search(r"[*?]", value):
        return Q(**{f"{path}__iexact" if any_case else path: value})
    lookup = "iregex" if any_case else "regex"
    return Q(**{f"{path}__{lookup}": f"^{_pattern(keyword, value)}$"})


def _pattern(keyword: str, value: str) -> str:
    value = re.sub(r"\*+", "*", value)
    if value.count("*") > MOST_WILDCARDS:
        raise InvalidQuery(f"'{keyword}' has more than {MOST_WILDCARDS} asterisks.")
    plain = {"*": ".*", "?": "."}
    return "".join(plain.get(character) or re.escape(character) for character in value)


def _listed_uids(keyword: str, value: str) -> list[str]:
    uids = [uid.strip() for uid in re.split(r"[,\\]", value) if uid.strip()]
    if len(uids) > MOST_UIDS or not all(_UID.fullmatch(uid) for uid in uids):
        raise InvalidQuery(f"'{keyword}' is not a UID or a list of at most {MOST_UIDS} UIDs.")
    return uids


_MATCHERS: Mapping[Kind, Callable[[str, str, Attribute, str, bool], Q]] = {
    Kind.UID: _uids,
    Kind.TEXT: _text,
    Kind.NAME: _name,
    Kind.DATE: _date,
    Kind.INTEGER: _integer,
    Kind.MODALITY: _modality,
    Kind.MODALITIES: _modalities,
    Kind.SOP_CLASS: _sop_class,
    Kind.EMPTY: _empty,
}
