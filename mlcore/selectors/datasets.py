"""How far an examination type is from its next training, and what its dataset holds."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, QuerySet

from mlcore.models import (
    DatasetItem,
    DatasetLabel,
    ExaminationType,
    ItemState,
    TrainingRun,
)

IMAGES = "*"
"""Counts of a fold: all images, beside those of each condition; no condition has this code."""
IMPORT_PREFIX = "import:"
"""Begins what labels of an import are labeled by."""


@dataclass(frozen=True, kw_only=True)
class LearningStatus:
    """What the next training of an examination type waits for, and what it would learn from."""

    newly_signed: int
    """Accepted images with a label that was signed since the data of the last training was frozen.

    However that training ended: one that failed is not begun again by itself.
    """
    newly_imported: int
    """The same of imports, without the images that were signed too."""
    needed: int
    """How many newly signed images start a training; 0: none ever do. Imported images start none."""
    waiting: int
    """Items that wait for a data steward."""
    items: dict[str, int] = field(default_factory=dict)
    """By state."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By fold: accepted and labeled images (`*`), and those with each condition present."""
    trained_at: datetime | None = None
    """When the data of the last training was frozen."""

    @property
    def missing(self) -> int:
        """Return how many more signed images start a training."""
        return max(0, self.needed - self.newly_signed)


def learning_status(examination_type: ExaminationType) -> LearningStatus:
    """Return the counts that readers and administrators are shown."""
    trained_at = last_frozen_for_training(examination_type)
    by_state = DatasetItem.objects.filter(examination_type=examination_type).order_by().values_list("state")
    items = dict(by_state.annotate(Count("pk")))
    imported = _fresh_labels(examination_type, since=trained_at).filter(labeled_by__startswith=IMPORT_PREFIX)
    signed = _signed_labels(examination_type, since=trained_at)
    return LearningStatus(
        newly_signed=signed.values("item").distinct().count(),
        newly_imported=imported.exclude(item__in=signed.values("item")).values("item").distinct().count(),
        needed=examination_type.trains_after,
        waiting=items.get(ItemState.CONFLICTING, 0) + items.get(ItemState.NEAR_DUPLICATE, 0),
        items=items,
        counts=current_counts(examination_type),
        trained_at=trained_at,
    )


def newly_signed(examination_type: ExaminationType) -> int:
    """Count the newly signed images alone: what a training waits for, and what pages show of it."""
    since = last_frozen_for_training(examination_type)
    return _signed_labels(examination_type, since=since).values("item").distinct().count()


def anything_new(examination_type: ExaminationType) -> bool:
    """Tell whether anything was signed or imported since the data of the last training was frozen."""
    return _fresh_labels(examination_type, since=last_frozen_for_training(examination_type)).exists()


def last_frozen_for_training(examination_type: ExaminationType) -> datetime | None:
    """Return when the data of the last training was frozen, whether it runs, succeeded or not."""
    runs = TrainingRun.objects.filter(examination_type=examination_type)
    return (
        runs.order_by("-dataset_version__created_at")
        .values_list("dataset_version__created_at", flat=True)
        .first()
    )


def current_counts(examination_type: ExaminationType) -> dict[str, dict[str, int]]:
    """Count, for each fold, accepted and labeled images and those with each condition present."""
    labels = _labels_in_use(examination_type).order_by()
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for fold, images in labels.values_list("item__fold").annotate(Count("item", distinct=True)):
        counts[fold][IMAGES] = images
    conditions = labels.values("condition").distinct().values_list("condition", flat=True)
    present = labels.filter(present=True).values_list("item__fold", "condition")
    found = {(fold, code): number for fold, code, number in present.annotate(Count("item", distinct=True))}
    for code in sorted(conditions):
        for fold, row in counts.items():
            row[code] = found.get((fold, code), 0)
    return dict(sorted(counts.items()))


def _labels_in_use(examination_type: ExaminationType) -> "QuerySet[DatasetLabel]":
    labels: QuerySet[DatasetLabel] = DatasetLabel.objects.current().filter(
        item__examination_type=examination_type, item__state=ItemState.ACCEPTED
    )
    return labels


def _fresh_labels(examination_type: ExaminationType, *, since: datetime | None) -> "QuerySet[DatasetLabel]":
    labels = _labels_in_use(examination_type)
    return labels if since is None else labels.filter(labeled_at__gt=since)


def _signed_labels(examination_type: ExaminationType, *, since: datetime | None) -> "QuerySet[DatasetLabel]":
    fresh = _fresh_labels(examination_type, since=since)
    return fresh.exclude(labeled_by__startswith=IMPORT_PREFIX)
