"""One study: its images, what the model says, and its stored information."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from diagnosis.forms import InformationForm
from diagnosis.models import Analysis, Study
from diagnosis.selectors.neighbors import ReadingList, neighbor_in
from diagnosis.services.analysis import retry_analysis
from diagnosis.services.studies import edit_information
from diagnosis.services.worklist import note_assignment_seen
from diagnosis.views.common import ReaderRequest, page
from diagnosis.views.lists import list_query, study_address, walked_list
from diagnosis.views.reading import stands_as_polled, study_context


def visible_study(request: ReaderRequest, pk: UUID) -> Study:
    """Return the study, or 404 where the reader may not see it."""
    studies = Study.objects.visible_to(request.user)
    study: Study = get_object_or_404(studies.select_related("patient", "examination_type", "owner"), pk=pk)
    return study


@page
@require_safe
def show_study(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Show the page of a study."""
    study = visible_study(request, pk)
    note_assignment_seen(study, by=request.user)
    context = _context(request, study)
    return render(request, "diagnosis/study.html", context)


@page
@require_safe
def go_beside(request: ReaderRequest, pk: UUID, direction: str) -> HttpResponseBase:
    """Lead to the study before or after this one in the list that the reader walks through."""
    study = visible_study(request, pk)
    back = direction == "previous"
    walked = walked_list(request) or ReadingList()
    beside = neighbor_in(walked, study, user=request.user, back=back)
    if beside is None:
        words = (
            _("This is the first study of the list.") if back else _("This is the last study of the list.")
        )
        messages.info(request, words)
    return redirect(study_address(request, beside or study.pk))


@page
@require_safe
def poll_reading(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Answer a running analysis' poll: nothing while it stands, the whole column once it moved."""
    study = visible_study(request, pk)
    if stands_as_polled(study, polled=request.GET):
        return HttpResponse(status=204)
    context = _context(request, study)
    return render(request, "diagnosis/parts/reading.html", context)


@page
@require_POST
def retry(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Queue a failed analysis again."""
    visible = Analysis.objects.visible_to(request.user)
    analysis = get_object_or_404(visible.select_related("instance__series"), pk=pk)
    retry_analysis(analysis, by=request.user)
    return redirect(study_address(request, analysis.instance.series.study_id))


@page
@require_POST
def edit(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Change the stored information, with a reason."""
    study = visible_study(request, pk)
    form = InformationForm(request.POST)
    if not form.is_valid():
        context = _context(request, study) | {"information_form": form}
        return render(request, "diagnosis/study.html", context, status=422)
    edit_information(
        study,
        by=request.user,
        changes=form.changes(),
        reason=form.cleaned_data["reason"],
        expected_revision=form.cleaned_data["revision"],
    )
    messages.success(request, _("The information is changed; what it was before is kept in the history."))
    return redirect(study_address(request, study.pk))


def _context(request: ReaderRequest, study: Study) -> dict[str, Any]:
    instance = request.GET.get("instance", "")
    return study_context(study, user=request.user, instance_id=instance, came_from=list_query(request))
