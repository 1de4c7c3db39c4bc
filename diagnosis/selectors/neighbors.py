"""Which study comes before, after, or next to be read."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from diagnosis.models import Instance, Review, ReviewState, Study


@dataclass(frozen=True)
class Neighbors:
    """The studies beside one, in the order of the worklist: newest first."""

    previous: UUID | None
    next: UUID | None


def neighbors(study: Study, *, user: User) -> Neighbors:
    """Return the visible studies just above and just below `study` in the worklist."""
    visible = Study.objects.visible_to(user)
    newer = Q(created_at__gt=study.created_at) | Q(created_at=study.created_at, pk__lt=study.pk)
    older = Q(created_at__lt=study.created_at) | Q(created_at=study.created_at, pk__gt=study.pk)
    return Neighbors(
        previous=visible.filter(newer).order_by("created_at", "-pk").values_list("pk", flat=True).first(),
        next=visible.filter(older).order_by("-created_at", "pk").values_list("pk", flat=True).first(),
    )


def next_unread(study: Study, *, user: User) -> Study | None:
    """Return the next study that nobody has signed: below `study` in the worklist, else from its top."""
    signed = Review.objects.filter(study=OuterRef("pk"), state=ReviewState.SIGNED)
    unread = Study.objects.visible_to(user).filter(~Exists(signed)).exclude(pk=study.pk)
    older = Q(created_at__lt=study.created_at) | Q(created_at=study.created_at, pk__gt=study.pk)
    order = ("-created_at", "pk")
    found: Study | None = unread.filter(older).order_by(*order).first() or unread.order_by(*order).first()
    return found


@dataclass(frozen=True)
class PriorView:
    """Another study of the same patient, with its first image."""

    study: Study
    instance_id: UUID | None
    frame_count: int = 1


def first_images(studies: list[Study]) -> list[PriorView]:
    """Return the studies, each with its first image, in one query."""
    first: dict[UUID, tuple[UUID, int]] = {}
    rows = Instance.objects.filter(series__study__in=studies, quarantined_at=None).order_by(
        "created_at", "id"
    )
    for study_id, pk, frame_count in rows.values_list("series__study_id", "pk", "frame_count"):
        first.setdefault(study_id, (pk, frame_count))
    return [PriorView(study, *first.get(study.pk, (None, 1))) for study in studies]
