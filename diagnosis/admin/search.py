"""Search for rows by what their study is known by, reading indexes only."""

import re
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.models import User
from diagnosis.models import Patient, Study

UID_PATTERN = re.compile(r"[0-9]+(\.[0-9]+)+\Z")
"""A DICOM unique identifier, PS3.5 9.1."""
PEOPLE_CONSIDERED = 200

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class StudySearchMixin(_ModelAdmin):
    """A list that is searched by what the study of a row is known by."""

    study_path: ClassVar[str] = ""
    """How a row leads to its study."""
    search_fields: ClassVar["list[str] | tuple[str, ...]"] = ["pk"]
    """Shows the search box; what is searched is decided below."""
    search_help_text: ClassVar["StrOrPromise | None"] = (
        "An owner's name or email, a pseudonym, a study's id or its Study Instance UID."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: "models.QuerySet[Any]", search_term: str
    ) -> tuple["models.QuerySet[Any]", bool]:
        """Find by what the study is known by."""
        return search_studies(queryset, search_term, path=self.study_path), False


def search_studies(rows: "models.QuerySet[Any]", term: str, *, path: str = "") -> "models.QuerySet[Any]":
    """Return those of `rows` whose study matches `term`; `path` leads from a row to its study.

    The term is first resolved in the small tables, so that a large table is
    only ever asked for keys: a search for a part of a word would read all of it.
    """
    term = term.strip()
    if not term:
        return rows
    meant = _study_meant(term)
    if not path:
        return rows.filter(meant)
    return rows.filter(**{f"{path}__in": Study.objects.filter(meant).order_by().values("pk")})


def _study_meant(term: str) -> models.Q:
    key = _as_uuid(term)
    if key is not None:
        return models.Q(pk=key)
    if UID_PATTERN.match(term):
        return models.Q(study_instance_uid=term)
    patients = Patient.objects.filter(pseudonym=term).values_list("pk", flat=True)
    return models.Q(patient__in=list(patients)) | models.Q(owner__in=people_meant(term))


def people_meant(term: str) -> list[UUID]:
    """Return the keys of the users whose name or address holds `term`."""
    users = User.objects.filter(models.Q(email__icontains=term) | models.Q(full_name__icontains=term))
    return list(users.values_list("pk", flat=True)[:PEOPLE_CONSIDERED])


def _as_uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
