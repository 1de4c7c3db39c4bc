"""Before, after and next to be read: in the order, the tab and the filters of the list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from diagnosis.models import AnalysisState
from diagnosis.models.study import Study
from diagnosis.selectors.neighbors import ReadingList, neighbor_in, next_unread
from diagnosis.selectors.worklist_search import SORTS, Criteria, matching
from diagnosis.services.claims import claim_study
from tests.diagnosis.selectors.test_informative import model, placed  # noqa: F401
from tests.diagnosis.selectors.test_worklist import sign, study_with
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PROBABILITIES = (0.3, None, 0.9, 0.3, None, 0.7)


@pytest.fixture
def studies(reader):
    """Return studies of which some were received at one moment, equally probable or without an answer."""
    made = []
    for index, probability in enumerate(PROBABILITIES):
        state = AnalysisState.PENDING if probability is None else AnalysisState.SUCCEEDED
        study = study_with(reader, state=state, probability=probability)
        received = timezone.now() - timedelta(hours=index // 2)
        Study.objects.filter(pk=study.pk).update(created_at=received.replace(microsecond=0))
        made.append(study)
    return made


@pytest.mark.parametrize("sort", sorted(SORTS))
def test_going_on_and_back_walks_through_every_study_of_the_order(reader, studies, sort):
    walked = ReadingList("all", Criteria(sort=sort))
    order = list(matching(reader, tab="all", criteria=walked.criteria))
    assert len(order) == len(studies)
    after = [neighbor_in(walked, study, user=reader) for study in order]
    before = [neighbor_in(walked, study, user=reader, back=True) for study in order]
    keys = [study.pk for study in order]
    assert after == [*keys[1:], None]
    assert before == [None, *keys[:-1]]


def test_the_next_study_lies_in_the_tab_and_the_filter(reader, studies):
    narrow = ReadingList("unread", Criteria(state="succeeded", sort="probability"))
    seen, at = [], studies[2]  # the surest
    while at is not None:
        seen.append(at)
        sign(at, suggested=True)
        following = next_unread(at, user=reader, walked=narrow)
        at = Study.objects.get(pk=following) if following else None
    assert set(seen) == {studies[i] for i, probability in enumerate(PROBABILITIES) if probability}
    assert seen[:2] == [studies[2], studies[5]]


def test_the_most_informative_follow_in_their_own_order(reader, model):  # noqa: F811
    sure = placed(reader, angle=0, model=model, probability=0.98)
    unsure = placed(reader, angle=90, model=model, probability=0.45)
    between = placed(reader, angle=200, model=model, probability=0.8)
    walked = ReadingList("informative")
    assert neighbor_in(walked, unsure, user=reader) == between.pk
    assert neighbor_in(walked, between, user=reader, back=True) == unsure.pk
    assert neighbor_in(walked, sure, user=reader) is None
    assert next_unread(sure, user=reader, walked=walked) == unsure.pk
    sign(unsure, suggested=False)
    assert next_unread(unsure, user=reader, walked=walked) == between.pk


def test_two_readers_of_one_list_do_not_follow_each_other(reader, studies):
    colleague = UserFactory.create()
    order = list(matching(reader, tab="all", criteria=Criteria()))
    order[1].readers.add(colleague)
    claim_study(order[1], by=colleague)
    assert next_unread(order[0], user=reader) == order[2].pk


def test_who_walks_through_signed_studies_is_led_to_signed_studies(reader, studies):
    for study in studies[:3]:
        sign(study, suggested=True)
    walked = ReadingList("disagree")
    order = list(matching(reader, tab="disagree", criteria=walked.criteria))
    assert next_unread(order[0], user=reader, walked=walked) == order[1].pk


def test_a_stranger_is_led_nowhere(reader, charlie, studies):
    assert neighbor_in(ReadingList(), studies[0], user=charlie) is None
    assert next_unread(studies[0], user=charlie) is None
