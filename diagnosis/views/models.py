"""The models: versions over time, what each changed, and the decisions of administrators."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from diagnosis.forms import ReasonForm
from diagnosis.selectors.models_page import models_page
from diagnosis.selectors.version_page import version_page
from diagnosis.views.common import ReaderRequest, page
from medimaging.common.errors import ApplicationError, NotAllowed
from mlcore.engine.networks.registry import architectures
from mlcore.models import ExaminationType, ModelState, ModelVersion, TrainingKind
from mlcore.services import promotion, registry, training


class ReasonMissing(ApplicationError):
    """A decision was sent without a reason."""

    code = "reason_missing"
    mend = gettext_lazy("Say why, in one sentence; it is kept in the audit trail.")


@page
@require_safe
def show_models(request: ReaderRequest) -> HttpResponse:
    """Show every examination type with its versions, its trainings and how far the next one is."""
    context = {
        "types": models_page(),
        "kinds": TrainingKind,
        "may_train": training.may_train(request.user),
        "architectures": architectures(),
        "usual_architecture": settings.DEFAULT_ARCHITECTURE,
    }
    return render(request, "diagnosis/models.html", context)


@page
@require_safe
def show_version(request: ReaderRequest, pk: UUID) -> HttpResponse:
    """Show one version: its figures, intended use and limits, change report and gate report."""
    versions = ModelVersion.objects.select_related("examination_type")
    version = get_object_or_404(versions, pk=pk)
    context = {"page": version_page(version), "may_train": training.may_train(request.user)}
    if version.state == ModelState.CANDIDATE:
        context["obstacle"] = promotion.obstacle(version)
        if version.examination_type.promotes_automatically:
            context["why_not_by_itself"] = promotion.obstacle(version, automatic=True)
    return render(request, "diagnosis/model_version.html", context)


@page
@require_safe
def show_changes(request: ReaderRequest, pk: UUID) -> HttpResponse:
    """Show what changed since the version before, within another page."""
    versions = ModelVersion.objects.select_related("examination_type")
    context = {"page": version_page(get_object_or_404(versions, pk=pk))}
    return render(request, "diagnosis/parts/model_changes.html", context)


@page
@require_POST
def decide(request: ReaderRequest, pk: UUID, decision: str) -> HttpResponseBase:
    """Promote or reject a candidate, or have it measured at the gate again."""
    version = get_object_or_404(ModelVersion.objects.select_related("examination_type"), pk=pk)
    if decision == "measure":
        training.request_gate(version, by=request.user)
        messages.success(request, _("The candidate is being measured at the gate. Look again in a minute."))
    elif decision == "promote":
        promotion.promote(version, by=request.user, reason=_reason(request))
        messages.success(request, _("This version answers from now on."))
    elif decision == "reject":
        registry.reject_version(version, by=request.user, reason=_reason(request))
        messages.success(request, _("The candidate is rejected."))
    else:
        raise Http404
    return redirect("diagnosis:model-version", pk)


@page
@require_POST
def roll_back(request: ReaderRequest, code: str) -> HttpResponseBase:
    """Let the version answer again that did before."""
    kind = get_object_or_404(ExaminationType, code=code)
    version = promotion.roll_back(kind, by=request.user, reason=_reason(request))
    messages.success(request, _("%(version)s answers again, exactly as it did.") % {"version": version})
    return redirect("diagnosis:models")


def _reason(request: ReaderRequest) -> str:
    """Return the reason that was sent; whoever may not decide is told that first."""
    if not request.user.is_superuser:
        raise NotAllowed(_("Only an administrator decides which model answers."))
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise ReasonMissing(_("A decision about a model needs a reason."))
    return str(form.cleaned_data["reason"])
