"""Readers propose, administrators decide."""

import pytest

from accounts.models import Role
from diagnosis.models import Condition, ConditionState, Verdict
from diagnosis.services.conditions import (
    InvalidCondition,
    approve_condition,
    merge_condition,
    propose_condition,
    retire_condition,
)
from medimaging.common.errors import Conflict, NotAllowed
from tests.factories import ConditionFactory, ExaminationTypeFactory, ReviewFindingFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def chest_type():
    return ExaminationTypeFactory.create()


def test_a_proposed_condition_is_seen_by_its_proposer_and_those_who_decide(
    chest_type, reader, charlie, administrator
):
    condition = propose_condition(chest_type, name="  COVID-19 ", by=reader)
    assert (condition.code, condition.name, condition.state) == ("covid-19", "COVID-19", "proposed")
    for user, sees in ((reader, True), (administrator, True), (charlie, False)):
        assert Condition.objects.selectable_by(user).filter(pk=condition.pk).exists() is sees


def test_proposing_what_exists_gives_what_exists(chest_type, reader):
    known = ConditionFactory.create(examination_type=chest_type, code="covid-19")
    assert propose_condition(chest_type, name="Covid 19", by=reader) == known


def test_a_proposal_of_somebody_else_is_joined_and_can_be_used_by_both(chest_type, reader, charlie):
    first = propose_condition(chest_type, name="Nodule", by=reader)
    assert propose_condition(chest_type, name="nodule", by=charlie) == first
    assert Condition.objects.selectable_by(charlie).filter(pk=first.pk).exists()


def test_a_retired_condition_is_not_proposed_again(chest_type, reader):
    ConditionFactory.create(examination_type=chest_type, code="nodule", state=ConditionState.RETIRED)
    with pytest.raises(InvalidCondition, match="was retired"):
        propose_condition(chest_type, name="Nodule", by=reader)


@pytest.mark.parametrize("name", ["", "  ", "!!!", "x" * 121])
def test_a_name_that_is_none_is_refused(chest_type, reader, name):
    with pytest.raises(InvalidCondition):
        propose_condition(chest_type, name=name, by=reader)


def test_only_those_who_decide_decide(chest_type, reader, administrator):
    condition = propose_condition(chest_type, name="Nodule", by=reader)
    with pytest.raises(NotAllowed):
        approve_condition(condition, by=reader)
    with pytest.raises(NotAllowed):
        approve_condition(condition, by=UserFactory.create(role=Role.AUDITOR))
    assert approve_condition(condition, by=administrator).state == ConditionState.APPROVED
    assert retire_condition(condition, by=administrator, reason="unused").state == ConditionState.RETIRED


def test_a_merge_moves_drafts_and_names_its_target(chest_type, reader, administrator):
    target = ConditionFactory.create(examination_type=chest_type)
    alias = propose_condition(chest_type, name="Alias", by=reader)
    given = ReviewFindingFactory.create(condition=alias, verdict=Verdict.PRESENT)
    merge_condition(alias, into=target, by=administrator, reason="the same")
    given.refresh_from_db()
    alias.refresh_from_db()
    assert given.condition == target
    assert (alias.state, alias.merged_into) == (ConditionState.MERGED, target)
    assert propose_condition(chest_type, name="Alias", by=reader) == target


def test_a_merge_into_itself_or_another_examination_or_a_proposal_is_refused(chest_type, administrator):
    condition = ConditionFactory.create(examination_type=chest_type)
    proposal = ConditionFactory.create(examination_type=chest_type, state=ConditionState.PROPOSED)
    for target in (condition, ConditionFactory.create(), proposal):
        with pytest.raises(InvalidCondition):
            merge_condition(condition, into=target, by=administrator, reason="x")


def test_what_is_merged_stays_merged(chest_type, administrator):
    target = ConditionFactory.create(examination_type=chest_type)
    alias = ConditionFactory.create(examination_type=chest_type)
    merge_condition(alias, into=target, by=administrator, reason="the same")
    with pytest.raises(Conflict):
        approve_condition(alias, by=administrator)
