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
    ReviewFinding,
    ReviewState,
    Study,
)
from diagnosis.models.review import DIFFERS

TABS = ("mine", "unread", "informative", "disagree", "failed", "all")
ANSWERED = (AnalysisState.SUCCEEDED, AnalysisState.WITHHELD)
COUNTED = 999
"""Beyond so many studies a count says no more to a reader, and costs more."""


def worklist(user: User) -> "QuerySet[Study]":
    """Return the studies the user may see, each with what its row in the list shows.

    Adds latest_analysis_id, latest_state, withheld_reason, top_condition,
    top_probability, suggested, signed_at, signed_by_name, is_mine, disagreement,
    answers_hidden, thumbnail_instance_id.
    """
    studies = _with_state(Study.objects.visible_to(user), user=user).select_related(
        "patient", "examination_type", "owner"
    )
    top = Finding.objects.filter(analysis=OuterRef("latest_analysis_id")).order_by("-probability")
    signed = Review.objects.filter(study=OuterRef("pk"), state=ReviewState.SIGNED).order_by("-signed_at")
    own_read = Review.objects.filter(study=OuterRef("pk"), state=ReviewState.SIGNED, reader=user)
    instances = Instance.objects.filter(series__study=OuterRef("pk"), quarantined_at=None).order_by(
        "created_at", "id"
    )
    return studies.annotate(
        withheld_reason=Subquery(_latest_analysis().values("withheld_reason")[:1]),
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
        is_mine=Case(When(owner=user, then=Value(True)), default=Value(False)),
        answers_hidden=~Exists(own_read) if user.blind_first else Value(False, output_field=BooleanField()),
        thumbnail_instance_id=Subquery(instances.values("pk")[:1]),
    )


def filter_tab(studies: "QuerySet[Any]", tab: str, user: User) -> "QuerySet[Any]":
    """Return the studies of one of `TABS`, given the `worklist`; an unknown tab shows all.

    What is rare is looked up from its own index first, and not sought study by study.
    """
    if tab == "mine":
        asked = Assignment.objects.filter(reader=user).values("study")
        return studies.filter(Q(owner=user) | Q(pk__in=asked))
    if tab == "unread":
        return studies.filter(is_signed=False)
    if tab == "informative":
        return studies.filter(is_signed=False, latest_state__in=ANSWERED)
    if tab == "disagree":
        differing = ReviewFinding.objects.filter(DIFFERS).values("review")
        return studies.filter(pk__in=_standing_reviews(user).filter(pk__in=differing).values("study"))
    if tab == "failed":
        return in_state(studies, AnalysisState.FAILED)
    return studies


def in_state(studies: "QuerySet[Any]", state: str) -> "QuerySet[Any]":
    """Return those of an annotated worklist whose latest analysis is in `state`."""
    if state == AnalysisState.SUCCEEDED:  # what nearly all are is found by walking the list
        return studies.filter(latest_state=state)
    ever = Analysis.objects.filter(state=state).values("instance__series__study")
    return studies.filter(pk__in=ever, latest_state=state)


def tab_counts(user: User, *, most: int = COUNTED) -> dict[str, int]:
    """Return how many studies each tab holds, one query a tab; past `most` nobody counts on.

    A count that says `most + 1` means more than `most`.
    """
    studies = _with_state(Study.objects.visible_to(user), user=user)
    return {tab: count_up_to(filter_tab(studies, tab, user), most) for tab in TABS}


def count_up_to(studies: "QuerySet[Any]", most: int) -> int:
    """Return how many there are, or `most + 1` where there are more than `most`."""
    return studies.order_by().values("pk")[: most + 1].count()


_SUGGESTED = Case(
    When(probability__gte=F("operating_point"), then=Value(True)),
    default=Value(False),
    output_field=BooleanField(),
)


def _latest_analysis() -> "QuerySet[Analysis]":
    # By an expression, so that a database looks up the few analyses of the study. By the bare
    # column it may walk all analyses of the site in that order until it meets one of the study.
    latest = Coalesce(F("requested_at"), F("requested_at")).desc()
    shown = Analysis.objects.filter(instance__quarantined_at=None)
    return shown.filter(instance__series__study=OuterRef("pk")).order_by(latest, "id")


def _standing_reviews(user: User) -> "QuerySet[Review]":
    """Return the signed reviews that no other amends and whose verdicts the user may know of."""
    later = Review.objects.filter(amends=OuterRef("pk"), state=ReviewState.SIGNED)
    reviews = Review.objects.filter(~Exists(later), state=ReviewState.SIGNED)
    if user.blind_first:
        # That reader and model disagree gives the model's answer away.
        own = Review.objects.filter(study=OuterRef("study"), state=ReviewState.SIGNED, reader=user)
        reviews = reviews.filter(Exists(own))
    return reviews


def _with_state(studies: "QuerySet[Study]", *, user: User) -> "QuerySet[Study]":
    differs = ReviewFinding.objects.filter(DIFFERS, review=OuterRef("pk"))
    disagreeing = _standing_reviews(user).filter(Exists(differs), study=OuterRef("pk"))
    signed = Review.objects.filter(study=OuterRef("pk"), state=ReviewState.SIGNED)
    return studies.annotate(
        latest_analysis_id=Subquery(_latest_analysis().values("pk")[:1]),
        latest_state=Subquery(_latest_analysis().values("state")[:1]),
        is_signed=Exists(signed),
        disagreement=Exists(disagreeing),
    )
