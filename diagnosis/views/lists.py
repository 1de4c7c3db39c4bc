"""The list that a reader walks through: a study's address carries the query of the worklist."""

from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from diagnosis.forms import MOST_QUERY, WorklistForm
from diagnosis.selectors.neighbors import ReadingList
from diagnosis.selectors.worklist import TABS
from diagnosis.views.common import ReaderRequest


def list_query(request: ReaderRequest) -> str:
    """Return the query of the worklist that the reader came from, or nothing."""
    return request.GET.get("list", "")[:MOST_QUERY]


def walked_list(request: ReaderRequest) -> ReadingList | None:
    """Return the list of the address; without one, or where it makes no sense, the worklist as it comes."""
    query = list_query(request)
    if not query:
        return None
    asked = QueryDict(query)
    tab = asked.get("tab", "")
    criteria = WorklistForm(asked, user=request.user).criteria()
    return ReadingList(tab if tab in TABS else "all", criteria)


def list_address(request: ReaderRequest) -> str:
    """Return the address of the list that the reader walks through."""
    query = QueryDict(list_query(request)).urlencode()
    return f"{reverse('diagnosis:worklist')}{f'?{query}' if query else ''}"


def study_address(request: ReaderRequest, pk: Any, *, same_image: bool = False) -> str:
    """Return the address of a study within the list, if wished with the same of its images chosen."""
    asked = {"instance": request.GET.get("instance", "") if same_image else "", "list": list_query(request)}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('diagnosis:study', args=[pk])}{f'?{query}' if query else ''}"
