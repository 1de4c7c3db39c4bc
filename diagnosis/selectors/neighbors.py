"""Which study comes before, after, or next to be read, in the list that the reader walks through."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, Q, QuerySet

from accounts.models import User
from diagnosis.models import Instance, Study
from diagnosis.selectors.claims import claims_of_others
from diagnosis.selectors.informative import most_informative
from diagnosis.selectors.worklist import UNREAD
from diagnosis.selectors.worklist_search import Criteria, matching, order_of

READ_TABS = frozenset({"disagree"})
"""Tabs that hold what is signed: who walks through them is not led past it."""


@dataclass(frozen=True)
class Neighbors:
    """The studies beside one, in the order of the worklist: newest first."""

    previous: UUID | None
    next: UUID | None


@dataclass(frozen=True)
class ReadingList:
    """The list a reader came from: a tab of the worklist with its filters and its order."""

    tab: str = "all"
    criteria: Criteria = field(default_factory=Criteria)

    @property
    def is_ordered_by_gain(self) -> bool:
        """Tell whether the studies come in the order in which the next training gains most."""
        return self.tab == "informative" and not self.criteria.sort

    @property
    def holds_read(self) -> bool:
        """Tell whether what is signed was asked for."""
        return self.tab in READ_TABS or self.criteria.signed == "yes"


def neighbors(study: Study, *, user: User) -> Neighbors:
    """Return the visible studies just above and just below `study` in the worklist as it comes."""
    visible = Study.objects.visible_to(user)
    newer = Q(created_at__gt=study.created_at) | Q(created_at=study.created_at, pk__lt=study.pk)
    older = Q(created_at__lt=study.created_at) | Q(created_at=study.created_at, pk__gt=study.pk)
    return Neighbors(
        previous=visible.filter(newer).order_by("created_at", "-pk").values_list("pk", flat=True).first(),
        next=visible.filter(older).order_by("-created_at", "pk").values_list("pk", flat=True).first(),
    )


def neighbor_in(walked: ReadingList, study: Study, *, user: User, back: bool = False) -> UUID | None:
    """Return the study after `study` in a list, or before it; it need not be in the list itself."""
    studies = matching(user, tab=walked.tab, criteria=walked.criteria)
    if walked.is_ordered_by_gain:
        before, after = _split_by_gain(studies, study, user=user)
        return next(reversed(before), None) if back else next(iter(after), None)
    return _beside(studies, study, user=user, walked=walked, back=back)


def next_unread(study: Study, *, user: User, walked: ReadingList | None = None) -> UUID | None:
    """Return what to read after `study`: further down the list, else from its top.

    What is signed is left out, unless the list is one of signed studies, and so is
    what a colleague reads now: two readers of one list do not follow each other.
    """
    walked = walked or ReadingList()
    studies = matching(user, tab=walked.tab, criteria=walked.criteria)
    studies = studies.filter(~Exists(claims_of_others(user)))
    if walked.is_ordered_by_gain:
        before, after = _split_by_gain(studies, study, user=user)
        return next(iter([*after, *before]), None)
    if not walked.holds_read:
        studies = studies.filter(UNREAD)
    below = _beside(studies, study, user=user, walked=walked)
    found: UUID | None = below or studies.exclude(pk=study.pk).values_list("pk", flat=True).first()
    return found


def _beside(
    studies: "QuerySet[Any]", study: Study, *, user: User, walked: ReadingList, back: bool = False
) -> UUID | None:
    """Return the first study of an ordered list beyond the place where `study` stands or would stand."""
    keys = order_of(walked.criteria, user=user)
    at = Study.objects.visible_to(user).filter(pk=study.pk).values(*(key.name for key in keys)).first()
    if at is None:
        return None
    beyond, same = Q(), Q()
    for key in keys:
        comparison = "lt" if key.descending != back else "gt"
        beyond |= same & Q(**{f"{key.name}__{comparison}": at[key.name]})
        same &= Q(**{key.name: at[key.name]})
    order = [key.ordering(back=back) for key in keys]
    found: UUID | None = studies.filter(beyond).order_by(*order).values_list("pk", flat=True).first()
    return found


def _split_by_gain(studies: "QuerySet[Any]", study: Study, *, user: User) -> tuple[list[UUID], list[UUID]]:
    """Return what comes before `study` and after it in the order of gain; all comes after one not in it."""
    keys = most_informative(studies, user=user)
    at = keys.index(study.pk) if study.pk in keys else -1
    return keys[: max(at, 0)], keys[at + 1 :]


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
