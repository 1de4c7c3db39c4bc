"""Columns of administration lists: links from one row to another, and counts that cost one subquery."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html

EMPTY = "-"


def change_link(row: models.Model | None, *, text: object = "") -> str:
    """Return a link to the page of `row`, or a dash where there is none."""
    if row is None:
        return EMPTY
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text or str(row))


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


def in_seconds(duration: timedelta | None) -> str:
    """Return a duration as people write it, or a dash."""
    return EMPTY if duration is None else f"{duration.total_seconds():.2f} s"
