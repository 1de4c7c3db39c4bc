"""How the installation does."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from diagnosis.models import Analysis, AnalysisState
from diagnosis.selectors.health import health
from mlcore.models import ModelState, ModelVersion, ServingProcess
from tests.factories import AnalysisFactory, InstanceFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    cache.delete("health.stored_bytes")


def serve(version: ModelVersion, *, name: str = "worker:1", age: timedelta = timedelta(0)) -> None:
    ServingProcess.objects.create(
        name=name,
        started_at=timezone.now() - age,
        seen_at=timezone.now() - age,
        models_loaded={version.examination_type.code: str(version.pk)},
    )


def test_an_installation_with_a_model_and_a_worker_has_no_problem() -> None:
    serve(ModelVersionFactory.create())
    assert health().problems == ()


def test_the_queue_is_counted_and_its_oldest_is_known() -> None:
    old = timezone.now() - timedelta(minutes=10)
    AnalysisFactory.create(requested_at=old)
    AnalysisFactory.create()
    now = timezone.now()
    AnalysisFactory.create(state=AnalysisState.RUNNING, lease_expires_at=now)
    AnalysisFactory.create(state=AnalysisState.FAILED, failure_code="worker_lost")
    found = health()
    assert (found.pending, found.running, found.failed) == (2, 1, 1)
    assert found.oldest_pending_at == old
    assert any("wait for more than two minutes" in problem for problem in found.problems)


def test_a_process_that_was_not_seen_for_a_while_is_dead() -> None:
    version = ModelVersionFactory.create()
    serve(version, age=timedelta(minutes=5))
    found = health()
    assert found.workers == ()
    assert found.active_models[0].processes == 0
    assert found.problems[0].startswith("No worker process is alive")


def test_an_active_model_that_nobody_has_loaded_is_a_problem() -> None:
    serve(ModelVersionFactory.create(state=ModelState.RETIRED))
    active = ModelVersionFactory.create(name="chest")
    (problem,) = health().problems
    assert str(active) in problem


def test_the_size_of_what_is_stored_and_the_room_left_are_told() -> None:
    InstanceFactory.create_batch(3, byte_count=1000)
    found = health()
    assert found.stored_bytes == 3000
    assert 0 < found.disk_free_bytes <= found.disk_total_bytes


def test_the_cost_does_not_grow_with_the_number_of_workers_and_models(
    django_assert_num_queries: object,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    serve(ModelVersionFactory.create())
    with CaptureQueriesContext(connection) as few:
        health()
    for number in range(5):
        serve(ModelVersionFactory.create(), name=f"worker:{number + 2}")
    with CaptureQueriesContext(connection) as many:
        assert len(health().workers) == 6
    assert len(many) == len(few) - 1  # the stored bytes are remembered


def test_a_final_analysis_is_not_waited_for() -> None:
    AnalysisFactory.create(state=AnalysisState.SUCCEEDED)
    assert health().pending == 0
    assert Analysis.objects.count() == 1
