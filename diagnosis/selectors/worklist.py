"""The worklist: studies with the state of their latest analysis and of their reading."""

from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Count,
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
    Finding,
    Instance,
    Review,
    ReviewFinding,
    ReviewState,
    Study,
    Verdict,
)

TABS = ("mine", "unread", "disagree", "failed", "all")


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
    """Return the studies of one of `TABS`, given the `worklist`; an unknown tab shows all."""
    if tab == "mine":
        return studies.filter(owner=user)
    if tab == "unread":
        return studies.filter(is_signed=False)
    if tab == "disagree":
        return studies.filter(disagreement=True)
    if tab == "failed":
        return studies.filter(latest_state=AnalysisState.FAILED)
    return studies


def tab_counts(user: User) -> dict[str, int]:
    """Return how many studies each tab holds, in one query."""
    counts: dict[str, int] = _with_state(Study.objects.visible_to(user), user=user).aggregate(
        mine=Count("pk", filter=Q(owner=user)),
        unread=Count("pk", filter=Q(is_signed=False)),
        disagree=Count("pk", filter=Q(disagreement=True)),
        failed=Count("pk", filter=Q(latest_state=AnalysisState.FAILED)),
        all=Count("pk"),
    )
    return counts


_SUGGESTED = Case(
    When(probability__gte=F("operating_point"), then=Value(True)),
    default=Value(False),
    output_field=BooleanField(),
)


def _latest_analysis() -> "QuerySet[Analysis]":
    return Analysis.objects.filter(
        instance__series__study=OuterRef("pk"), instance__quarantined_at=None
    ).order_by("-requested_at", "id")


def _with_state(studies: "QuerySet[Study]", *, user: User) -> "QuerySet[Study]":
    disagreeing = ReviewFinding.objects.filter(
        Q(verdict=Verdict.PRESENT, suggested_by_model=False)
        | Q(verdict=Verdict.ABSENT, suggested_by_model=True),
        review__study=OuterRef("pk"),
        review__state=ReviewState.SIGNED,
    ).filter(~Exists(Review.objects.filter(amends=OuterRef("review_id"), state=ReviewState.SIGNED)))
    signed = Review.objects.filter(study=OuterRef("pk"), state=ReviewState.SIGNED)
    if user.blind_first:
        # That reader and model disagree gives the model's answer away.
        own = Review.objects.filter(study=OuterRef("review__study"), state=ReviewState.SIGNED, reader=user)
        disagreeing = disagreeing.filter(Exists(own))
    return studies.annotate(
        latest_analysis_id=Subquery(_latest_analysis().values("pk")[:1]),
        latest_state=Subquery(_latest_analysis().values("state")[:1]),
        is_signed=Exists(signed),
        disagreement=Exists(disagreeing),
    )
