"""One study: its images, what the model says, and its stored information."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from diagnosis.forms import InformationForm
from diagnosis.models import Analysis, Study
from diagnosis.services.analysis import retry_analysis
from diagnosis.services.studies import edit_information
from diagnosis.services.worklist import note_assignment_seen
from diagnosis.views.common import ReaderRequest, page
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
    context = study_context(study, user=request.user, instance_id=request.GET.get("instance", ""))
    return render(request, "diagnosis/study.html", context)


@page
@require_safe
def poll_reading(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Answer a running analysis' poll: nothing while it stands, the whole column once it moved."""
    study = visible_study(request, pk)
    if stands_as_polled(study, polled=request.GET):
        return HttpResponse(status=204)
    context = study_context(study, user=request.user, instance_id=request.GET.get("instance", ""))
    return render(request, "diagnosis/parts/reading.html", context)


@page
@require_POST
def retry(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Queue a failed analysis again."""
    visible = Analysis.objects.visible_to(request.user)
    analysis = get_object_or_404(visible.select_related("instance__series"), pk=pk)
    retry_analysis(analysis, by=request.user)
    return redirect("diagnosis:study", analysis.instance.series.study_id)


@page
@require_POST
def edit(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Change the stored information, with a reason."""
    study = visible_study(request, pk)
    form = InformationForm(request.POST)
    if not form.is_valid():
        context = study_context(study, user=request.user) | {"information_form": form}
        return render(request, "diagnosis/study.html", context, status=422)
    edit_information(
        study,
        by=request.user,
        changes=form.changes(),
        reason=form.cleaned_data["reason"],
        expected_revision=form.cleaned_data["revision"],
    )
    messages.success(request, _("The information is changed; what it was before is kept in the history."))
    return redirect("diagnosis:study", study.pk)
