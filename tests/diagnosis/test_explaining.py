"""Maps on request are drawn once, fail with a sentence, and are taken back from the dead."""

from datetime import timedelta

import pytest
from django.utils import timezone

from diagnosis import explaining
from diagnosis.models import Condition, ConditionState, Explanation, ExplanationState
from medimaging.common.storage import delete_content, read_content
from mlcore.engine.imaging.maps import decode_map
from tests.diagnosis.test_pipeline import analysis_of, run
from tests.factories import ConditionFactory, ExplanationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def explanation(reader, chest, pneumonia_radiograph) -> Explanation:
    """Return a map by covering that was asked for, of a finding of the shipped model."""
    analysis = run(analysis_of(pneumonia_radiograph, by=reader, examination_type=chest))
    return ExplanationFactory.create(finding=analysis.findings.get())


def drawn(explanation: Explanation) -> Explanation:
    explaining.run_explanation(str(explanation.pk))
    explanation.refresh_from_db()
    return explanation


@pytest.mark.data
def test_a_map_is_drawn_and_stored(explanation):
    assert drawn(explanation).state == ExplanationState.SUCCEEDED
    saliency = decode_map(read_content(explanation.saliency_key))
    assert saliency.shape == (224, 224)
    assert saliency.max() == pytest.approx(1.0)
    assert saliency.mean() < 0.6


@pytest.mark.data
def test_a_condition_that_was_merged_is_explained_under_the_name_the_model_knows(explanation):
    target = ConditionFactory.create(examination_type=explanation.finding.condition.examination_type)
    Condition.objects.filter(pk=explanation.finding.condition_id).update(
        state=ConditionState.MERGED, merged_into=target
    )
    explanation.finding.condition = target
    explanation.finding.save()
    assert drawn(explanation).state == ExplanationState.SUCCEEDED


@pytest.mark.data
def test_a_map_of_an_image_that_was_erased_meanwhile_is_not_kept(explanation, monkeypatch):
    draw = explaining._draw

    def erased_meanwhile(asked: Explanation) -> str:
        key = draw(asked)
        Explanation.objects.all().delete()
        assert read_content(key)
        keys.append(key)
        return key

    keys: list[str] = []
    monkeypatch.setattr(explaining, "_draw", erased_meanwhile)
    explaining.run_explanation(str(explanation.pk))
    with pytest.raises(FileNotFoundError):
        read_content(keys[0])


@pytest.mark.data
def test_a_missing_image_fails_with_a_sentence_and_is_not_tried_again(explanation):
    delete_content(explanation.finding.analysis.instance.content_key)
    assert drawn(explanation).state == ExplanationState.FAILED
    assert "backup" in explanation.failure_message
    assert drawn(explanation).attempts == 1


def test_what_a_dead_worker_held_is_signaled_again_and_given_up_in_the_end():
    dead = timezone.now() - timedelta(seconds=1)
    lost = ExplanationFactory.create(state=ExplanationState.RUNNING, attempts=1, lease_expires_at=dead)
    hopeless = ExplanationFactory.create(state=ExplanationState.RUNNING, attempts=3, lease_expires_at=dead)
    waits = ExplanationFactory.create()
    assert explaining.reap() == [str(lost.pk)]
    for row in (lost, hopeless, waits):
        row.refresh_from_db()
    assert (lost.state, hopeless.state, waits.state) == ("pending", "failed", "pending")
    assert hopeless.failure_code == "worker_lost"
    assert explaining.reap() == []
