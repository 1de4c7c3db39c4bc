"""A page sought from the top of the list holds what a look at all that a reader may see would find."""

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import User, UserStatus
from diagnosis.models import Assignment, Study
from diagnosis.selectors import worklist_keys
from diagnosis.selectors.worklist import TABS
from diagnosis.selectors.worklist_keys import keys_between
from diagnosis.selectors.worklist_search import SORTS, Criteria, matching
from tests.diagnosis.selectors.test_worklist import sign, study_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixed(reader: User, charlie: User, administrator: User) -> list[Study]:
    """Two dozen studies of three owners, some shared, some asked for, some read, one a minute."""
    now = timezone.now()
    studies = []
    for number in range(24):
        owner = (reader, charlie, administrator)[number % 3]
        study = study_with(owner, probability=(number * 7 % 24) / 24)
        Study.objects.filter(pk=study.pk).update(created_at=now - timedelta(minutes=number))
        if number % 4 == 1:
            study.readers.add(reader)
        if number % 5 == 1:
            Assignment.objects.create(study=study, reader=reader, assigned_by=administrator)
        if number % 6 == 3:
            sign(study, suggested=True)
        studies.append(study)
    return studies


def all_keys(user: User, tab: str, criteria: Criteria) -> list[UUID]:
    return list(matching(user, tab=tab, criteria=criteria).values_list("pk", flat=True))


@pytest.mark.parametrize("near", [3, 12, 5000])
@pytest.mark.parametrize("blind", [False, True])
def test_however_far_is_looked_first_the_page_is_the_same(reader, mixed, monkeypatch, near, blind):
    reader.blind_first = blind
    reader.save()
    monkeypatch.setattr(worklist_keys, "NEAR", near)
    monkeypatch.setattr(worklist_keys, "NEAR_A_ROW", 1)
    tabs = [tab for tab in TABS if tab != "informative"]
    for tab, sort, signed in product(tabs, SORTS, ("", "yes", "no")):
        criteria = Criteria(sort=sort, signed=signed)
        expected = all_keys(reader, tab, criteria)
        for begin, end in ((0, 3), (3, 6), (0, 100), (90, 100)):
            found = keys_between(reader, tab=tab, criteria=criteria, begin=begin, end=end)
            assert found == expected[begin:end], (tab, criteria, begin)


def test_what_fills_a_page_near_the_top_is_not_sought_among_all(
    reader, mixed, monkeypatch, django_assert_num_queries
):
    with django_assert_num_queries(2):
        keys_between(reader, tab="all", criteria=Criteria(), begin=0, end=3)
    with django_assert_num_queries(3):
        keys_between(reader, tab="all", criteria=Criteria(), begin=0, end=100)


def test_an_assigned_study_that_is_no_longer_shared_is_on_no_page(reader, administrator):
    study = study_with(administrator)
    Assignment.objects.create(study=study, reader=reader, assigned_by=administrator)
    for tab in TABS:
        assert keys_between(reader, tab=tab, criteria=Criteria(), begin=0, end=1) == []


def test_a_suspended_account_finds_nothing(reader):
    study_with(reader)
    reader.status = UserStatus.SUSPENDED
    reader.save()
    assert keys_between(reader, tab="all", criteria=Criteria(), begin=0, end=1) == []
