"""Years, months and days above a list of a large table, found without reading the table."""

import calendar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.utils import formats, timezone


@dataclass(frozen=True)
class Period:
    """One year, month or day, and the address that narrows the list to it (none if it is)."""

    title: str
    link: str = ""


def periods(changes: ChangeList) -> tuple[Period | None, list[Period]]:
    """Return the way back to the longer period, and the periods that the list can be narrowed to.

    Django's own asks the database for the distinct years of all rows, which at a
    million rows takes seconds. The first and the last row of the index are enough:
    every period between them is offered.
    """
    field = changes.date_hierarchy
    first, last = _ends(changes, field)
    if first is None or last is None:
        return None, []
    year, month, day = (_chosen(changes, f"{field}__{unit}") for unit in ("year", "month", "day"))
    if year is None:
        return None, [_period(changes, y) for y in range(first.year, last.year + 1)]
    if month is None:
        within = [m for m in range(1, 13) if _month(first) <= (year, m) <= _month(last)]
        return Period("All dates", _link(changes)), [_period(changes, year, m) for m in within]
    back = _period(changes, year) if day is None else _period(changes, year, month)
    if day is not None:
        return back, [Period(_period(changes, year, month, day).title)]
    days = range(1, calendar.monthrange(year, month)[1] + 1)
    within = [
        d for d in days if first.date().timetuple()[:3] <= (year, month, d) <= last.date().timetuple()[:3]
    ]
    return back, [_period(changes, year, month, d) for d in within]


def _ends(changes: ChangeList, field: str) -> tuple[datetime | None, datetime | None]:
    rows = changes.model._default_manager.order_by().values_list(field, flat=True)
    ends = (rows.order_by(field).first(), rows.order_by(f"-{field}").first())
    first, last = (timezone.localtime(end) if end else None for end in ends)
    return first, last


def _month(moment: datetime) -> tuple[int, int]:
    return moment.year, moment.month


def _chosen(changes: ChangeList, name: str) -> int | None:
    value: Any = changes.params.get(name)
    return int(value) if value is not None and str(value).isdecimal() else None


def _period(changes: ChangeList, year: int, month: int | None = None, day: int | None = None) -> Period:
    if month is None:
        return Period(str(year), _link(changes, year=year))
    moment = datetime(year, month, day or 1)  # noqa: DTZ001 - only its name is wanted
    shape = "YEAR_MONTH_FORMAT" if day is None else "MONTH_DAY_FORMAT"
    units = {"year": year, "month": month} | ({} if day is None else {"day": day})
    return Period(formats.date_format(moment, shape), _link(changes, **units))


def _link(changes: ChangeList, **units: int) -> str:
    field = changes.date_hierarchy
    return changes.get_query_string({f"{field}__{unit}": n for unit, n in units.items()}, [f"{field}__"])
