"""Which studies a page of the worklist holds, found without looking at all that a reader may see."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from diagnosis.models import Patient, Study
from diagnosis.selectors.informative import keys_in_order
from diagnosis.selectors.worklist import on_tab
from diagnosis.selectors.worklist_search import Criteria, OrderKey, matching, order_of, search

NEAR = 5000
"""Studies of the site, from the top of the list, among which the first page is sought first."""
NEAR_A_ROW = 20
"""How many more for each row of a later page."""
WALKED = ("mine", "unread", "all")
"""Tabs that hold so many studies that walking the list from its top soon fills a page."""


def keys_between(user: User, *, tab: str, criteria: Criteria, begin: int, end: int) -> list[UUID]:
    """Return the keys from `begin` up to `end` of what the user sees on a tab, in order."""
    studies = matching(user, tab=tab, criteria=criteria)
    if tab == "informative" and not criteria.sort:
        return keys_in_order(studies, user=user, begin=begin, end=end)
    if tab in WALKED and not _is_narrow(criteria) and not user.sees_everything:
        near = _near_the_top(user, tab=tab, criteria=criteria, many=NEAR + NEAR_A_ROW * begin)
        keys = list(near[begin:end])
        if len(keys) == end - begin:
            return keys
    return list(studies.values_list("pk", flat=True)[begin:end])


def _is_narrow(criteria: Criteria) -> bool:
    """Tell whether few studies may be asked for, so that walking the list may not soon fill a page."""
    return replace(criteria, signed="").is_narrowed


def _near_the_top(user: User, *, tab: str, criteria: Criteria, many: int) -> "QuerySet[Study, UUID]":
    """Return the keys of those that the user sees among the first `many` of everybody's list.

    They are the first of the user's list too. Who sees few of the site's studies finds
    no full page there; then nothing but a look at those few is needed.
    """
    studies = on_tab(user, tab, one_by_one=True)
    key = order_of(criteria, user=user)[0]
    last = _everybodys(key)[many : many + 1].first()
    if last is not None:
        studies = studies.filter(**{f"{key.name}__{'gte' if key.descending else 'lte'}": last})
    return search(studies, criteria, user=user).values_list("pk", flat=True)


def _everybodys(key: OrderKey) -> "QuerySet[Any, Any]":
    """Return what the whole site's list is ordered by, in order, as one index holds it."""
    if key.name == "patient__pseudonym":
        return Patient.objects.order_by("pseudonym").values_list("pseudonym", flat=True)
    return Study.objects.order_by(key.ordering()).values_list(key.name, flat=True)
