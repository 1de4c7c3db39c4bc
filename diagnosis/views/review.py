"""Read a study: save, sign, amend, discard."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from diagnosis.forms import ReviewForm
from diagnosis.models import Condition, Review, Study, Verdict
from diagnosis.selectors.learning import next_training
from diagnosis.selectors.neighbors import next_unread
from diagnosis.services.conditions import propose_condition
from diagnosis.services.reviews import (
    amend_review,
    discard_draft,
    save_draft,
    sign_review,
    start_review,
)
from diagnosis.services.verdicts import VerdictInput
from diagnosis.views.common import ReaderRequest, page
from diagnosis.views.reading import read_verdicts, study_context
from diagnosis.views.study import visible_study
from medimaging.common.errors import StaleVersion


@page
@require_POST
def write_review(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Store the draft as sent; the pressed button says what else: add, propose, sign, sign_next.

    What a page stores in the background is never signed.
    """
    study = visible_study(request, pk)
    form = ReviewForm(request.POST)
    form.is_valid()
    action = request.POST.get("action", "save")
    review = _store(request, study, form, action=action)
    if action in {"sign", "sign_next"} and not request.htmx:
        sign_review(review, by=request.user, others_seen=form.cleaned_data.get("others_seen"))
        messages.success(request, _signed_words(review))
        return _after_signing(request, study, action=action)
    if request.htmx:
        context = study_context(study, user=request.user, instance_id=request.GET.get("instance", ""))
        whole = action in {"add", "propose"}
        template = "diagnosis/parts/reading.html" if whole else "diagnosis/parts/saved.html"
        return render(request, template, context)
    messages.success(request, _("The draft is stored. It is yours alone until you sign it."))
    return redirect(_own_address(request, study))


@page
@require_POST
def amend(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Begin a new draft that amends a signed review."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    amend_review(review, by=request.user, reason=request.POST.get("reason", ""))
    return redirect("diagnosis:study", review.study_id)


@page
@require_POST
def discard(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Remove the reader's own draft."""
    review = get_object_or_404(Review, pk=pk, reader=request.user)
    discard_draft(review, by=request.user)
    messages.success(request, _("The draft is discarded."))
    return redirect("diagnosis:study", review.study_id)


def _store(request: ReaderRequest, study: Study, form: ReviewForm, *, action: str) -> Review:
    conditions = list(
        Condition.objects.selectable_by(request.user).filter(examination_type=study.examination_type_id)
    )
    verdicts = read_verdicts(request.POST, conditions)
    added = _added(request, study, form, conditions, action=action)
    if added is not None and added.pk not in {given.condition.pk for given in verdicts}:
        verdicts.append(VerdictInput(added, Verdict.PRESENT))
    expected = form.cleaned_data.get("revision")
    review = start_review(study, by=request.user)
    if expected is None and review.revision > 1:
        raise StaleVersion("You have a draft on this study that this page did not show.")
    return save_draft(
        review,
        by=request.user,
        verdicts=verdicts,
        comment=form.cleaned_data.get("comment", ""),
        training_consent=form.cleaned_data.get("training_consent", False),
        expected_revision=expected,
    )


def _added(
    request: ReaderRequest, study: Study, form: ReviewForm, conditions: list[Condition], *, action: str
) -> Condition | None:
    """Return the condition that the pressed button adds, proposed where it is unknown."""
    if action == "propose":
        name = form.cleaned_data.get("new_condition", "")
        return propose_condition(study.examination_type, name=name, by=request.user)
    if action == "add":
        chosen = form.cleaned_data.get("add_condition")
        return next((condition for condition in conditions if condition.pk == chosen), None)
    return None


def _signed_words(review: Review) -> str:
    """Say that it is signed, and how far the next training is; without consent nothing counts."""
    said = _("Signed. From now on the review can only be amended, with a reason.")
    following = next_training(review.study.examination_type)
    if not review.training_consent:
        uncounted = _("Without your consent to training it does not count toward the next training.")
        return f"{said} {uncounted}"
    if following is None:
        return said
    counted = _("%(signed)d of %(needed)d images are signed until the next training.")
    return f"{said} {counted % {'signed': following.signed, 'needed': following.needed}}"


def _after_signing(request: ReaderRequest, study: Study, *, action: str) -> HttpResponseBase:
    if action == "sign":
        return redirect("diagnosis:study", study.pk)
    following = next_unread(study, user=request.user)
    if following is None:
        messages.success(request, _("That was the last unread study."))
        return redirect("diagnosis:worklist")
    return redirect("diagnosis:study", following.pk)


def _own_address(request: ReaderRequest, study: Study) -> str:
    """Return the address of the study's page, with the same of its images chosen."""
    address = reverse("diagnosis:study", args=[study.pk])
    instance = request.GET.get("instance", "")
    return f"{address}?{urlencode({'instance': instance})}" if instance else address
