"""What models learn from: labeled items, and frozen versions of their collection."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from medimaging.common.states import StatefulModel, one_of
from mlcore.engine.training.data import Fold
from mlcore.models.examination_type import ExaminationType

FOLDS = [(fold.value, fold.value.capitalize()) for fold in Fold]


class ItemState(models.TextChoices):
    CANDIDATE = "candidate", "Candidate"
    ACCEPTED = "accepted", "Accepted"
    CONFLICTING = "conflicting", "Conflicting labels"
    NEAR_DUPLICATE = "near_duplicate", "Near duplicate"
    EXCLUDED = "excluded", "Excluded"


WAITING_STATES = (ItemState.CONFLICTING, ItemState.NEAR_DUPLICATE)
CONSENT_WITHDRAWN = "The consent to training was withdrawn."
QUARANTINED = "The image is in quarantine."
ERASED = "The image was erased."
BARRED = (CONSENT_WITHDRAWN, QUARANTINED, ERASED)
"""The `state_reason` of an item that no steward may accept, and that no frozen version gives out."""


class Supersession(models.TextChoices):
    """Why a label no longer counts."""

    AMENDED = "amended", "The review or the import was corrected"
    WITHDRAWN = "withdrawn", "The consent to training was withdrawn"
    RESOLVED = "resolved", "A data steward decided"
    MERGED = "merged", "The condition was merged into another"
    RETIRED = "retired", "The condition was retired"


class DatasetItemQuerySet(models.QuerySet["DatasetItem"]):
    """Choices of items."""

    def visible_to(self, user: User) -> "DatasetItemQuerySet":
        """Return all items, or none: they stand for the images of every reader."""
        return self if user.sees_everything else self.none()

    def waiting(self) -> "DatasetItemQuerySet":
        """Return what a data steward has to decide about."""
        return self.filter(state__in=WAITING_STATES)


class DatasetItem(StatefulModel):
    """One image that may be learned from. Its fold follows from its patient and never changes."""

    TRANSITIONS: ClassVar = {
        ItemState.CANDIDATE: frozenset(
            {ItemState.ACCEPTED, ItemState.CONFLICTING, ItemState.NEAR_DUPLICATE, ItemState.EXCLUDED}
        ),
        ItemState.ACCEPTED: frozenset({ItemState.CONFLICTING, ItemState.EXCLUDED}),
        ItemState.CONFLICTING: frozenset({ItemState.ACCEPTED, ItemState.EXCLUDED}),
        ItemState.NEAR_DUPLICATE: frozenset({ItemState.ACCEPTED, ItemState.EXCLUDED}),
        ItemState.EXCLUDED: frozenset({ItemState.ACCEPTED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    examination_type = models.ForeignKey(
        ExaminationType, on_delete=models.PROTECT, related_name="dataset_items"
    )
    source_id = models.CharField(max_length=64, help_text="Opaque here; whoever curated it knows the image.")
    content_key = models.CharField(max_length=200)
    group = models.CharField(max_length=64, help_text="Images of one patient share it.")
    fold = models.CharField(max_length=16, choices=FOLDS)
    state = models.CharField(max_length=16, choices=ItemState, default=ItemState.CANDIDATE)
    state_reason = models.CharField(max_length=300, blank=True)
    perceptual_hash = models.BigIntegerField(null=True, blank=True, db_index=True)
    thumbnail = models.BinaryField(null=True, blank=True, help_text="32x32 gray values of one byte.")
    near_duplicate_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="near_duplicates"
    )
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = DatasetItemQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at", "id"]
        indexes = [
            models.Index(fields=["examination_type", "state"], name="dataset_item_by_state"),
            models.Index(fields=["group"], name="dataset_item_by_group"),
            models.Index(fields=["-added_at", "id"], name="dataset_item_by_time"),
        ]
        constraints = [
            one_of("state", ItemState, name="dataset_item_state_known"),
            models.CheckConstraint(
                condition=models.Q(fold__in=[fold.value for fold in Fold]), name="dataset_item_fold_known"
            ),
            models.UniqueConstraint(
                fields=["examination_type", "source_id"], name="dataset_item_once_a_source"
            ),
            models.UniqueConstraint(
                fields=["examination_type", "content_key"], name="dataset_item_once_a_content"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} item in {self.fold}"


class DatasetLabelQuerySet(models.QuerySet["DatasetLabel"]):
    """Choices of labels."""

    def current(self) -> "DatasetLabelQuerySet":
        """Return the labels that count."""
        return self.filter(superseded_at=None)


class DatasetLabel(models.Model):
    """What one reader signed, or one import said, of one condition. Never what a model said."""

    item = models.ForeignKey(DatasetItem, on_delete=models.CASCADE, related_name="labels")
    condition = models.CharField(max_length=64, help_text="Code of the condition.")
    present = models.BooleanField()
    labeled_by = models.CharField(max_length=120, help_text="Opaque: a reader's id or the name of an import.")
    origin_id = models.CharField(max_length=64, help_text="Opaque: the review or the import it comes from.")
    model_answer_seen = models.BooleanField(default=False)
    labeled_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True, blank=True)
    superseded_because = models.CharField(max_length=16, choices=Supersession, blank=True)

    objects: ClassVar = DatasetLabelQuerySet.as_manager()

    class Meta:
        ordering = ["condition", "-labeled_at", "id"]
        indexes = [models.Index(fields=["origin_id"], name="dataset_label_by_origin")]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "condition", "origin_id"],
                condition=models.Q(superseded_at=None),
                name="dataset_label_once_an_origin",
            ),
            models.CheckConstraint(
                condition=models.Q(superseded_at=None, superseded_because="")
                | models.Q(superseded_at__isnull=False, superseded_because__in=Supersession.values),
                name="dataset_label_superseded_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.condition}: {'present' if self.present else 'absent'}"


class DatasetVersion(models.Model):
    """An immutable list of items and labels; the manifest, named by its hash, is the truth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    examination_type = models.ForeignKey(
        ExaminationType, on_delete=models.PROTECT, related_name="dataset_versions"
    )
    number = models.PositiveIntegerField()
    manifest_key = models.CharField(max_length=200)
    manifest_sha256 = models.CharField(max_length=64)
    item_count = models.PositiveIntegerField()
    counts: "models.JSONField[dict[str, dict[str, int]], dict[str, dict[str, int]]]" = models.JSONField(
        default=dict, help_text="By fold and condition: how many are present."
    )
    note = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="dataset_versions"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["examination_type", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["examination_type", "number"], name="dataset_version_number_once"
            ),
            models.UniqueConstraint(
                fields=["examination_type", "manifest_sha256"], name="dataset_version_manifest_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.examination_type} dataset {self.number}"
