"""Who reads a study now: renewed by the open page, taken over by a button."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from diagnosis.services.claims import claim_study, take_over
from diagnosis.views.common import ReaderRequest, page
from diagnosis.views.lists import list_query, study_address
from diagnosis.views.study import visible_study


@page
@require_POST
def claim(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Renew the claim of the page's reader, and answer with the notice that stands above the study."""
    study = visible_study(request, pk)
    standing = claim_study(study, by=request.user)
    context = {
        "study": study,
        "claim": standing,
        "reviewing": True,
        "came_from": list_query(request),
        "renewed": True,
        "was_mine": request.POST.get("mine") == "1" and standing.reader_id != request.user.pk,
    }
    return render(request, "diagnosis/parts/claim.html", context)


@page
@require_POST
def take(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Take the reading of a study over."""
    study = visible_study(request, pk)
    take_over(study, by=request.user)
    messages.success(request, _("You read this study now. Whoever read it before is told."))
    return redirect(study_address(request, study.pk))
