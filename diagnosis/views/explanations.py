"""The maps of a finding: look at what is drawn, and ask for more."""

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from diagnosis.models import Analysis, Finding
from diagnosis.selectors.blinding import answers_hidden_from
from diagnosis.selectors.explanations import maps_of
from diagnosis.services.explanations import request_explanation
from diagnosis.views.common import ReaderRequest, page


@page
@require_http_methods(["GET", "HEAD", "POST"])
def show_maps(request: ReaderRequest, pk: int) -> HttpResponseBase:
    """Show the finding's maps, after asking for the one that the form names."""
    visible = Finding.objects.filter(analysis__in=Analysis.objects.visible_to(request.user))
    related = ("condition", "analysis__model_version", "analysis__instance__series__study")
    finding = get_object_or_404(visible.select_related(*related), pk=pk)
    study = finding.analysis.instance.series.study
    if answers_hidden_from(request.user, study):
        raise Http404
    if request.method == "POST":
        request_explanation(finding, method=request.POST.get("method", ""), by=request.user)
    if not request.htmx:
        instance = finding.analysis.instance_id
        return redirect(f"{reverse('diagnosis:study', args=[study.pk])}?instance={instance}#maps-{pk}")
    context = {"finding": finding, "maps": maps_of(finding)}
    return render(request, "diagnosis/parts/finding_maps.html", context)
