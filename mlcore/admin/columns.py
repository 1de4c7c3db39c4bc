"""Columns of administration lists: links from one row to another, and counts that cost one subquery."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db import models
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html, format_html_join

EMPTY = "-"


def change_link(row: models.Model | None, *, text: object = "") -> str:
    """Return a link to the page of `row`, or a dash where there is none."""
    if row is None:
        return EMPTY
    return format_html('<a href="{}">{}</a>', change_address(row), text or str(row))


def change_address(row: models.Model) -> str:
    """Return the address of the page of `row`."""
    before, after = _around_key(row._meta.app_label, str(row._meta.model_name))
    return f"{before}{quote(row.pk)}{after}"


@lru_cache
def _around_key(app_label: str, model_name: str) -> tuple[str, str]:
    """Return what stands around the key: it is looked up once, and not for each cell of each row."""
    address = reverse(f"admin:{app_label}_{model_name}_change", args=["0"])
    before, _, after = address.rpartition("0")
    return before, after


def list_link(model: type[models.Model], *, text: object, **lookups: Any) -> str:
    """Return a link to the list of `model`, narrowed by `lookups`."""
    meta = model._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(lookups), text)


def count_of(rows: "models.QuerySet[Any]", *, on: str) -> Coalesce:
    """Return an annotation that counts the `rows` whose `on` is the outer row.

    A subquery is worked out for the rows of one page only; a join would be
    worked out for the whole table before the page is cut.
    """
    counted = (
        rows.filter(**{on: models.OuterRef("pk")})
        .order_by()
        .values(on)
        .annotate(counted=models.Count("pk"))
        .values("counted")
    )
    return Coalesce(models.Subquery(counted, output_field=models.IntegerField()), 0)


def figures(numbers: Mapping[str, Any]) -> str:
    """Return named numbers as a table."""
    rows = ((name.replace("_", " "), rounded(value)) for name, value in sorted(numbers.items()))
    lines = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
    return format_html("<table>{}</table>", lines) if lines else EMPTY


def bullets(sentences: Iterable[str]) -> str:
    """Return sentences as a list."""
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((said,) for said in sentences)))


def rounded(value: Any) -> str:
    """Return a number with three decimals, anything else as it is, and a dash for nothing."""
    if value is None:
        return EMPTY
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def in_seconds(duration: timedelta | None) -> str:
    """Return a duration as people write it, or a dash."""
    return EMPTY if duration is None else f"{duration.total_seconds():.2f} s"
