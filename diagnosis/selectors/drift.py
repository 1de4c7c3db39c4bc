"""Whether what comes in still looks like what the model was trained on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean, pstdev

from django.utils import timezone

from accounts.models import User
from diagnosis.models import Analysis, AnalysisState
from mlcore.engine.training.data import Fold
from mlcore.models import DatasetItem, ExaminationType, ItemState

MEASURES = ("brightness", "spread", "noise", "sharpness", "constant", "out_of_distribution_distance")
DAYS, WEEKS = 30, 26
MOST_ANALYSES = 10_000
FEWEST = 20
"""Images below which a mean says nothing."""
SLIGHT, CLEAR = 0.25, 0.5
"""Standard deviations of the training images by which the mean has moved."""


@dataclass(frozen=True)
class Drift:
    """One measure of the pixels: as in training, and as of late."""

    measure: str
    training_mean: float
    training_spread: float
    recent_mean: float
    shift: float
    """In standard deviations of the training images."""

    @property
    def is_clear(self) -> bool:
        """Tell whether somebody should look."""
        return abs(self.shift) >= CLEAR

    @property
    def is_slight(self) -> bool:
        """Tell whether it has moved, but not far."""
        return SLIGHT <= abs(self.shift) < CLEAR


@dataclass(frozen=True)
class DriftPage:
    """The drift of one examination type; without enough images `rows` is empty."""

    examination_type: ExaminationType
    trained: int
    recent: int
    rows: list[Drift]
    withheld: list[tuple[date, int, int]]
    """Week, images, and how many of them were withheld."""

    @property
    def enough(self) -> bool:
        """Tell whether there are enough images on both sides to compare."""
        return self.trained >= FEWEST and self.recent >= FEWEST


def drift_pages(user: User) -> list[DriftPage]:
    """Return a page for each examination type that has analyses the user may see."""
    return [page for kind in ExaminationType.objects.all() if (page := _page(kind, user)).withheld]


def compare(training: Iterable[Mapping[str, float]], recent: Iterable[Mapping[str, float]]) -> list[Drift]:
    """Return how far each measure's mean has moved."""
    before, now = list(training), list(recent)
    rows = []
    for measure in MEASURES:
        old = [one[measure] for one in before if measure in one]
        new = [one[measure] for one in now if measure in one]
        if len(old) < FEWEST or len(new) < FEWEST:
            continue
        mean, spread = fmean(old), pstdev(old)
        moved = (fmean(new) - mean) / spread if spread else 0.0
        rows.append(Drift(measure, mean, spread, fmean(new), moved))
    return rows


def _page(kind: ExaminationType, user: User) -> DriftPage:
    answered = Analysis.objects.visible_to(user).filter(
        instance__series__study__examination_type=kind,
        state__in=(AnalysisState.SUCCEEDED, AnalysisState.WITHHELD),
        finished_at__isnull=False,
    )
    now = timezone.now()
    late = answered.filter(requested_at__gte=now - timedelta(weeks=WEEKS)).order_by("-requested_at")
    seen = list(late.values_list("requested_at", "state", "quality")[:MOST_ANALYSES])
    recent = [quality for at, _state, quality in seen if at >= now - timedelta(days=DAYS)]
    trained_on = DatasetItem.objects.filter(examination_type=kind, state=ItemState.ACCEPTED, fold=Fold.TRAIN)
    training = list(
        answered.filter(instance__content_key__in=trained_on.values("content_key"))
        .order_by("-requested_at")
        .values_list("quality", flat=True)[:MOST_ANALYSES]
    )
    return DriftPage(
        examination_type=kind,
        trained=len(training),
        recent=len(recent),
        rows=compare(training, recent),
        withheld=_withheld_by_week(seen),
    )


def _withheld_by_week(seen: Sequence[tuple[datetime, str, object]]) -> list[tuple[date, int, int]]:
    weeks: dict[date, list[bool]] = defaultdict(list)
    for at, state, _quality in seen:
        day = timezone.localtime(at).date()
        weeks[day - timedelta(days=day.weekday())].append(state == AnalysisState.WITHHELD)
    return [(week, len(states), sum(states)) for week, states in sorted(weeks.items())]
