"""The worklist as CSV, written row by row for however many studies."""

import csv
from collections.abc import Iterator
from datetime import tzinfo
from io import StringIO
from typing import Any
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from diagnosis.models import Study
from diagnosis.selectors.worklist import worklist
from diagnosis.selectors.worklist_search import Criteria, matching
from medimaging.common.tables import guarded

CHUNK = 500
BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes UTF-8 for something else."""
COLUMNS = (
    *("study", "patient", "age_years", "sex", "examination_type", "description", "created_at"),
    *("analysis_state", "withheld_reason", "top_condition", "top_probability", "suggested"),
    *("signed_at", "signed_by", "reader_and_model_disagree", "address"),
)


def matching_keys(user: User, *, tab: str, criteria: Criteria) -> list[UUID]:
    """Return the keys of what the export holds, in its order."""
    return list(matching(user, tab=tab, criteria=criteria).values_list("pk", flat=True))


def csv_lines(user: User, keys: list[UUID], *, zone: tzinfo, site: str) -> Iterator[str]:
    """Yield the lines of the file; times are in `zone`, addresses begin with `site`."""
    yield BYTE_ORDER_MARK + _line(COLUMNS)
    for begin in range(0, len(keys), CHUNK):
        chunk = keys[begin : begin + CHUNK]
        rows = {study.pk: study for study in worklist(user).filter(pk__in=chunk)}
        yield "".join(_line(_cells(rows[key], zone=zone, site=site)) for key in chunk if key in rows)


def _cells(study: Study, *, zone: tzinfo, site: str) -> list[object]:
    row: Any = study
    answer = (row.withheld_reason, row.top_condition, row.top_probability, _yes_or_no(row.suggested))
    return [
        study.pk,
        study.patient.pseudonym,
        study.patient_age_years,
        study.patient.sex,
        study.examination_type.code,
        study.description,
        study.created_at.astimezone(zone).isoformat(timespec="seconds"),
        "hidden" if row.answers_hidden else row.latest_state,
        *((None,) * len(answer) if row.answers_hidden else answer),
        row.signed_at.astimezone(zone).isoformat(timespec="seconds") if row.signed_at else None,
        row.signed_by_name,
        None if row.answers_hidden else _yes_or_no(row.disagreement),
        site + reverse("diagnosis:study", args=[study.pk]),
    ]


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _line(cells: Any) -> str:
    file = StringIO()
    csv.writer(file).writerow([guarded(cell) for cell in cells])
    return file.getvalue()
