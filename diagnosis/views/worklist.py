"""The worklist."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from diagnosis.forms import WorklistForm
from diagnosis.models import AnalysisState, Study
from diagnosis.selectors.worklist import TABS, filter_tab, tab_counts, worklist
from diagnosis.selectors.worklist_search import search
from diagnosis.views.common import ReaderRequest, page

PAGE_SIZE = 25
OPEN_STATES = {AnalysisState.PENDING, AnalysisState.RUNNING}
TAB_NAMES: dict[str, str | Promise] = {
    "mine": _("Mine"),
    "unread": _("Unread"),
    "disagree": _("Reader and model disagree"),
    "failed": _("Failed"),
    "all": _("All"),
}


@page
def show_worklist(request: ReaderRequest) -> HttpResponse:
    """Show one page of one tab, filtered as the address says; htmx gets the rows alone."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "all"
    form = WorklistForm(request.GET, user=request.user)
    criteria = form.criteria()
    studies = search(filter_tab(worklist(request.user), tab, request.user), criteria, user=request.user)
    rows = Paginator(studies, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "tab": tab,
        "form": form,
        "criteria": criteria,
        "rows": rows,
        "polls": any(is_open(study) for study in rows),
        "kept": _query_without(request, "page"),
        "kept_for_sort": _query_without(request, "page", "sort"),
    }
    if request.htmx:
        return render(request, "diagnosis/parts/worklist_rows.html", context)
    counts = tab_counts(request.user)
    context["tabs"] = [(key, TAB_NAMES[key], counts[key]) for key in TABS]
    context["kept_for_tab"] = _query_without(request, "page", "tab")
    return render(request, "diagnosis/worklist.html", context)


def is_open(study: Study) -> bool:
    """Tell whether the study's analysis is still to come to its end."""
    return getattr(study, "latest_state", None) in OPEN_STATES


def _query_without(request: ReaderRequest, *names: str) -> str:
    query = request.GET.copy()
    for name in names:
        query.pop(name, None)
    for name in [name for name, value in query.items() if not value]:
        del query[name]
    return query.urlencode()
