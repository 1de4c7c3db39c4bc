"""The worklist shows who may see it what is to be read, in a constant number of queries."""

import pytest

from diagnosis.models import AnalysisState, Assignment, ReviewState, Verdict
from diagnosis.selectors.worklist import filter_tab, tab_counts, worklist
from tests.factories import (
    AnalysisFactory,
    FindingFactory,
    InstanceFactory,
    ReviewFactory,
    ReviewFindingFactory,
    SeriesFactory,
    StudyFactory,
)

pytestmark = pytest.mark.django_db


def study_with(owner, *, state=AnalysisState.SUCCEEDED, probability=0.9, **values):
    study = StudyFactory.create(owner=owner)
    instance = InstanceFactory.create(series=SeriesFactory.create(study=study))
    analysis = AnalysisFactory.create(instance=instance, state=state, **values)
    if state == AnalysisState.SUCCEEDED:
        FindingFactory.create(analysis=analysis, probability=probability, operating_point=0.5)
    return study


def sign(study, *, suggested, verdict=Verdict.ABSENT, **values):
    from django.utils import timezone

    review = ReviewFactory.create(study=study, state=ReviewState.SIGNED, signed_at=timezone.now(), **values)
    ReviewFindingFactory.create(review=review, verdict=verdict, suggested_by_model=suggested)
    return review


def test_a_row_shows_the_latest_answer_and_whether_it_is_read(reader):
    study_with(reader, probability=0.9)
    row = worklist(reader).get()
    assert (row.latest_state, row.top_probability, row.suggested) == ("succeeded", 0.9, True)
    assert (row.is_mine, row.is_signed, row.signed_at, row.answers_hidden) == (True, False, None, False)


def test_a_stranger_sees_an_empty_list_and_zeros(reader, charlie):
    study_with(reader)
    assert not worklist(charlie).exists()
    assert set(tab_counts(charlie).values()) == {0}


def test_each_tab_holds_what_its_name_says_and_counts_it(reader, administrator):
    unread = study_with(reader, probability=0.1)
    failed = study_with(reader, state=AnalysisState.FAILED, failure_code="x")
    disagreed = study_with(reader)
    sign(disagreed, suggested=True)
    foreign = study_with(administrator)
    rows = worklist(administrator)
    tabs = ("mine", "unread", "informative", "disagree", "failed")
    found = {tab: set(filter_tab(rows, tab, administrator)) for tab in tabs}
    assert found == {
        "mine": {foreign},
        "unread": {unread, failed, foreign},
        "informative": {unread, foreign},
        "disagree": {disagreed},
        "failed": {failed},
    }
    assert tab_counts(administrator) == {
        **{"mine": 1, "unread": 3, "informative": 2, "disagree": 1, "failed": 1, "all": 4}
    }


def test_mine_counts_a_study_once_that_is_owned_and_assigned_and_none_that_is_no_longer_shared(
    reader, administrator
):
    both, shared, hidden = study_with(reader), study_with(administrator), study_with(administrator)
    shared.readers.add(reader)
    for study in (both, shared, hidden):
        Assignment.objects.create(study=study, reader=reader, assigned_by=administrator)
    assert tab_counts(reader)["mine"] == 2


def test_an_amendment_that_agrees_ends_the_disagreement(reader):
    study = study_with(reader)
    first = sign(study, suggested=True)
    sign(study, suggested=True, verdict=Verdict.PRESENT, amends=first, amendment_reason="looked again")
    assert not filter_tab(worklist(reader), "disagree", reader).exists()


def test_a_verdict_on_what_the_model_gave_no_answer_for_is_no_disagreement(reader):
    sign(study_with(reader, state=AnalysisState.WITHHELD, withheld_reason="x"), suggested=None)
    assert tab_counts(reader)["disagree"] == 0


def test_a_blind_first_reader_is_not_told_of_answers_or_disagreements_before_the_first_read(
    reader, administrator
):
    study = study_with(administrator)
    study.readers.add(reader)
    sign(study, suggested=True, reader=administrator)
    reader.blind_first = True
    reader.save()
    assert worklist(reader).get().answers_hidden is True
    assert tab_counts(reader)["disagree"] == 0
    sign(study, suggested=True, reader=reader)
    assert worklist(reader).get().answers_hidden is False
    assert tab_counts(reader)["disagree"] == 1


def test_the_list_takes_one_query_however_long_it_is(reader, django_assert_num_queries):
    for _ in range(5):
        sign(study_with(reader), suggested=True)
    with django_assert_num_queries(1):
        assert len(worklist(reader)) == 5
