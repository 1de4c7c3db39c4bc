"""What a reader says of each condition, and where: checked as a whole, stored as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from diagnosis.models import (
    Condition,
    DisagreementReason,
    FindingBox,
    Instance,
    Review,
    ReviewFinding,
    Study,
    Verdict,
)
from medimaging.common.errors import ApplicationError

MOST_BOXES = 50
"""Boxes of one verdict."""


class InvalidReview(ApplicationError):
    """What is to be stored does not make a review."""

    code = "invalid_review"


@dataclass(frozen=True)
class BoxInput:
    """One rectangle as a reader draws it, in pixels of a stored frame."""

    instance: UUID
    left: int
    top: int
    width: int
    height: int
    frame_index: int = 0


@dataclass(frozen=True)
class VerdictInput:
    """One verdict as a reader gives it."""

    condition: Condition
    verdict: str
    note: str = ""
    boxes: tuple[BoxInput, ...] = ()
    disagreement_reason: str = ""


def require_possible(study: Study, verdicts: Sequence[VerdictInput], *, by: User) -> None:
    """Refuse what does not fit the study.

    Raises:
        InvalidReview: which of it does not fit, and what to do.
    """
    chosen = {given.condition.pk for given in verdicts}
    if len(chosen) < len(verdicts):
        raise InvalidReview(_("A condition was given twice."), mend=_("Give each condition one verdict."))
    if any(given.verdict not in Verdict.values for given in verdicts):
        raise InvalidReview(
            _("A verdict is unknown."), mend=_("Use one of %(words)s.") % {"words": ", ".join(Verdict.values)}
        )
    reasons = {given.disagreement_reason for given in verdicts} - {""}
    if reasons - set(DisagreementReason.values):
        raise InvalidReview(
            _("A reason to disagree is unknown."),
            mend=_("Use one of %(words)s.") % {"words": ", ".join(DisagreementReason.values)},
        )
    selectable = Condition.objects.selectable_by(by).filter(
        examination_type=study.examination_type_id, pk__in=chosen
    )
    if selectable.count() < len(chosen):
        raise InvalidReview(
            _("A condition does not belong to this type of examination."),
            mend=_("Choose one of its conditions, or propose a new one."),
        )
    _require_boxes_within(study, verdicts)


def replace_verdicts(review: Review, verdicts: Sequence[VerdictInput]) -> None:
    """Store the verdicts in the place of those that the draft held."""
    review.findings.all().delete()
    stored = ReviewFinding.objects.bulk_create(
        ReviewFinding(
            review=review,
            condition=given.condition,
            verdict=given.verdict,
            note=given.note.strip(),
            disagreement_reason=given.disagreement_reason,
        )
        for given in verdicts
    )
    FindingBox.objects.bulk_create(
        FindingBox(
            finding=finding,
            instance_id=box.instance,
            frame_index=box.frame_index,
            left=box.left,
            top=box.top,
            width=box.width,
            height=box.height,
        )
        for finding, given in zip(stored, verdicts, strict=True)
        for box in given.boxes
    )


def stored_verdicts(review: Review) -> list[VerdictInput]:
    """Return what a review says now, ready to be stored in another."""
    findings = review.findings.select_related("condition").prefetch_related("boxes")
    return [
        VerdictInput(
            finding.condition,
            finding.verdict,
            finding.note,
            tuple(
                BoxInput(box.instance_id, box.left, box.top, box.width, box.height, box.frame_index)
                for box in finding.boxes.all()
            ),
            finding.disagreement_reason,
        )
        for finding in findings
    ]


def _require_boxes_within(study: Study, verdicts: Sequence[VerdictInput]) -> None:
    if any(len(given.boxes) > MOST_BOXES for given in verdicts):
        raise InvalidReview(
            _("A finding has more than %(most)d boxes.") % {"most": MOST_BOXES},
            mend=_("Draw one box around each region."),
        )
    boxes = [box for given in verdicts for box in given.boxes]
    instances = Instance.objects.filter(series__study=study, pk__in={box.instance for box in boxes})
    known = {instance.pk: instance for instance in instances}
    if any(not _is_within(box, known.get(box.instance)) for box in boxes):
        raise InvalidReview(
            _("A box does not lie within an image of this study."),
            mend=_("Draw it again, in whole pixels of one of the study's images."),
        )


def _is_within(box: BoxInput, instance: Instance | None) -> bool:
    if instance is None or not 0 <= box.frame_index < instance.frame_count:
        return False
    if min(box.left, box.top) < 0 or min(box.width, box.height) < 1:
        return False
    # An EXIF orientation is applied before a raster is stored, so its sides are those that are seen.
    return box.left + box.width <= instance.columns and box.top + box.height <= instance.rows
