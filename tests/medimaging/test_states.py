"""Rows move along their transitions, once."""

import pytest
from django.db import IntegrityError, transaction

from diagnosis.models import Analysis, AnalysisState
from medimaging.common.states import IllegalTransition, LostRace
from tests.factories import AnalysisFactory, ModelVersionFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_transition_that_is_not_in_the_map_is_refused_and_changes_nothing():
    analysis = AnalysisFactory.create()
    with pytest.raises(IllegalTransition, match="is pending and cannot become succeeded"):
        analysis.transition_to(AnalysisState.SUCCEEDED)
    analysis.refresh_from_db()
    assert analysis.state == AnalysisState.PENDING


def test_of_two_processes_that_read_the_same_row_exactly_one_moves_it():
    first = AnalysisFactory.create()
    second = Analysis.objects.get(pk=first.pk)
    first.transition_to(AnalysisState.FAILED, failure_code="x")
    with pytest.raises(LostRace):
        second.transition_to(AnalysisState.FAILED, failure_code="y")
    first.refresh_from_db()
    assert first.failure_code == "x"


def test_the_changes_are_written_with_the_state_and_seen_on_the_object():
    user = UserFactory.create(status="active")
    user.transition_to("suspended")
    assert (user.status, user.is_active) == ("suspended", False)
    user.refresh_from_db()
    assert user.status == "suspended"


@pytest.mark.parametrize(
    "values",
    [
        {"state": "nonsense"},
        {"state": AnalysisState.WITHHELD},
        {"state": AnalysisState.FAILED},
        {"state": AnalysisState.RUNNING},
    ],
)
def test_the_database_refuses_states_without_what_belongs_to_them(values):
    analysis = AnalysisFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        Analysis.objects.filter(pk=analysis.pk).update(**values)


def test_the_database_refuses_a_second_active_model_of_an_examination_type():
    version = ModelVersionFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersionFactory.create(examination_type=version.examination_type)
