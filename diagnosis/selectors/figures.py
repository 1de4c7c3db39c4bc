"""How readers and models get on: what the page of figures is worked out from."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import User
from diagnosis.models import Finding, Review, ReviewFinding, ReviewState, Sex, Verdict
from mlcore.engine.evaluation.metrics import wilson

WEEKS = 26
MOST_VERDICTS = 20_000
"""The newest so many are looked at; a page must not read a hospital's whole past."""
LONGEST_READING = timedelta(hours=1)
"""A draft that lay open for longer was not being read all the time."""
BINS = 10
AGE_GROUPS = ((0, 1), (2, 5), (6, 17), (18, 64), (65, 120))


@dataclass(frozen=True)
class Signed:
    """One signed verdict beside what the model had suggested."""

    review: UUID
    study: UUID
    reader: str
    signed_at: datetime
    reading_time: timedelta
    blind: bool
    condition: UUID
    version: UUID | None
    present: bool
    suggested: bool
    age: int | None
    sex: str

    @property
    def agrees(self) -> bool:
        """Tell whether reader and model say the same."""
        return self.present == self.suggested

    @property
    def week(self) -> date:
        """Return the Monday of the week in which it was signed."""
        day = timezone.localtime(self.signed_at).date()
        return day - timedelta(days=day.weekday())


@dataclass(frozen=True)
class Share:
    """A proportion with its 95 % interval (Wilson)."""

    name: str
    count: int
    value: float
    interval: tuple[float, float]


def signed_verdicts(user: User) -> list[Signed]:
    """Return the standing verdicts of the last half year: the user's own, or all for those who oversee."""
    later = Review.objects.filter(amends=OuterRef("review_id"), state=ReviewState.SIGNED)
    rows = ReviewFinding.objects.filter(
        ~Exists(later),
        review__state=ReviewState.SIGNED,
        review__signed_at__gte=timezone.now() - timedelta(weeks=WEEKS),
        suggested_by_model__isnull=False,
        verdict__in=(Verdict.PRESENT, Verdict.ABSENT),
    )
    if not user.sees_everything:
        rows = rows.filter(review__reader=user)
    names = (
        *("review_id", "review__study_id", "review__reader__full_name", "review__signed_at"),
        *("review__started_at", "review__model_answer_seen", "condition_id", "review__model_version_id"),
        *("verdict", "suggested_by_model"),
        *("review__study__patient_age_years", "review__study__patient__sex"),
    )
    found = rows.order_by("-review__signed_at").values_list(*names)[:MOST_VERDICTS]
    return [_signed(*row) for row in found]


def _signed(*row: Any) -> Signed:
    review, study, reader, signed_at, started_at, seen, condition, version, verdict, suggested, age, sex = row
    return Signed(
        review=review,
        study=study,
        reader=reader,
        signed_at=signed_at,
        reading_time=signed_at - started_at,
        blind=not seen,
        condition=condition,
        version=version,
        present=verdict == Verdict.PRESENT,
        suggested=suggested,
        age=age,
        sex=str(Sex(sex).label) if sex else "",
    )


def agreement(verdicts: Iterable[Signed], *, name: str = "") -> Share:
    """Return how often reader and model said the same."""
    agreed = [verdict.agrees for verdict in verdicts]
    return share(sum(agreed), len(agreed), name=name)


def share(part: int, whole: int, *, name: str = "") -> Share:
    """Return a proportion with its interval."""
    estimate = wilson(part, whole)
    return Share(name, whole, estimate.value, (estimate.low, estimate.high))


def by_week(verdicts: Iterable[Signed]) -> dict[date, list[Signed]]:
    """Return the verdicts of each week that has some, the oldest week first."""
    weeks: dict[date, list[Signed]] = defaultdict(list)
    for verdict in verdicts:
        weeks[verdict.week].append(verdict)
    return dict(sorted(weeks.items()))


def reading_minutes(verdicts: Iterable[Signed]) -> float | None:
    """Return the median time from the first draft to the signature; those left lying are left out."""
    times = {verdict.review: verdict.reading_time for verdict in verdicts}
    minutes = [time.total_seconds() / 60 for time in times.values() if time <= LONGEST_READING]
    return median(minutes) if minutes else None


def grouped(verdicts: Iterable[Signed], key: Callable[[Signed], str]) -> dict[str, list[Signed]]:
    """Return the verdicts by group, in the order in which the groups are named."""
    groups: dict[str, list[Signed]] = defaultdict(list)
    for verdict in verdicts:
        groups[key(verdict)].append(verdict)
    return dict(sorted(groups.items()))


def age_group(verdict: Signed) -> str:
    """Return the range of years that the patient's age lies in, or nothing."""
    if verdict.age is None:
        return ""
    low, high = next((low, high) for low, high in AGE_GROUPS if low <= verdict.age <= high)
    return f"{low}–{high}"


def sensitivity(verdicts: list[Signed]) -> Share:
    """Return how many of what readers found the model had suggested."""
    found = [verdict.suggested for verdict in verdicts if verdict.present]
    return share(sum(found), len(found))


def specificity(verdicts: list[Signed]) -> Share:
    """Return how many of what readers ruled out the model had not suggested."""
    absent = [not verdict.suggested for verdict in verdicts if not verdict.present]
    return share(sum(absent), len(absent))


def calibration(verdicts: list[Signed]) -> list[tuple[float, Share]]:
    """Return, for each tenth of probability, its mean and how often readers found the condition."""
    told = _probabilities(verdicts)
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for verdict in verdicts:
        probability = told.get((verdict.study, verdict.condition, verdict.version))
        if probability is not None:
            bins[min(BINS - 1, int(probability * BINS))].append((probability, verdict.present))
    return [
        (sum(p for p, _ in pairs) / len(pairs), share(sum(found for _, found in pairs), len(pairs)))
        for _, pairs in sorted(bins.items())
    ]


def _probabilities(verdicts: list[Signed]) -> dict[tuple[UUID, UUID, UUID | None], float]:
    """Return the highest probability by study, condition and model version."""
    studies = list({verdict.study for verdict in verdicts})
    told: dict[tuple[UUID, UUID, UUID | None], float] = {}
    for begin in range(0, len(studies), 500):
        rows = Finding.objects.filter(
            analysis__instance__series__study__in=studies[begin : begin + 500]
        ).values_list(
            *("analysis__instance__series__study_id", "condition_id", "analysis__model_version_id"),
            "probability",
        )
        for study, condition, version, probability in rows:
            key = (study, condition, version)
            told[key] = max(probability, told.get(key, 0.0))
    return told
