"""Trainings are asked for once at a time, cancelled, retried, and begun by themselves when due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEntry, Role
from medimaging.common.errors import ApplicationError, NotAllowed
from medimaging.common.states import IllegalTransition
from mlcore import pipeline
from mlcore.models import TrainingKind, TrainingRun, TrainingState, TrainingTrigger
from mlcore.runs import NotTrainable, TrainingUnderWay
from mlcore.selectors.datasets import learning_status, newly_signed
from mlcore.services.datasets import EmptyDataset
from mlcore.services.training import (
    NotCancellable,
    cancel_training,
    request_gate,
    request_training,
    retry_training,
    train_when_due,
)
from tests.factories import (
    DatasetItemFactory,
    DatasetLabelFactory,
    ExaminationTypeFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward(db):
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def kind(db):
    """Return an examination type with a model that answers, and trains after three images."""
    examination_type = ExaminationTypeFactory.create(trains_after=3)
    ModelVersionFactory.create(examination_type=examination_type)
    return examination_type


def sign(kind, count=1, **label):
    for _ in range(count):
        item = DatasetItemFactory.create(examination_type=kind, state="accepted")
        DatasetLabelFactory.create(item=item, **label)


def test_a_run_stands_on_a_frozen_version_and_names_the_incumbents_network(kind, steward):
    sign(kind, 2)
    run = request_training(kind, by=steward, seed=11)
    assert (run.state, run.architecture, run.seed) == (TrainingState.PENDING, "tiny_cnn", 11)
    assert run.dataset_version.item_count == 2
    assert AuditEntry.objects.get(action="training_run.request").actor == steward


def test_a_second_run_is_told_what_runs(kind, steward):
    sign(kind)
    request_training(kind, by=steward)
    with pytest.raises(TrainingUnderWay, match=r"is under way \(quick, pending"):
        request_training(kind, by=steward, kind=TrainingKind.FULL)


@pytest.mark.django_db(transaction=True)
def test_of_runs_asked_for_at_once_one_is_entered(lifted_audit_triggers):
    kind = ExaminationTypeFactory.create()
    ModelVersionFactory.create(examination_type=kind)
    sign(kind)
    steward = UserFactory.create(role=Role.DATA_STEWARD)

    def ask(_):
        try:
            request_training(kind, by=steward)
        except ApplicationError as error:
            return error.code
        finally:
            connection.close()
        return "entered"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(ask, range(4)))
    assert outcomes == ["entered", *["training_under_way"] * 3]
    assert TrainingRun.objects.count() == 1


def test_nothing_signed_or_nothing_to_update_is_refused(kind, steward):
    with pytest.raises(EmptyDataset):
        request_training(kind, by=steward)
    without_model = ExaminationTypeFactory.create()
    sign(without_model)
    with pytest.raises(NotTrainable):
        request_training(without_model, by=steward)


@pytest.mark.parametrize("role", [Role.READER, Role.INTEGRATOR, Role.AUDITOR])
def test_others_may_not_train(kind, role):
    sign(kind)
    user, run = UserFactory.create(role=role), TrainingRunFactory.create()
    for ask in (
        lambda: request_training(kind, by=user),
        lambda: cancel_training(run, by=user),
        lambda: retry_training(run, by=user),
        lambda: request_gate(kind.model_versions.get(), by=user),
    ):
        with pytest.raises(NotAllowed):
            ask()


def test_a_waiting_run_is_cancelled_at_once_and_twice_is_no_error(kind, steward):
    sign(kind)
    run = request_training(kind, by=steward)
    assert cancel_training(run, by=steward).state == TrainingState.CANCELLED
    assert cancel_training(run, by=steward).state == TrainingState.CANCELLED
    assert AuditEntry.objects.filter(action="training_run.cancel").count() == 1
    assert request_training(kind, by=steward).state == TrainingState.PENDING


def test_what_has_ended_is_not_cancelled(steward):
    run = TrainingRunFactory.create(state=TrainingState.SUCCEEDED)
    with pytest.raises(NotCancellable):
        cancel_training(run, by=steward)


def test_a_failed_run_is_retried_and_keeps_its_failure_on_record(steward):
    run = TrainingRunFactory.create(
        state=TrainingState.FAILED, failure_code="nothing_to_learn", failure_message="Too few.", attempts=2
    )
    retry_training(run, by=steward, reason="More was signed.")
    run.refresh_from_db()
    assert (run.state, run.attempts, run.failure_code) == (TrainingState.PENDING, 0, "")
    assert AuditEntry.objects.get(action="training_run.retry").details["failure"]["message"] == "Too few."


def test_a_run_that_succeeded_is_not_retried(steward):
    with pytest.raises(IllegalTransition):
        retry_training(TrainingRunFactory.create(state=TrainingState.SUCCEEDED), by=steward)


def test_a_training_begins_when_enough_was_signed_and_counts_anew(kind):
    sign(kind, 2)
    assert train_when_due(kind) is None
    sign(kind)
    assert newly_signed(kind) == 3
    run = train_when_due(kind)
    assert (run.trigger, run.requested_by, run.kind) == (TrainingTrigger.SIGNED, None, TrainingKind.QUICK)
    assert newly_signed(kind) == 0
    sign(kind, 3)
    assert train_when_due(kind) is None, "one is under way"
    run.transition_to(TrainingState.CANCELLED)
    assert train_when_due(kind) is not None


def test_imported_images_begin_no_training_and_the_pages_say_the_same(kind):
    sign(kind, 5, labeled_by="import:archive")
    sign(kind, 2)
    status = learning_status(kind)
    assert (status.newly_signed, status.newly_imported, status.missing) == (2, 5, 1)
    assert train_when_due(kind) is None
    sign(kind)
    assert learning_status(kind).missing == 0
    assert train_when_due(kind) is not None


def test_what_was_imported_is_trained_on_by_schedule(kind):
    sign(kind, labeled_by="import:archive")
    assert len(pipeline.open_due_runs(trigger=TrainingTrigger.SCHEDULE)) == 1


def test_a_training_that_failed_is_not_begun_again_by_itself(kind):
    sign(kind, 3)
    run = train_when_due(kind)
    run.transition_to(TrainingState.FAILED, failure_code="nothing_to_learn")
    assert train_when_due(kind) is None
    assert pipeline.open_due_runs(trigger=TrainingTrigger.SCHEDULE) == []
    assert learning_status(kind).newly_signed == 0


def test_a_label_that_was_changed_counts_as_newly_signed(kind, steward):
    sign(kind, 3)
    run = train_when_due(kind)
    run.transition_to(TrainingState.CANCELLED)
    item = kind.dataset_items.first()
    DatasetLabelFactory.create(item=item, labeled_at=timezone.now())
    assert newly_signed(kind) == 1


def test_by_schedule_few_images_are_enough_and_none_begin_nothing(kind):
    assert pipeline.open_due_runs(trigger=TrainingTrigger.SCHEDULE) == []
    sign(kind)
    (run_id,) = pipeline.open_due_runs(trigger=TrainingTrigger.SCHEDULE)
    assert TrainingRun.objects.get(pk=run_id).trigger == TrainingTrigger.SCHEDULE


def test_a_type_that_never_trains_by_itself_does_not(kind):
    kind.trains_after = 0
    kind.save()
    sign(kind, 5)
    assert train_when_due(kind) is None
    assert pipeline.open_due_runs(trigger=TrainingTrigger.SCHEDULE) == []


def expired(**values):
    past = timezone.now() - timedelta(seconds=1)
    return TrainingRunFactory.create(state=TrainingState.RUNNING, lease_expires_at=past, **values)


def test_the_work_of_a_dead_worker_is_signaled_again_in_the_same_pass():
    run = expired(attempts=1)
    alive = TrainingRunFactory.create(
        state=TrainingState.RUNNING, lease_expires_at=timezone.now() + timedelta(minutes=1)
    )
    assert pipeline.reap() == [str(run.pk)]
    run.refresh_from_db()
    alive.refresh_from_db()
    assert (run.state, alive.state) == (TrainingState.PENDING, TrainingState.RUNNING)


def test_a_cancelled_run_of_a_dead_worker_is_not_begun_again():
    run = expired(attempts=1, cancel_requested_at=timezone.now())
    assert pipeline.reap() == []
    run.refresh_from_db()
    assert run.state == TrainingState.CANCELLED


def test_after_too_many_attempts_a_run_is_given_up_and_says_so(settings):
    run = expired(attempts=settings.TRAINING_MAX_ATTEMPTS)
    assert pipeline.reap() == []
    run.refresh_from_db()
    assert (run.state, run.failure_code) == (TrainingState.FAILED, "worker_lost")
