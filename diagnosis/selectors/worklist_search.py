"""Search, filter and sort the worklist."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from diagnosis.dicom.deidentify import pseudonym
from diagnosis.models import AnalysisState, Condition, Finding, Patient, Study
from diagnosis.selectors.blinding import ANSWERED
from diagnosis.selectors.worklist import UNREAD, answers_shown, in_state, on_tab
from medimaging.common.identity import identity_key
from mlcore.models import ExaminationType


@dataclass(frozen=True)
class OrderKey:
    """A field that the list is ordered by."""

    name: str
    descending: bool = False

    def ordering(self, *, back: bool = False) -> str:
        """Return the key as `order_by` takes it, or the other way round."""
        return f"-{self.name}" if self.descending != back else self.name


NEWEST = (OrderKey("created_at", descending=True), OrderKey("pk"))
SORTS: dict[str, tuple[OrderKey, ...]] = {
    "newest": NEWEST,
    "oldest": (OrderKey("created_at"), OrderKey("pk")),
    "probability": (OrderKey("ranked_probability", descending=True), *NEWEST),
    "patient": (OrderKey("patient__pseudonym"), *NEWEST),
}


@dataclass(frozen=True)
class Criteria:
    """What the reader asked the worklist for; an empty value asks for nothing."""

    q: str = ""
    examination_type: ExaminationType | None = None
    state: str = ""
    condition: Condition | None = None
    received_from: date | None = None
    received_to: date | None = None
    signed: str = ""
    sort: str = ""
    """One of `SORTS`; without one the newest come first."""

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything but the order was asked for."""
        return self != Criteria(sort=self.sort)


def matching(user: User, *, tab: str, criteria: Criteria) -> "QuerySet[Study]":
    """Return what the user sees on a tab when asking for `criteria`, in order."""
    few = criteria.state not in ("", AnalysisState.SUCCEEDED)
    return search(on_tab(user, tab, one_by_one=few), criteria, user=user)


def search(studies: "QuerySet[Study]", criteria: Criteria, *, user: User) -> "QuerySet[Study]":
    """Narrow and order studies.

    What a blind reader has not read yet never matches by the model's answer,
    and is not ordered by it: the place in the list would give it away.
    """
    if criteria.q:
        studies = studies.filter(_matches(criteria.q))
    if criteria.examination_type:
        studies = studies.filter(examination_type=criteria.examination_type)
    if criteria.state:
        studies = in_state(studies, criteria.state)
        if criteria.state in ANSWERED:
            studies = answers_shown(studies, user)
    if criteria.condition:
        studies = answers_shown(studies.filter(Exists(_suggestion(criteria.condition))), user)
    if criteria.received_from:
        studies = studies.filter(created_at__gte=_begin(criteria.received_from))
    if criteria.received_to:
        studies = studies.filter(created_at__lt=_begin(criteria.received_to + timedelta(days=1)))
    if criteria.signed:
        studies = studies.filter(Q(is_signed=True) if criteria.signed == "yes" else UNREAD)
    return studies.order_by(*(key.ordering() for key in order_of(criteria, user=user)))


def order_of(criteria: Criteria, *, user: User) -> tuple[OrderKey, ...]:
    """Return the keys by which `search` orders."""
    hidden = user.blind_first and criteria.sort == "probability"
    return SORTS[criteria.sort if criteria.sort in SORTS and not hidden else "newest"]


def _begin(day: date) -> datetime:
    """Return the first moment of a day where the reader is; an index can answer for it."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _matches(text: str) -> Q:
    """Match words of the description, a pseudonym, or the pseudonym of a hospital's own identifier."""
    text = text.strip()
    own = pseudonym(text, key=identity_key())
    patients = Patient.objects.filter(Q(pseudonym__istartswith=text) | Q(pseudonym=own))
    kinds = ExaminationType.objects.filter(name__icontains=text)
    # As keys, so that a database reads patients and types once, and not beside each study.
    return (
        Q(description__icontains=text)
        | Q(patient__in=patients.values("pk"))
        | Q(examination_type__in=kinds.values("pk"))
    )


def _suggestion(condition: Condition) -> "QuerySet[Finding]":
    return Finding.objects.filter(
        analysis=OuterRef("latest_analysis"),
        condition=condition,
        probability__gte=F("operating_point"),
    )
