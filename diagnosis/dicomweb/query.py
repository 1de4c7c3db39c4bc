"""What a QIDO-RS request asks for (PS3.18 8.3.4)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.http import QueryDict
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from diagnosis.dicomweb.attributes import ATTRIBUTES, Kind, Level
from medimaging.common.errors import ApplicationError

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
LARGEST_OFFSET = 1_000_000
ALL = "all"
RESERVED = frozenset({"includefield", "limit", "offset", "fuzzymatching", "accept", "charset"})
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_BOOLEANS = {"true": True, "false": False}


class InvalidQuery(ApplicationError):
    """The query cannot be understood."""

    code = "invalid_query"
    status = 400  # type: ignore[assignment]


@dataclass
class SearchQuery:
    """What is searched for, what is to be returned, and which page of it."""

    matches: dict[str, str] = field(default_factory=dict)
    includes: set[str] = field(default_factory=set)
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    fuzzy: bool = False
    ignored: list[str] = field(default_factory=list)
    """Attributes of the standard that are asked for and are not searched or returned here."""

    def returned(self, *, level: Level) -> list[str]:
        """Return the keywords of what to return for a row of `level`."""
        return [
            keyword
            for keyword, attribute in ATTRIBUTES.items()
            if attribute.level <= level
            and (attribute.default or ALL in self.includes or keyword in self.includes)
        ]


def parse_query(params: QueryDict, *, level: Level) -> SearchQuery:
    """Read the query of a search for rows of `level`.

    Raises:
        InvalidQuery: what cannot be understood, and what to write instead.
    """
    query = SearchQuery(
        limit=min(_number(params, "limit", default=DEFAULT_LIMIT, least=1), LARGEST_LIMIT),
        offset=_number(params, "offset", default=0, least=0),
        fuzzy=_boolean(params, "fuzzymatching"),
    )
    if query.offset > LARGEST_OFFSET:
        raise InvalidQuery("'offset' is too large.", mend="Narrow the search instead.")
    for name in _included(params):
        keyword = ALL if name == ALL else _keyword(name)
        if keyword == ALL or _is_known(keyword, level=level):
            query.includes.add(keyword)
        else:
            query.ignored.append(keyword)
    for keyword, value in _asked(params):
        if value in ("", "*"):  # universal matching
            query.includes.add(keyword)
        elif _is_known(keyword, level=level) and ATTRIBUTES[keyword].kind != Kind.SHOWN:
            query.matches[keyword] = value
            query.includes.add(keyword)
        else:
            query.ignored.append(keyword)
    return query


def _asked(params: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in params.lists():
        if name in RESERVED:
            continue
        keyword = _keyword(name)
        if len(values) > 1 and ATTRIBUTES.get(keyword) is None:
            raise InvalidQuery(f"'{keyword}' is given twice.", mend="Give each attribute once.")
        yield keyword, ",".join(str(value).strip() for value in values)


def _included(params: QueryDict) -> Iterator[str]:
    for value in params.getlist("includefield"):
        yield from (name.strip() for name in str(value).split(",") if name.strip())


def _keyword(name: str) -> str:
    """Return the keyword of an attribute that is named by keyword or by tag; of a sequence, its first."""
    first = name.partition(".")[0]
    if _TAG.fullmatch(first):
        keyword = keyword_for_tag(int(first, 16))
    else:
        keyword = first if tag_for_keyword(first) is not None else ""
    if not keyword:
        raise InvalidQuery(
            "The query names an attribute that DICOM does not have.",
            mend="Name attributes by keyword, such as PatientID, or by tag, such as 00100020.",
        )
    return keyword if first == name else f"{keyword}."


def _is_known(keyword: str, *, level: Level) -> bool:
    return keyword in ATTRIBUTES and ATTRIBUTES[keyword].level <= level


def _number(params: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < least:
        raise InvalidQuery(f"'{name}' is not a whole number from {least}.")
    return int(text)


def _boolean(params: Mapping[str, str], name: str) -> bool:
    text = params.get(name, "false").lower()
    if text not in _BOOLEANS:
        raise InvalidQuery(f"'{name}' is true or false.")
    return _BOOLEANS[text]
