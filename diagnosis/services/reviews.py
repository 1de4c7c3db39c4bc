"""Read a study: draft, sign, amend. What is signed is never changed."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import audit
from diagnosis import announcements
from diagnosis.latest import note_reading
from diagnosis.models import (
    Analysis,
    Finding,
    Instance,
    Review,
    ReviewState,
    Study,
)
from diagnosis.selectors.blinding import latest_answer, shown_answer
from diagnosis.selectors.claims import signed_by_others
from diagnosis.services.claims import release_claim
from diagnosis.services.curation import curate_review
from diagnosis.services.verdicts import (
    InvalidReview,
    VerdictInput,
    replace_verdicts,
    require_possible,
    stored_verdicts,
)
from medimaging.common.errors import Conflict, NotAllowed, StaleVersion


class SignedMeanwhile(StaleVersion):
    """Another reader has signed the study since the page was loaded."""

    code = "signed_meanwhile"
    mend = gettext_lazy(
        "Load the study again, look at what was signed, and sign yours if it is to stand beside it."
    )


class AlreadySigned(Conflict):
    """The reader's own signed review stands."""

    code = "already_signed"
    mend = gettext_lazy("Amend it with a reason.")


@transaction.atomic
def start_review(study: Study, *, by: User) -> Review:
    """Return the reader's draft on the study, made where there is none.

    Raises:
        AlreadySigned: a request that signed was sent again, or a page from before is used.
    """
    _require_reader(study, by=by)
    draft = Review.objects.filter(study=study, reader=by, state=ReviewState.DRAFT)
    if not draft.exists() and Review.objects.current().filter(study=study, reader=by).exists():
        raise AlreadySigned(_("You have signed this study already."))
    review, created = Review.objects.get_or_create(study=study, reader=by, state=ReviewState.DRAFT)
    if created:
        audit.record("review.start", by=by, target=review, details={"study": str(study.pk)})
    return review


@transaction.atomic
def save_draft(
    review: Review,
    *,
    by: User,
    verdicts: Sequence[VerdictInput],
    comment: str = "",
    training_consent: bool = False,
    expected_revision: int | None = None,
) -> Review:
    """Replace what the draft says.

    Raises:
        StaleVersion: the draft was changed since the caller read `expected_revision`.
    """
    _require_own_draft(review, by=by)
    require_possible(review.study, verdicts, by=by)
    _next_revision(
        review, expected=expected_revision, comment=comment.strip(), training_consent=training_consent
    )
    replace_verdicts(review, verdicts)
    return review


@transaction.atomic
def sign_review(
    review: Review, *, by: User, expected_revision: int | None = None, others_seen: int | None = None
) -> Review:
    """Sign the draft: from now on it stands, and can only be amended.

    `others_seen` is how many signed reviews of other readers the reader has been
    shown. Each signature counts the drafts of other readers up, so that none of
    them is signed on the strength of what was read before it.

    Raises:
        SignedMeanwhile: another reader has signed the study since.
        StaleVersion: the draft was changed since the caller read `expected_revision`.
    """
    Study.objects.select_for_update().get(pk=review.study_id)
    _require_own_draft(review, by=by)
    _require_others_seen(review, seen=others_seen, by=by)
    if not review.findings.exists():
        raise InvalidReview(
            _("The review holds no verdict."),
            mend=_("Accept, reject or mark as uncertain at least one condition."),
        )
    _require_unamended(review.amends)
    _next_revision(review, expected=expected_revision)
    shown = shown_answer(by, review.study)
    review.transition_to(
        ReviewState.SIGNED,
        signed_at=timezone.now(),
        model_answer_seen=review.model_answer_seen or shown is not None,
        model_version=shown.model_version if shown else None,
    )
    _note_suggestions(review)
    note_reading(review.study_id)
    audit.record(
        "review.amend" if review.amends_id else "review.sign",
        by=by,
        target=review,
        reason=review.amendment_reason,
        details={
            "study": str(review.study_id),
            "verdicts": {f.condition.code: f.verdict for f in review.findings.select_related("condition")},
            "training_consent": review.training_consent,
            "model_answer_seen": review.model_answer_seen,
        },
    )
    others = Review.objects.filter(study=review.study_id, state=ReviewState.DRAFT).exclude(reader=by)
    others.update(revision=F("revision") + 1)
    release_claim(review.study, by=by)
    curate_review(review)
    announcements.review_signed(review)
    return review


@transaction.atomic
def amend_review(review: Review, *, by: User, reason: str) -> Review:
    """Return a new draft that copies the signed review and, once signed, takes its place."""
    _require_reader(review.study, by=by)
    if not reason.strip():
        raise InvalidReview(
            _("An amendment needs a reason."), mend=_("Say why the signed review is changed.")
        )
    if review.state != ReviewState.SIGNED:
        raise Conflict(_("Only a signed review is amended."), mend=_("Change the draft itself."))
    _require_unamended(review)
    if Review.objects.filter(study=review.study, reader=by, state=ReviewState.DRAFT).exists():
        raise Conflict(
            _("You already have a draft on this study."),
            mend=_("Sign or discard it before you amend the review."),
        )
    draft = Review.objects.create(
        study=review.study,
        reader=by,
        comment=review.comment,
        training_consent=review.training_consent,
        model_answer_seen=review.model_answer_seen,
        amends=review,
        amendment_reason=reason.strip(),
    )
    replace_verdicts(draft, stored_verdicts(review))
    audit.record(
        "review.start_amendment", by=by, target=draft, reason=reason, details={"amends": str(review.pk)}
    )
    return draft


@transaction.atomic
def discard_draft(review: Review, *, by: User) -> None:
    """Remove the reader's own draft."""
    _require_own_draft(review, by=by)
    audit.record("review.discard", by=by, target=review, details={"study": str(review.study_id)})
    review.delete()


def _require_reader(study: Study, *, by: User) -> None:
    if not by.reads_studies or not Study.objects.visible_to(by).filter(pk=study.pk).exists():
        raise NotAllowed(
            _("You may not review this study."), mend=_("Ask an administrator for the role of a reader.")
        )


def _require_own_draft(review: Review, *, by: User) -> None:
    if review.reader_id != by.pk:
        raise NotAllowed(_("This draft is another reader's."))
    if review.state != ReviewState.DRAFT:
        raise Conflict(_("This review is signed and cannot be changed."), mend=_("Amend it with a reason."))
    _require_reader(review.study, by=by)


def _require_unamended(review: Review | None) -> None:
    if review is not None and review.amendments.filter(state=ReviewState.SIGNED).exists():
        raise Conflict(_("This review was amended already."), mend=_("Amend the latest review instead."))


def _next_revision(review: Review, *, expected: int | None, **changes: object) -> None:
    """Count the draft's revision up, if it still is the one the caller has read."""
    seen = review.revision if expected is None else expected
    rows = Review.objects.filter(pk=review.pk, state=ReviewState.DRAFT, revision=seen)
    if not rows.update(revision=seen + 1, **changes):
        raise _stale(review)
    review.refresh_from_db()


def _stale(review: Review) -> StaleVersion:
    """Return the error that says why the draft is no longer as the reader loaded it."""
    meanwhile = _signed_by_another(review).filter(signed_at__gte=review.started_at).first()
    if meanwhile is None:
        return StaleVersion("The draft was changed since you loaded it.")
    return SignedMeanwhile(f"{meanwhile.reader} signed this study while you were reading it.")


def _require_others_seen(review: Review, *, seen: int | None, by: User) -> None:
    if seen is not None and seen != signed_by_others(review.study, user=by):
        latest = _signed_by_another(review).first()
        name = latest.reader if latest else "Another reader"
        raise SignedMeanwhile(_("%(name)s signed this study while you were reading it.") % {"name": name})


def _signed_by_another(review: Review) -> QuerySet[Review]:
    """Return the signed reviews of other readers of the study, the newest first."""
    signed = Review.objects.filter(study=review.study_id, state=ReviewState.SIGNED)
    return signed.exclude(reader=review.reader_id).select_related("reader").order_by("-signed_at")


def _note_suggestions(review: Review) -> None:
    """Note beside each verdict whether the model had suggested the condition.

    A reason to disagree is kept only where the verdict differs from the suggestion.
    """
    answer: Analysis | None = latest_answer(review.study)
    if answer is None:
        review.findings.update(disagreement_reason="")
        return
    instances = Instance.objects.filter(series__study=review.study)
    findings = Finding.objects.filter(
        analysis__instance__in=instances, analysis__model_version=answer.model_version_id
    )
    suggested: dict[object, bool] = {}
    for finding in findings:
        suggested[finding.condition_id] = suggested.get(finding.condition_id, False) or finding.suggested
    for given in review.findings.all():
        if given.condition_id in suggested:
            given.suggested_by_model = suggested[given.condition_id]
        if not given.differs_from_model:
            given.disagreement_reason = ""
        given.save(update_fields=["suggested_by_model", "disagreement_reason"])
