"""Maps are asked for once, by those who may, of findings that have an answer."""

import pytest

from accounts.models import AuditEntry, Role, User
from diagnosis import tasks
from diagnosis.models import Explanation, ExplanationMethod, ExplanationState, Finding
from diagnosis.selectors.explanations import methods_of
from diagnosis.services.explanations import NoSuchMap, request_explanation
from medimaging.common.errors import NotAllowed
from tests.factories import ExplanationFactory, FindingFactory, ModelVersionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def finding(reader: User) -> Finding:
    return FindingFactory.create(
        analysis__instance__series__study__owner=reader,
        analysis__saliency_method="class_activation_map",
        saliency_key="saliency/none.png",
    )


@pytest.fixture
def signaled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the maps that the broker is told of."""
    told: list[str] = []
    monkeypatch.setattr(tasks, "signal_explanation", told.append)
    return told


def test_a_map_is_queued_once_and_the_trail_says_who_asked(
    finding, reader, signaled, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        first = request_explanation(finding, method="occlusion", by=reader)
        again = request_explanation(finding, method="occlusion", by=reader)
    assert first == again
    assert signaled == [str(first.pk)]
    assert AuditEntry.objects.get(action="explanation.request").actor == reader


def test_a_map_that_failed_is_drawn_again(finding, reader, signaled, django_capture_on_commit_callbacks):
    failed = ExplanationFactory.create(
        finding=finding, state=ExplanationState.FAILED, failure_code="worker_lost", attempts=3
    )
    with django_capture_on_commit_callbacks(execute=True):
        request_explanation(finding, method=failed.method, by=reader)
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.failure_code) == ("pending", 0, "")
    assert signaled == [str(failed.pk)]


@pytest.mark.parametrize("method", ["class_activation_map", "tea_leaves", ""])
def test_an_unknown_method_is_refused_with_a_way_out(finding, reader, method):
    with pytest.raises(NoSuchMap, match="listed with the finding"):
        request_explanation(finding, method=method, by=reader)


def test_a_finding_without_an_answer_has_no_maps(finding, reader):
    Finding.objects.update(saliency_key="")
    finding.refresh_from_db()
    with pytest.raises(NoSuchMap):
        request_explanation(finding, method="occlusion", by=reader)


def test_an_auditor_asks_for_nothing(finding):
    with pytest.raises(NotAllowed):
        request_explanation(finding, method="occlusion", by=UserFactory.create(role=Role.AUDITOR))
    assert not Explanation.objects.exists()


def test_a_model_without_gradients_is_explained_by_covering_alone():
    assert methods_of(ModelVersionFactory.create(architecture="svm_orb")) == (
        "class_activation_map",
        "occlusion",
    )
    every = set(ExplanationMethod.values)
    assert set(methods_of(ModelVersionFactory.create(architecture="efficientnet_lite0"))) == every
    tiny = methods_of(ModelVersionFactory.create(architecture="tiny_cnn"))
    assert set(tiny) == every - {"layer_attribution"}
    assert methods_of(ModelVersionFactory.create(architecture="of_another_installation")) == ()
