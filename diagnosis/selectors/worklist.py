"""The worklist: studies with the state of their latest analysis and of their reading."""

from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from accounts.models import User
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Assignment,
    Finding,
    Instance,
    Review,
    ReviewState,
    Study,
)
from diagnosis.selectors.blinding import ANSWERED, with_answers_hidden

TABS = ("mine", "unread", "informative", "disagree", "failed", "all")
RARE = ("disagree", "failed")
"""Tabs that hold few of the site's studies: whether a user may see them is asked of each."""
UNREAD = Q(is_signed=False)
COUNTED = 999
"""Beyond so many studies a count says no more to a reader, and costs more."""


def worklist(user: User) -> "QuerySet[Study]":
    """Return the studies the user may see, each with what its row in the list shows."""
    return described(Study.objects.visible_to(user), user=user)


def described(studies: "QuerySet[Study]", *, user: User) -> "QuerySet[Study]":
    """Add to studies that the user may see what their rows in the list show.

    Adds latest_state, withheld_reason, top_condition, top_probability, suggested,
    signed_at, signed_by_name, is_mine, disagreement, answers_hidden,
    thumbnail_instance_id.
    """
    studies = studies.select_related("patient", "examination_type", "owner")
    top = Finding.objects.filter(analysis=OuterRef("latest_analysis")).order_by("-probability")
    signed = Review.objects.filter(study=OuterRef("pk"), state=ReviewState.SIGNED).order_by("-signed_at")
    instances = Instance.objects.filter(series__study=OuterRef("pk"), quarantined_at=None).order_by(
        "created_at", "id"
    )
    return with_answers_hidden(studies, user=user, study="pk").annotate(
        latest_state=F("latest_analysis__state"),
        withheld_reason=F("latest_analysis__withheld_reason"),
        top_condition=Subquery(top.values("condition__name")[:1]),
        top_probability=Subquery(top.values("probability")[:1]),
        suggested=Coalesce(
            Subquery(
                top.annotate(is_suggested=_SUGGESTED).values("is_suggested")[:1], output_field=BooleanField()
            ),
            Value(False),
        ),
        signed_at=Subquery(signed.values("signed_at")[:1]),
        signed_by_name=Subquery(signed.values("reader__full_name")[:1]),
        # That reader and model disagree gives the model's answer away.
        disagreement=Case(When(answers_hidden=False, then=F("reader_differs")), default=Value(False)),
        is_mine=Case(When(owner=user, then=Value(True)), default=Value(False)),
        thumbnail_instance_id=Subquery(instances.values("pk")[:1]),
    )


def on_tab(user: User, tab: str, *, one_by_one: bool = False) -> "QuerySet[Any]":
    """Return the studies of one of `TABS` that the user may see; an unknown tab shows all.

    `one_by_one` is for a list that is left after a few of them, or of few of the whole site's.
    """
    one_by_one = one_by_one or tab in RARE
    studies = Study.objects.visible_one_by_one(user) if one_by_one else Study.objects.visible_to(user)
    return filter_tab(studies, tab, user, one_by_one=one_by_one)


def filter_tab(
    studies: "QuerySet[Any]", tab: str, user: User, *, one_by_one: bool = False
) -> "QuerySet[Any]":
    """Return the studies of one of `TABS`; `one_by_one` is for a list that is left after a few of them."""
    if tab == "mine":
        return studies.filter(_is_for(user) if one_by_one else Q(pk__in=_keys_for(user)))
    if tab == "unread":
        return studies.filter(UNREAD)
    if tab == "informative":
        return studies.filter(UNREAD, latest_analysis__state__in=ANSWERED)
    if tab == "disagree":
        return answers_shown(studies.filter(Q(reader_differs=True)), user)
    if tab == "failed":
        return in_state(studies, AnalysisState.FAILED)
    return studies


def _is_for(user: User) -> Q:
    """Tell of a study whether it is the user's own or they were asked to read it."""
    return Q(owner=user) | Q(Exists(Assignment.objects.filter(reader=user, study=OuterRef("pk"))))


def _keys_for(user: User) -> "QuerySet[Any]":
    """Return the keys of those studies, by one search of an index each."""
    owned = Study.objects.filter(owner=user).order_by().values("pk")
    return owned.union(Assignment.objects.filter(reader=user).order_by().values("study"), all=True)


def in_state(studies: "QuerySet[Any]", state: str) -> "QuerySet[Any]":
    """Return those whose latest analysis is in `state`."""
    if state == AnalysisState.SUCCEEDED:  # what nearly all are is found by walking the list
        return studies.filter(latest_analysis__state=state)
    return studies.filter(latest_analysis__in=Analysis.objects.filter(state=state).values("pk"))


def answers_shown(studies: "QuerySet[Any]", user: User) -> "QuerySet[Any]":
    """Return those whose answers the user may know of: one who reads blind has to sign first."""
    return with_answers_hidden(studies, user=user, study="pk").filter(Q(answers_hidden=False))


def tab_counts(user: User, *, most: int = COUNTED) -> dict[str, int]:
    """Return how many studies each tab holds; past `most` nobody counts on.

    A count that says `most + 1` means more than `most`.
    """
    counts: dict[str, int] = {}
    for tab in ("informative", "unread", "all"):  # each lies within the next
        past = most + 1 in counts.values()
        counts[tab] = most + 1 if past else count_up_to(on_tab(user, tab), most)
    counts |= {tab: count_up_to(on_tab(user, tab), most) for tab in RARE}
    asked = Study.objects.visible_to(user).exclude(owner=user).filter(assignments__reader=user)
    own = count_up_to(Study.objects.filter(owner=user), most)
    return counts | {"mine": min(own + count_up_to(asked, most), most + 1)}


def count_up_to(studies: "QuerySet[Any]", most: int) -> int:
    """Return how many there are, or `most + 1` where there are more than `most`."""
    return studies.order_by().values("pk")[: most + 1].count()


_SUGGESTED = Case(
    When(probability__gte=F("operating_point"), then=Value(True)),
    default=Value(False),
    output_field=BooleanField(),
)
