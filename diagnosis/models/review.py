"""What a reader says of a study. A signed review is never changed, only amended."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from diagnosis.models.condition import Condition
from diagnosis.models.study import Study
from medimaging.common.states import StatefulModel, one_of
from mlcore.models import ModelVersion


class ReviewState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SIGNED = "signed", _("Signed")


class Verdict(models.TextChoices):
    PRESENT = "present", _("Present")
    ABSENT = "absent", _("Absent")
    UNCERTAIN = "uncertain", _("Uncertain")


class DisagreementReason(models.TextChoices):
    """Why a reader's verdict differs from the model's, in one tap."""

    ARTIFACT = "artifact", _("Artifact or device")
    ANATOMY = "anatomy", _("Normal anatomy or overlap")
    OTHER_CONDITION = "other_condition", _("Another condition")
    SUBTLE = "subtle", _("Subtle, but there")
    CONTEXT = "context", _("Known from elsewhere")
    QUALITY = "quality", _("Image quality")


class ReviewQuerySet(models.QuerySet["Review"]):
    """Choices of reviews."""

    def visible_to(self, user: User) -> "ReviewQuerySet":
        """Return signed reviews of visible studies, and the user's own drafts."""
        studies = Study.objects.visible_to(user)
        return self.filter(study__in=studies).filter(
            models.Q(state=ReviewState.SIGNED) | models.Q(reader=user)
        )

    def signed(self) -> "ReviewQuerySet":
        """Return the signed reviews."""
        return self.filter(state=ReviewState.SIGNED)

    def current(self) -> "ReviewQuerySet":
        """Return the signed reviews that no later signed review amends."""
        later = Review.objects.filter(amends=models.OuterRef("pk"), state=ReviewState.SIGNED)
        return self.signed().filter(~models.Exists(later))


class Review(StatefulModel):
    """One reader's verdicts on one study."""

    TRANSITIONS: ClassVar = {
        ReviewState.DRAFT: frozenset({ReviewState.SIGNED}),
        ReviewState.SIGNED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="reviews")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviews")
    state = models.CharField(max_length=16, choices=ReviewState, default=ReviewState.DRAFT)
    revision = models.PositiveIntegerField(default=1, help_text="Counts the changes to the draft.")
    comment = models.TextField(blank=True)
    model_answer_seen = models.BooleanField(
        default=False, help_text="Whether the reader had been shown the model's answer."
    )
    model_version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reviews",
        help_text="Whose answer was shown.",
    )
    training_consent = models.BooleanField(
        default=False, help_text="Whether the study may be used to train models."
    )
    amends = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="amendments"
    )
    amendment_reason = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    signed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "id"]
        indexes = [
            models.Index(fields=["study", "state"], name="review_by_study"),
            models.Index(fields=["-started_at", "id"], name="review_by_time"),
            # Few reviews amend another: an index that holds the many others too is passed over.
            models.Index(
                fields=["amends"], name="review_amendments", condition=models.Q(amends__isnull=False)
            ),
        ]
        constraints = [
            one_of("state", ReviewState, name="review_state_known"),
            models.UniqueConstraint(
                fields=["study", "reader"],
                condition=models.Q(state=ReviewState.DRAFT),
                name="review_one_draft_a_reader",
            ),
            models.UniqueConstraint(
                fields=["amends"],
                condition=models.Q(state=ReviewState.SIGNED),
                name="review_amended_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state=ReviewState.DRAFT, signed_at=None)
                | models.Q(state=ReviewState.SIGNED, signed_at__isnull=False),
                name="review_signed_has_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(amends=None) | ~models.Q(amendment_reason=""),
                name="review_amendment_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} review by {self.reader}"


WAYS_TO_DIFFER = (
    models.Q(verdict=Verdict.PRESENT, suggested_by_model=False),
    models.Q(verdict=Verdict.ABSENT, suggested_by_model=True),
)
"""A verdict that is not what the model had suggested."""


class ReviewFinding(models.Model):
    """One verdict of a review."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="findings")
    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="review_findings")
    verdict = models.CharField(max_length=16, choices=Verdict)
    suggested_by_model = models.BooleanField(
        null=True,
        default=None,
        help_text="Whether the model had suggested the condition; empty if it gave no answer for it.",
    )
    disagreement_reason = models.CharField(max_length=16, choices=DisagreementReason, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["condition__name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(disagreement_reason="")
                | models.Q(disagreement_reason__in=DisagreementReason.values),
                name="review_finding_disagreement_reason_known",
            ),
            one_of("verdict", Verdict, name="review_finding_verdict_known"),
            models.UniqueConstraint(fields=["review", "condition"], name="review_finding_once_a_condition"),
        ]

    def __str__(self) -> str:
        return f"{self.condition}: {self.verdict}"

    @property
    def differs_from_model(self) -> bool:
        """Tell whether the reader said present or absent where the model had said the other."""
        said = {Verdict.PRESENT.value: True, Verdict.ABSENT.value: False}.get(self.verdict)
        return None not in (said, self.suggested_by_model) and said != self.suggested_by_model
