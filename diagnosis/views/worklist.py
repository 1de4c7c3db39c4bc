"""The worklist."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from diagnosis.forms import MOST_QUERY, AssignForm, SavedFilterForm, WorklistForm
from diagnosis.models import AnalysisState, SavedFilter, Study
from diagnosis.selectors.worklist import TABS, tab_counts
from diagnosis.selectors.worklist_page import matching_count, page_number, unseen_assignments, worklist_page
from diagnosis.services.worklist import NothingChosen, assign_studies, readers_to_assign, save_filter
from diagnosis.views.common import ReaderRequest, page

OPEN_STATES = {AnalysisState.PENDING, AnalysisState.RUNNING}
TAB_NAMES: dict[str, str | Promise] = {
    "mine": gettext_lazy("Mine"),
    "unread": gettext_lazy("Unread"),
    "informative": gettext_lazy("Most informative"),
    "disagree": gettext_lazy("Reader and model disagree"),
    "failed": gettext_lazy("Failed"),
    "all": gettext_lazy("All"),
}


@page
@require_safe
def show_worklist(request: ReaderRequest) -> HttpResponse:
    """Show one page of one tab, filtered as the address says; htmx gets the rows alone."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "all"
    form = WorklistForm(request.GET, user=request.user)
    criteria = form.criteria()
    shown = worklist_page(request.user, tab=tab, criteria=criteria, number=page_number(request.GET))
    context = {
        "tab": tab,
        "form": form,
        "criteria": criteria,
        "sorted_by": criteria.sort or ("" if tab == "informative" else "newest"),
        "shown": shown,
        "rows": shown.rows,
        "may_assign": request.user.assigns_studies,
        "polls": any(is_open(study) for study in shown.rows),
        "kept": _query_without(request, "page"),
        "kept_for_sort": _query_without(request, "page", "sort"),
    }
    if request.htmx:
        return render(request, "diagnosis/parts/worklist_rows.html", context)
    counts = tab_counts(request.user)
    if criteria.is_narrowed:
        total = matching_count(request.user, tab=tab, criteria=criteria, shown=shown)
    else:
        total = counts[tab]
    context |= {
        "total": total,
        "tabs": [(key, TAB_NAMES[key], counts[key]) for key in TABS],
        "kept_for_tab": _query_without(request, "page", "tab"),
        "saved_filters": request.user.saved_filters.all(),
        "here": _query_without(request, "page"),
        "unseen": unseen_assignments(request.user),
        "readers": readers_to_assign() if request.user.assigns_studies else [],
    }
    return render(request, "diagnosis/worklist.html", context)


@page
@require_POST
def assign(request: ReaderRequest) -> HttpResponseBase:
    """Ask a reader to read the chosen studies."""
    visible = Study.objects.visible_to(request.user)
    form = AssignForm(request.POST, studies=visible, readers=readers_to_assign())
    if not form.is_valid():
        raise NothingChosen(form.complaint())
    reader = form.cleaned_data["reader"]
    made = assign_studies(list(form.cleaned_data["studies"]), reader=reader, by=request.user)
    words = ngettext(
        "%(count)d study is assigned to %(reader)s.", "%(count)d studies are assigned to %(reader)s.", made
    )
    messages.success(request, words % {"count": made, "reader": reader})
    return redirect(back_to_worklist(request))


@page
@require_POST
def keep_filter(request: ReaderRequest) -> HttpResponseBase:
    """Keep the filters of the address under a name."""
    form = SavedFilterForm(request.POST)
    if not form.is_valid():
        raise NothingChosen(_("Give the filter a name of at most 60 characters."))
    kept = save_filter(request.user, name=form.cleaned_data["name"], query=form.cleaned_data["query"])
    messages.success(request, _("The filter “%(name)s” is kept.") % {"name": kept.name})
    return redirect(f"{reverse('diagnosis:worklist')}?{kept.query}")


@page
@require_POST
def forget_filter(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Delete one of the user's own filters."""
    saved = get_object_or_404(SavedFilter, pk=pk, user=request.user)
    saved.delete()
    messages.success(request, _("The filter “%(name)s” is deleted.") % {"name": saved.name})
    return redirect(back_to_worklist(request))


def back_to_worklist(request: ReaderRequest) -> str:
    """Return the worklist's address with the filters that the form was sent from."""
    query = QueryDict(request.POST.get("query", "")[:MOST_QUERY]).urlencode()
    address = reverse("diagnosis:worklist")
    return f"{address}?{query}" if query else address


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
