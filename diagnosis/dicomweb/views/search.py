"""QIDO-RS: search for studies, series and instances."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from diagnosis.dicomweb.answers import json_answer
from diagnosis.dicomweb.attributes import Level
from diagnosis.dicomweb.media import JSON, choose
from diagnosis.dicomweb.query import SearchQuery, parse_query
from diagnosis.dicomweb.search import Page, Scope, search_instances, search_series, search_studies
from diagnosis.dicomweb.views.base import DicomwebView
from diagnosis.dicomweb.views.store import StoringView

AGENT = "299 medimaging"


class SeriesSearchView(DicomwebView):
    """Series, of one study or of all."""

    def get(self, request: Request, **kwargs: Any) -> HttpResponse:
        """Return the series that match."""
        query = asked(request, level=Level.SERIES)
        scope = Scope(study=kwargs.get("study", ""))
        return answer(search_series(self.user, query, scope=scope, addresses=self.addresses), query=query)


class InstanceSearchView(DicomwebView):
    """Instances, of one series, one study or of all."""

    def get(self, request: Request, **kwargs: Any) -> HttpResponse:
        """Return the instances that match."""
        query = asked(request, level=Level.INSTANCE)
        scope = Scope(study=kwargs.get("study", ""), series=kwargs.get("series", ""))
        return answer(search_instances(self.user, query, scope=scope, addresses=self.addresses), query=query)


class StudiesView(StoringView):
    """All studies that the caller may see."""

    def get(self, request: Request) -> HttpResponse:
        """Return the studies that match."""
        query = asked(request, level=Level.STUDY)
        return answer(search_studies(self.user, query, addresses=self.addresses), query=query)

    def post(self, request: Request) -> HttpResponse:
        """Store instances of any studies."""
        return self.store(request)


def asked(request: Request, *, level: Level) -> SearchQuery:
    """Return what is asked for, once the client accepts DICOM JSON."""
    choose(request, JSON, "application/json")
    return parse_query(request.query_params, level=level)


def answer(page: Page, *, query: SearchQuery) -> HttpResponse:
    """Return the rows, and warn of what was not done (PS3.18 8.3.4.4)."""
    warnings = []
    if page.more:
        warnings.append(f'{AGENT} "There are additional results that can be requested"')
    if query.ignored:
        names = ", ".join(sorted({name.rstrip(".") for name in query.ignored})[:20])
        warnings.append(f'{AGENT} "These attributes are not searched or returned here: {names}"')
    return json_answer(page.rows, headers={"Warning": ", ".join(warnings)} if warnings else {})
