"""One page of the worklist: the rows alone are annotated, and nobody counts further than readers look."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from diagnosis.models import Assignment, Study
from diagnosis.selectors.claims import claims_of_others
from diagnosis.selectors.worklist import COUNTED, count_up_to, described
from diagnosis.selectors.worklist_keys import keys_between
from diagnosis.selectors.worklist_search import Criteria, matching

PAGE_SIZE = 25
LAST_PAGE = 4000
"""No reader turns so many pages; an address that asks for more would only cost."""


@dataclass(frozen=True)
class WorklistPage:
    """The rows of one page."""

    rows: list[Study]
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        """Tell whether a page comes before."""
        return self.number > 1

    @property
    def first(self) -> int:
        """Return the place of the first row in the whole list, counted from 1."""
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        """Return the place of the last row."""
        return self.first + len(self.rows) - 1


def worklist_page(user: User, *, tab: str, criteria: Criteria, number: int) -> WorklistPage:
    """Return one page of a tab; a page past the end is the first.

    The keys are chosen first and their rows read then: so no database works out
    what a row shows for rows that no page shows.
    """
    number = min(max(1, number), LAST_PAGE)
    keys = _keys(user, tab, criteria, number)
    if not keys and number > 1:
        number, keys = 1, _keys(user, tab, criteria, 1)
    shown = keys[:PAGE_SIZE]
    rows = {study.pk: study for study in _rows(user, shown)}
    return WorklistPage(
        rows=[rows[key] for key in shown if key in rows],
        number=number,
        has_next=len(keys) > PAGE_SIZE,
    )


def matching_count(user: User, *, tab: str, criteria: Criteria, shown: WorklistPage) -> int:
    """Return how many studies match, or `COUNTED + 1` where there are more; a last page tells by itself."""
    if not shown.has_next:
        return min(shown.last, COUNTED + 1)
    return count_up_to(matching(user, tab=tab, criteria=criteria), COUNTED)


def unseen_assignments(user: User) -> int:
    """Return how many studies wait that the reader was asked to read and has not opened."""
    asked = Study.objects.visible_to(user).filter(assignments__reader=user, assignments__seen_at=None)
    return asked.count()


def page_number(asked: Mapping[str, str]) -> int:
    """Return the page that an address asks for; nonsense asks for the first."""
    raw = asked.get("page", "")
    return int(raw) if raw.isdecimal() and len(raw) < 9 else 1


def _keys(user: User, tab: str, criteria: Criteria, number: int) -> list[UUID]:
    """Return the keys of a page, and of the first row after it."""
    begin = (number - 1) * PAGE_SIZE
    return keys_between(user, tab=tab, criteria=criteria, begin=begin, end=begin + PAGE_SIZE + 1)


def _rows(user: User, keys: list[UUID]) -> "QuerySet[Study]":
    """Return the rows of visible studies with who reads each now and whether the user was asked to."""
    asked = Assignment.objects.filter(study=OuterRef("pk"), reader=user)
    return described(Study.objects.filter(pk__in=keys), user=user).annotate(
        claimed_by_name=claims_of_others(user).values("reader__full_name")[:1],
        is_assigned=Exists(asked),
        assigned_by_name=asked.values("assigned_by__full_name")[:1],
    )
