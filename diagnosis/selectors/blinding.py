"""Who may see a model's answer, and when. Pages and REST both ask here."""

from typing import TypeVar
from uuid import UUID

from django.db.models import BooleanField, Exists, Model, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable

from accounts.models import User
from diagnosis.models import Analysis, AnalysisState, Instance, Review, ReviewState, Study
from medimaging.common.errors import NotAllowed

Row = TypeVar("Row", bound=Model)
ANSWERED = (AnalysisState.SUCCEEDED, AnalysisState.WITHHELD)


def answer_is_hidden() -> NotAllowed:
    """Return what a blind reader is told who asks for an answer before a first read."""
    return NotAllowed("The model's answer is hidden until you have signed a first read.", code="read_first")


def own_first_read(user: User, *, study: str = "study") -> "QuerySet[Review]":
    """Return what the user has signed of the study whose key an outer row has at `study`."""
    return Review.objects.filter(study=OuterRef(study), reader=user, state=ReviewState.SIGNED)


def answers_hidden_from(user: User, study: Study) -> bool:
    """Tell whether the model's answers stay hidden until the user has signed a first read."""
    if not user.blind_first:
        return False
    return not Review.objects.filter(study=study, reader=user, state=ReviewState.SIGNED).exists()


def studies_hidden_from(user: User, studies: list[Study]) -> set[UUID]:
    """Return the keys of those of `studies` whose answers are hidden from the user, in one query."""
    if not user.blind_first:
        return set()
    read = Review.objects.filter(study__in=studies, reader=user, state=ReviewState.SIGNED)
    return {study.pk for study in studies} - set(read.values_list("study_id", flat=True))


def shown_answer(user: User, study: Study) -> Analysis | None:
    """Return the latest answer that the user can see on the study, or None."""
    if answers_hidden_from(user, study):
        return None
    return latest_answer(study)


def latest_answer(study: Study) -> Analysis | None:
    """Return the study's latest analysis that came to an answer or was withheld."""
    return (
        Analysis.objects.filter(
            instance__in=Instance.objects.filter(series__study=study, quarantined_at=None),
            state__in=ANSWERED,
        )
        .select_related("model_version")
        .order_by("-requested_at", "id")
        .first()
    )


def with_answers_hidden(rows: "QuerySet[Row]", *, user: User, study: str) -> "QuerySet[Row]":
    """Add `answers_hidden` to each row; `study` is the path from a row to its study's key."""
    hidden: Combinable = Value(False, output_field=BooleanField())
    if user.blind_first:
        hidden = ~Exists(own_first_read(user, study=study))
    annotated: QuerySet[Row] = rows.annotate(answers_hidden=hidden)  # type: ignore[assignment]
    return annotated


def reviews_shown_to(user: User) -> "QuerySet[Review]":
    """Return the reviews the user may see; a colleague's would give a hidden answer away."""
    visible: QuerySet[Review] = Review.objects.visible_to(user)
    if not user.blind_first:
        return visible
    return visible.filter(Q(reader=user) | Exists(own_first_read(user)))
