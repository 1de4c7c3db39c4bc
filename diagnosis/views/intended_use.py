"""What every reader reads once, before the first study."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from accounts.services.intended_use import acknowledge_intended_use
from diagnosis.selectors.safety_words import safety_words
from diagnosis.views.common import ReaderRequest, open_page
from mlcore.models import ModelVersion


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def intended_use(request: ReaderRequest) -> HttpResponseBase:
    """Show what the models are for; keep that the reader has read it."""
    versions = list(ModelVersion.objects.active().select_related("examination_type"))
    if request.method == "POST":
        told = [f"{version}: {version.intended_use}" for version in versions]
        acknowledge_intended_use(request.user, by=request.user, words=[*safety_words(), *told])
        return redirect(_next(request))
    return _page(request, versions)


def _page(request: ReaderRequest, versions: list[ModelVersion]) -> HttpResponse:
    context = {"versions": versions, "words": safety_words(), "next": _next(request)}
    return render(request, "diagnosis/intended_use.html", context)


def _next(request: ReaderRequest) -> str:
    """Return where the reader was going, if that is a page of this site."""
    address = request.POST.get("next") or request.GET.get("next") or "/"
    allowed = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if allowed else "/"
