"""Search, filter and sort the worklist."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from diagnosis.dicom.deidentify import pseudonym
from diagnosis.models import Condition, Finding, Study
from diagnosis.selectors.worklist import filter_tab, in_state, worklist
from mlcore.models import ExaminationType

SORTS = {
    "newest": ("-created_at", "pk"),
    "oldest": ("created_at", "pk"),
    "probability": (F("top_probability").desc(nulls_last=True), "-created_at", "pk"),
    "patient": ("patient__pseudonym", "-created_at", "pk"),
}

BELOW_ALL = -1.0
"""Stands for a probability that there is none of, at the end of the order."""


@dataclass(frozen=True)
class OrderKey:
    """One key of an order: a field, or a `value` under that name."""

    name: str
    descending: bool = False
    value: Combinable | None = None


NEWEST = (OrderKey("created_at", descending=True), OrderKey("pk"))
KEYSETS: dict[str, tuple[OrderKey, ...]] = {
    "newest": NEWEST,
    "oldest": (OrderKey("created_at"), OrderKey("pk")),
    "probability": (
        OrderKey("ranked_probability", descending=True, value=Coalesce(F("top_probability"), BELOW_ALL)),
        *NEWEST,
    ),
    "patient": (OrderKey("patient__pseudonym"), *NEWEST),
}
"""The orders of `SORTS`, key by key, for who looks for what comes before or after a study."""


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


def search(studies: "QuerySet[Study]", criteria: Criteria, *, user: User) -> "QuerySet[Study]":
    """Narrow and order an annotated worklist.

    What a blind reader has not read yet never matches by the model's answer,
    and is not ordered by it: the place in the list would give it away.
    """
    if criteria.q:
        studies = studies.filter(_matches(criteria.q))
    if criteria.examination_type:
        studies = studies.filter(examination_type=criteria.examination_type)
    if criteria.state:
        studies = in_state(studies, criteria.state)
        if user.blind_first and criteria.state in {"succeeded", "withheld"}:
            studies = studies.filter(Q(answers_hidden=False))
    if criteria.condition:
        studies = studies.filter(Exists(_suggestion(criteria.condition)) & Q(answers_hidden=False))
    if criteria.received_from:
        studies = studies.filter(created_at__gte=_begin(criteria.received_from))
    if criteria.received_to:
        studies = studies.filter(created_at__lt=_begin(criteria.received_to + timedelta(days=1)))
    if criteria.signed:
        studies = studies.filter(Q(is_signed=criteria.signed == "yes"))
    order: tuple[Any, ...] = SORTS[_sort(criteria, user=user)]
    return studies.order_by(*order)


def keyset_of(criteria: Criteria, *, user: User) -> tuple[OrderKey, ...]:
    """Return the keys by which `search` orders."""
    return KEYSETS[_sort(criteria, user=user)]


def _sort(criteria: Criteria, *, user: User) -> str:
    hidden = user.blind_first and criteria.sort == "probability"
    return criteria.sort if criteria.sort in SORTS and not hidden else "newest"


def matching(user: User, *, tab: str, criteria: Criteria) -> "QuerySet[Study]":
    """Return what the user sees on a tab when asking for `criteria`, in order."""
    return search(filter_tab(worklist(user), tab, user), criteria, user=user)


def _begin(day: date) -> datetime:
    """Return the first moment of a day where the reader is; an index can answer for it."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _matches(text: str) -> Q:
    """Match words of the description, a pseudonym, or the pseudonym of a hospital's own identifier."""
    text = text.strip()
    own = pseudonym(text, key=str(settings.IDENTITY_KEY).encode())
    return (
        Q(description__icontains=text)
        | Q(patient__pseudonym__istartswith=text)
        | Q(patient__pseudonym=own)
        | Q(examination_type__name__icontains=text)
    )


def _suggestion(condition: Condition) -> "QuerySet[Finding]":
    return Finding.objects.filter(
        analysis=OuterRef("latest_analysis_id"),
        condition=condition,
        probability__gte=F("operating_point"),
    )
