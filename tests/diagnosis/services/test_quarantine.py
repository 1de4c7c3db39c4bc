"""An image in quarantine is seen by those who oversee the site, and learned from by nobody."""

from collections.abc import Callable

import pytest

from accounts.models import AuditEntry, Role, User
from diagnosis import pipeline
from diagnosis.models import Analysis, AnalysisState, Instance
from diagnosis.services.analysis import cancel_analysis, retry_analysis
from diagnosis.services.quarantine import exclude_from_training, quarantine_instance, release_instance
from diagnosis.services.reanalysis import rerun_analysis
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from mlcore.models import CONSENT_WITHDRAWN, QUARANTINED, DatasetItem, ItemState
from mlcore.services import datasets
from tests.factories import AnalysisFactory, DatasetItemFactory, InstanceFactory, UserFactory
from tests.rest_fixture import Api, api, assert_problem, own_rate_limits

__all__ = ["api", "own_rate_limits"]


@pytest.fixture
def steward(db: None) -> User:
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def instance(reader: User) -> Instance:
    return InstanceFactory.create(series__study__owner=reader)


def test_readers_no_longer_see_the_image_and_oversight_does(
    instance: Instance, reader: User, steward: User, api: Api
) -> None:
    analysis = AnalysisFactory.create(instance=instance)
    quarantine_instance(instance, by=steward, reason="A name is burned in.")
    for path in (f"instances/{instance.pk}", f"instances/{instance.pk}/image", f"analyses/{analysis.pk}"):
        assert_problem(api(reader).get(f"/api/v1/{path}"), 404, "not_found")
    assert (
        api(reader).get(f"/api/v1/studies/{instance.series.study_id}").json()["series"][0]["instances"] == []
    )
    assert api(steward).get(f"/api/v1/instances/{instance.pk}").status_code == 200
    release_instance(instance, by=steward, reason="It was not.")
    assert api(reader).get(f"/api/v1/instances/{instance.pk}").status_code == 200
    actions = ["instance.quarantine", "instance.release"]
    assert AuditEntry.objects.filter(actor=steward, action__in=actions).count() == 2


def test_open_analyses_stop_and_cannot_be_asked_for_again(instance: Instance, steward: User) -> None:
    analysis = AnalysisFactory.create(instance=instance)
    quarantine_instance(instance, by=steward, reason="Look at it.")
    analysis.refresh_from_db()
    assert (analysis.state, analysis.failure_code) == (AnalysisState.FAILED, "cancelled")
    with pytest.raises(Conflict, match="quarantine"):
        retry_analysis(Analysis.objects.get(), by=steward)
    with pytest.raises(Conflict, match="quarantine"):
        rerun_analysis(Instance.objects.get(), by=steward, reason="x")


def test_its_dataset_item_is_barred_and_comes_back(instance: Instance, steward: User) -> None:
    item = DatasetItemFactory.create(content_key=instance.content_key)
    quarantine_instance(instance, by=steward, reason="Look at it.")
    item.refresh_from_db()
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, QUARANTINED)
    with pytest.raises(Conflict, match="quarantine"):
        datasets.accept_item(item, by=steward, reason="no")
    release_instance(instance, by=steward, reason="Fine.")
    item.refresh_from_db()
    assert (item.state, item.state_reason) == (ItemState.ACCEPTED, "")


def test_a_release_frees_nothing_whose_consent_was_withdrawn(instance: Instance, steward: User) -> None:
    item = DatasetItemFactory.create(content_key=instance.content_key)
    datasets.withdraw_consent(DatasetItem.objects.all(), by=steward, reason="Withdrawn.")
    quarantine_instance(instance, by=steward, reason="Look at it.")
    release_instance(instance, by=steward, reason="Fine.")
    item.refresh_from_db()
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, CONSENT_WITHDRAWN)


def test_an_image_nobody_signed_anything_of_is_excluded_from_training(
    instance: Instance, steward: User
) -> None:
    item = exclude_from_training(instance, by=steward, reason="A test image.")
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, "A test image.")
    with pytest.raises(Conflict, match="already"):
        exclude_from_training(instance, by=steward, reason="Again.")


@pytest.mark.parametrize("act", [quarantine_instance, release_instance, exclude_from_training])
def test_readers_auditors_and_the_suspended_decide_nothing(
    instance: Instance, reader: User, act: Callable[..., object]
) -> None:
    for user in (reader, UserFactory.create(role=Role.AUDITOR), UserFactory.create(role=Role.INTEGRATOR)):
        with pytest.raises(NotAllowed):
            act(instance, by=user, reason="mine")


def test_a_reason_is_needed(instance: Instance, steward: User) -> None:
    with pytest.raises(ApplicationError, match="reason"):
        quarantine_instance(instance, by=steward, reason=" ")


def test_a_cancelled_analysis_is_not_run_and_can_be_retried(instance: Instance, steward: User) -> None:
    analysis = AnalysisFactory.create(instance=instance)
    cancel_analysis(analysis, by=steward, reason="Not needed.")
    pipeline.run_analysis(str(analysis.pk))
    analysis.refresh_from_db()
    assert (analysis.state, analysis.failure_message) == (AnalysisState.FAILED, "Cancelled: Not needed.")
    with pytest.raises(Conflict, match="cannot be cancelled"):
        cancel_analysis(analysis, by=steward, reason="Again.")
    assert retry_analysis(analysis, by=steward).state == AnalysisState.PENDING


def test_a_reader_cancels_nothing(instance: Instance, reader: User) -> None:
    with pytest.raises(NotAllowed):
        cancel_analysis(AnalysisFactory.create(instance=instance), by=reader, reason="mine")
