"""A study names its latest analysis, ranks by it and says how it was read, whatever happens to it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Role, User
from diagnosis.latest import note_latest_analysis
from diagnosis.models import AnalysisState, Finding, Instance, Study, Verdict
from diagnosis.services.analysis import request_analysis
from diagnosis.services.quarantine import quarantine_instance, release_instance
from diagnosis.services.reviews import VerdictInput, amend_review, save_draft, sign_review, start_review
from mlcore.models import ModelState
from tests.factories import (
    AnalysisFactory,
    ConditionFactory,
    FindingFactory,
    InstanceFactory,
    ModelVersionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def instance(reader: User) -> Instance:
    return InstanceFactory.create(series__study__owner=reader)


def stored(instance: Instance) -> Study:
    return Study.objects.get(pk=instance.series.study_id)


def answered(instance: Instance, *, probability: float, days_ago: int = 0):
    version = ModelVersionFactory.create(
        examination_type=instance.series.study.examination_type, state=ModelState.RETIRED
    )
    analysis = AnalysisFactory.create(
        instance=instance,
        model_version=version,
        state=AnalysisState.SUCCEEDED,
        requested_at=timezone.now() - timedelta(days=days_ago),
    )
    FindingFactory.create(analysis=analysis, probability=probability)
    return analysis


def test_an_analysis_is_named_as_soon_as_it_is_asked_for(instance):
    ModelVersionFactory.create(
        examination_type=instance.series.study.examination_type, state=ModelState.ACTIVE
    )
    analysis = request_analysis(instance)
    assert stored(instance).latest_analysis == analysis
    assert stored(instance).ranked_probability < 0


def test_the_latest_one_counts_and_its_highest_probability(instance):
    answered(instance, probability=0.9, days_ago=1)
    latest = answered(instance, probability=0.2)
    FindingFactory.create(analysis=latest, probability=0.4)
    assert stored(instance).latest_analysis == latest
    assert stored(instance).ranked_probability == 0.4


def test_what_is_in_quarantine_does_not_count_until_it_is_released(instance, steward):
    other = InstanceFactory.create(series=instance.series)
    before = answered(other, probability=0.3, days_ago=1)
    latest = answered(instance, probability=0.8)
    quarantine_instance(instance, by=steward, reason="Look at it.")
    assert (stored(instance).latest_analysis, stored(instance).ranked_probability) == (before, 0.3)
    release_instance(instance, by=steward, reason="It is fine.")
    assert (stored(instance).latest_analysis, stored(instance).ranked_probability) == (latest, 0.8)


def test_without_any_analysis_left_there_is_none_and_the_study_ranks_last(instance):
    analysis = answered(instance, probability=0.8)
    Finding.objects.all().delete()
    analysis.delete()
    note_latest_analysis(instance.series.study_id)
    assert stored(instance).latest_analysis is None
    assert stored(instance).ranked_probability < 0


def test_the_first_signature_makes_the_study_signed_and_a_draft_does_not(instance, reader):
    condition = ConditionFactory.create(examination_type=instance.series.study.examination_type)
    draft = start_review(instance.series.study, by=reader)
    save_draft(draft, by=reader, verdicts=[VerdictInput(condition, Verdict.ABSENT)])
    assert not stored(instance).is_signed
    sign_review(draft, by=reader)
    assert stored(instance).is_signed


def test_a_signed_verdict_against_the_model_makes_the_study_disputed_until_it_is_amended(instance, reader):
    finding = answered(instance, probability=0.9).findings.get()
    study = instance.series.study
    first = start_review(study, by=reader)
    save_draft(first, by=reader, verdicts=[VerdictInput(finding.condition, Verdict.ABSENT)])
    assert not stored(instance).reader_differs
    sign_review(first, by=reader)
    assert stored(instance).reader_differs
    second = amend_review(first, by=reader, reason="I looked again.")
    save_draft(second, by=reader, verdicts=[VerdictInput(finding.condition, Verdict.PRESENT)])
    assert stored(instance).reader_differs
    sign_review(second, by=reader)
    assert not stored(instance).reader_differs
