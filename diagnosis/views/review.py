"""Read a study: save, sign, amend, discard."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
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
from diagnosis.services.verdicts import InvalidReview, VerdictInput
from diagnosis.views.common import ReaderRequest, page
from diagnosis.views.lists import list_address, list_query, study_address, walked_list
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
        return _sign(request, study, review, form, leaves=action == "sign_next")
    if request.htmx:
        context = study_context(
            study,
            user=request.user,
            instance_id=request.GET.get("instance", ""),
            came_from=list_query(request),
        )
        whole = action in {"add", "propose"}
        template = "diagnosis/parts/reading.html" if whole else "diagnosis/parts/saved.html"
        return render(request, template, context)
    messages.success(request, _("The draft is stored. It is yours alone until you sign it."))
    return redirect(study_address(request, study.pk, same_image=True))


@page
@require_POST
def amend(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Begin a new draft that amends a signed review."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    amend_review(review, by=request.user, reason=request.POST.get("reason", ""))
    return redirect(study_address(request, review.study_id))


@page
@require_POST
def discard(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Remove the reader's own draft."""
    review = get_object_or_404(Review, pk=pk, reader=request.user)
    discard_draft(review, by=request.user)
    messages.success(request, _("The draft is discarded."))
    return redirect(study_address(request, review.study_id))


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
        raise StaleVersion(_("You have a draft on this study that this page did not show."))
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


def _sign(
    request: ReaderRequest, study: Study, review: Review, form: ReviewForm, *, leaves: bool
) -> HttpResponseBase:
    """Sign, and lead on; where to is found before, because what is signed leaves the lists of the unread."""
    following = next_unread(study, user=request.user, walked=walked_list(request)) if leaves else None
    try:
        sign_review(review, by=request.user, others_seen=form.cleaned_data.get("others_seen"))
    except InvalidReview as error:  # The draft is stored: what is missing is said where it can be given.
        messages.error(request, str(error))
        return redirect(study_address(request, study.pk, same_image=True))
    messages.success(request, _signed_words(review))
    if not leaves:
        return redirect(study_address(request, study.pk))
    if following is None:
        messages.success(request, _("That was the last unread study of the list."))
        return redirect(list_address(request))
    return redirect(study_address(request, following))
