"""Trainings: begin one, watch it, cancel it, try it again."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from diagnosis.forms import TrainingForm
from diagnosis.views.common import ReaderRequest, page
from medimaging.common.errors import ApplicationError, NotAllowed
from mlcore.models import ExaminationType, TrainingRun
from mlcore.models.training import OPEN_STATES
from mlcore.services import training


class UnknownKind(ApplicationError):
    """A training was asked for that is neither quick nor full."""

    code = "unknown_kind"


@page
@require_safe
def show_training(request: ReaderRequest, pk: UUID) -> HttpResponse:
    """Show where one training stands."""
    return render(request, "diagnosis/training.html", _context(request, pk))


@page
@require_safe
def poll_training(request: ReaderRequest, pk: UUID) -> HttpResponse:
    """Answer the poll of an open page with the part that changes."""
    return render(request, "diagnosis/parts/training.html", _context(request, pk))


@page
@require_POST
def start(request: ReaderRequest, code: str) -> HttpResponseBase:
    """Begin a quick or a full training."""
    kind = get_object_or_404(ExaminationType, code=code)
    if not training.may_train(request.user):
        raise NotAllowed(_("Only administrators and data stewards may train models."))
    form = TrainingForm(request.POST)
    if not form.is_valid():
        raise UnknownKind(
            _("This training does not exist."),
            mend=_("Choose quick or full, one of the listed networks, and 0 to 1000 epochs."),
        )
    run = training.request_training(kind, by=request.user, **form.options())
    return redirect("diagnosis:training", run.pk)


@page
@require_POST
def cancel(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Cancel a training that waits or runs."""
    training.cancel_training(_run(pk), by=request.user, reason="")
    messages.success(request, _("The training is being cancelled. Nothing it learned is kept."))
    return redirect("diagnosis:training", pk)


@page
@require_POST
def retry(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Queue a failed training again."""
    training.retry_training(_run(pk), by=request.user)
    return redirect("diagnosis:training", pk)


def _run(pk: UUID) -> TrainingRun:
    rows = TrainingRun.objects.select_related("examination_type", "dataset_version", "candidate")
    run: TrainingRun = get_object_or_404(rows.select_related("requested_by"), pk=pk)
    return run


def _context(request: ReaderRequest, pk: UUID) -> dict[str, object]:
    run = _run(pk)
    return {
        "run": run,
        "progress": run.progress,
        "share": _share(run.progress),
        "is_open": run.state in OPEN_STATES,
        "is_silent": run.is_silent,
        "last_heard_of": run.last_heard_of,
        "lease": settings.TRAINING_LEASE_SECONDS,
        "may_train": training.may_train(request.user),
    }


def _share(progress: dict[str, Any]) -> float:
    """Return how much of the learning is done, from 0 to 1; preparing counts as nothing."""
    epoch, epochs, steps = (progress.get(name) or 0 for name in ("epoch", "epochs", "steps"))
    if not (epoch and epochs and steps):
        return 0.0
    return float(min(1.0, (epoch - 1 + progress["step"] / steps) / epochs))
