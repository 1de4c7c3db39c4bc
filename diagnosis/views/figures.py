"""The page of figures: the own ones for readers, everybody's for those who oversee."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from diagnosis.selectors import figures
from diagnosis.selectors.drift import DriftPage, drift_pages
from diagnosis.selectors.figures import Share, Signed
from diagnosis.selectors.plots import Drawing, Value, draw
from diagnosis.views.common import ReaderRequest, page

PERCENT_ROWS = [(share / 100, f"{share} %") for share in (0, 25, 50, 75, 100)]
MINUTES = (2, 5, 10, 20, 40, 60)


@page
@require_safe
def show_figures(request: ReaderRequest) -> HttpResponse:
    """Show how readers and models get on."""
    verdicts = figures.signed_verdicts(request.user)
    weeks = figures.by_week(verdicts)
    calibrated = figures.calibration(verdicts)
    context = {
        "overall": figures.agreement(verdicts) if verdicts else None,
        "blind": sum(verdict.blind for verdict in verdicts),
        "minutes": figures.reading_minutes(verdicts),
        "agreement": _weekly({week: figures.agreement(part) for week, part in weeks.items()}),
        "reading_time": _minutes({week: figures.reading_minutes(part) for week, part in weeks.items()}),
        "calibration": _calibration(calibrated),
        "calibrated": [(mean, found) for mean, found in calibrated],
        "subgroups": _subgroups(verdicts),
        "by_reader": _by_reader(verdicts) if request.user.sees_everything else [],
        "drift": [(shown, _withheld(shown)) for shown in drift_pages(request.user)],
    }
    return render(request, "diagnosis/figures.html", context)


def _weekly(shares: dict[date, Share]) -> Drawing | None:
    values = [
        Value(
            _place(index, len(shares)),
            share.value,
            _("%(week)s: %(share)s of %(count)d")
            % {"week": week.isoformat(), "share": f"{share.value:.0%}", "count": share.count},
            share.interval,
        )
        for index, (week, share) in enumerate(shares.items())
    ]
    return draw(values, rows=PERCENT_ROWS, columns=_columns(shares))


def _minutes(medians: dict[date, float | None]) -> Drawing | None:
    known = [minutes for minutes in medians.values() if minutes is not None]
    top = next((most for most in MINUTES if most >= max(known, default=0)), MINUTES[-1])
    values = [
        Value(_place(index, len(medians)), minutes, f"{week.isoformat()}: {number_format(minutes, 1)} min")
        for index, (week, minutes) in enumerate(medians.items())
        if minutes is not None
    ]
    rows = [(top * part / 4, f"{number_format(top * part / 4, 1)} min") for part in range(5)]
    return draw(values, rows=rows, columns=_columns(medians))


def _calibration(bins: list[tuple[float, Share]]) -> Drawing | None:
    values = [
        Value(mean, share.value, f"{mean:.0%}: {share.value:.0%} ({share.count})", share.interval)
        for mean, share in bins
    ]
    columns = [(share, label) for share, label in PERCENT_ROWS]
    return draw(values, rows=PERCENT_ROWS, columns=columns, diagonal=True)


def _withheld(shown: DriftPage) -> Drawing | None:
    values = [
        Value(_place(index, len(shown.withheld)), held / count, f"{week.isoformat()}: {held} / {count}")
        for index, (week, count, held) in enumerate(shown.withheld)
    ]
    return draw(values, rows=PERCENT_ROWS, columns=_columns(week for week, _count, _held in shown.withheld))


def _subgroups(verdicts: list[Signed]) -> list[dict[str, Any]]:
    kinds = (
        (_("Age in years"), figures.age_group),
        (_("Sex"), lambda verdict: verdict.sex),
    )
    rows = []
    for kind, key in kinds:
        for name, part in figures.grouped(verdicts, key).items():
            rows.append(
                {
                    "kind": kind,
                    "name": name or _("not known"),
                    "agreement": figures.agreement(part),
                    "sensitivity": figures.sensitivity(part),
                    "specificity": figures.specificity(part),
                }
            )
    return rows


def _by_reader(verdicts: list[Signed]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "agreement": figures.agreement(part),
            "minutes": figures.reading_minutes(part),
        }
        for name, part in figures.grouped(verdicts, lambda verdict: verdict.reader).items()
    ]


def _place(index: int, count: int) -> float:
    return (index + 0.5) / count


def _columns(weeks: Iterable[date]) -> list[tuple[float, str]]:
    days = list(weeks)
    return [(_place(index, len(days)), day.strftime("%m-%d")) for index, day in enumerate(days)]
