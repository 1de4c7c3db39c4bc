"""The worklist: studies with the state of their latest analysis and of their reading."""

from functools import reduce
from operator import or_
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
    ReviewFinding,
    ReviewState,
    Study,
)
from diagnosis.models.review import WAYS_TO_DIFFER
from diagnosis.selectors.blinding import ANSWERED, own_first_read, with_answers_hidden

TABS = ("mine", "unread", "informative", "disagree", "failed", "all")
UNREAD = Q(is_signed__in=[False])
"""As a list of one, because Django writes a bare comparison with False as NOT, which no index answers."""
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
        disagreement=Exists(_disagreeing_of_study(user)),
        is_mine=Case(When(owner=user, then=Value(True)), default=Value(False)),
        thumbnail_instance_id=Subquery(instances.values("pk")[:1]),
    )


def filter_tab(studies: "QuerySet[Any]", tab: str, user: User) -> "QuerySet[Any]":
    """Return the studies of one of `TABS`; an unknown tab shows all.

    What is rare is looked up from its own index first, and not sought study by study.
    """
    if tab == "mine":
        owned = Study.objects.filter(owner=user).order_by().values("pk")
        asked = Assignment.objects.filter(reader=user).order_by().values("study")
        return studies.filter(pk__in=owned.union(asked, all=True))
    if tab == "unread":
        return studies.filter(UNREAD)
    if tab == "informative":
        return studies.filter(UNREAD, latest_analysis__state__in=ANSWERED)
    if tab == "disagree":
        return studies.filter(pk__in=_disagreeing(user).values("study"))
    if tab == "failed":
        return in_state(studies, AnalysisState.FAILED)
    return studies


def in_state(studies: "QuerySet[Any]", state: str) -> "QuerySet[Any]":
    """Return those whose latest analysis is in `state`."""
    if state == AnalysisState.SUCCEEDED:  # what nearly all are is found by walking the list
        return studies.filter(latest_analysis__state=state)
    return studies.filter(latest_analysis__in=Analysis.objects.filter(state=state).values("pk"))


def answers_shown(studies: "QuerySet[Any]", user: User) -> "QuerySet[Any]":
    """Return those whose answers the user may know of: one who reads blind has to sign first."""
    return with_answers_hidden(studies, user=user, study="pk").filter(Q(answers_hidden=False))


def tab_counts(user: User, *, most: int = COUNTED) -> dict[str, int]:
    """Return how many studies each tab holds, one query a tab; past `most` nobody counts on.

    A count that says `most + 1` means more than `most`.
    """
    studies = Study.objects.visible_to(user)
    return {tab: count_up_to(filter_tab(studies, tab, user), most) for tab in TABS}


def count_up_to(studies: "QuerySet[Any]", most: int) -> int:
    """Return how many there are, or `most + 1` where there are more than `most`."""
    return studies.order_by().values("pk")[: most + 1].count()


_SUGGESTED = Case(
    When(probability__gte=F("operating_point"), then=Value(True)),
    default=Value(False),
    output_field=BooleanField(),
)


def _disagreeing(user: User) -> "QuerySet[Review]":
    """Return the standing reviews that differ from the model, looked up from the few verdicts that do."""
    # One after the other: SQLite finds either in the index, but both together by reading all of it.
    false_negative, false_positive = (
        ReviewFinding.objects.filter(way).order_by().values("review") for way in WAYS_TO_DIFFER
    )
    return _standing(user).filter(pk__in=false_negative.union(false_positive, all=True))


def _disagreeing_of_study(user: User) -> "QuerySet[Review]":
    """Return the same of one study, looked up from its own reviews."""
    differs = ReviewFinding.objects.filter(reduce(or_, WAYS_TO_DIFFER), review=OuterRef("pk"))
    return _standing(user).filter(Exists(differs), study=OuterRef("pk"))


def _standing(user: User) -> "QuerySet[Review]":
    """Return the signed reviews that no other amends and whose verdicts the user may know of."""
    reviews = Review.objects.current()
    if user.blind_first:
        # That reader and model disagree gives the model's answer away.
        reviews = reviews.filter(Exists(own_first_read(user)))
    return reviews
