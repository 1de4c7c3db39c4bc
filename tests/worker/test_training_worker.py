"""A real worker trains in a process of its own: killed it resumes, cancelled it ends, it answers nobody."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from accounts.models import Role
from mlcore.engine.artifacts import load_artifact
from mlcore.models import GateReport, ServingProcess, TrainingKind, TrainingRun, TrainingState
from mlcore.pipeline import folder_of
from mlcore.selectors import active_version
from mlcore.services.promotion import promote
from mlcore.services.registry import register_artifact
from mlcore.services.training import cancel_training, request_training
from mlcore.serving import local_copy
from tests.conftest import kill_worker, stop_worker, wait_for_worker, worker_environment
from tests.factories import ExaminationTypeFactory, UserFactory
from tests.mlcore.signed_images import sign_images, write_toy_artifact

pytestmark = [pytest.mark.worker, pytest.mark.slow]

NICE = 3
"""Little, so that a busy machine gets on with it all the same."""


@pytest.fixture
def steward(transactional_db, lifted_audit_triggers):
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def toy(steward):
    """Return an examination type with sixty signed images."""
    examination_type = ExaminationTypeFactory.create(code="toy", name="Toy", trains_after=0)
    sign_images(examination_type, 60, seed=1)
    return examination_type


@pytest.fixture
def trainers():
    """Return a function that starts a worker for trainings alone; what is left of them ends with the test."""
    started = []

    def start():
        environment = {
            **worker_environment(),
            "MEDIMAGING_SERVES_MODELS": "0",
            "MEDIMAGING_TRAINING_LEASE_SECONDS": "3",
            "MEDIMAGING_TRAINING_NICE": str(NICE),
            "TF_NUM_INTRAOP_THREADS": "1",
        }
        command = [
            *(sys.executable, "-m", "celery", "--app", "medimaging", "worker", "--beat"),
            *("--concurrency", "1", "--max-tasks-per-child", "1", "--queues", "training,default"),
            *("--loglevel", "WARNING", "--without-mingle", "--without-gossip"),
            *("--schedule", str(settings.VAR_DIR / f"beat-{time.monotonic_ns()}")),
        ]
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            kill_worker(process)


def wait_until(condition, *, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def state_of(run):
    return TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)


def mark(checkpoint):
    """Leave a mark in a checkpoint, so that what comes of it can be told from a run that began anew."""
    with np.load(checkpoint, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    facts = json.loads(arrays["facts"].tobytes())
    facts["history"][0]["marked"] = 1.0
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    with checkpoint.open("wb") as file:
        np.savez(file, **arrays)
    return facts["epoch"]


def nice_of_session(pid):
    """Return by how much the session steps back, or None where the system has no such thing."""
    group = Path(f"/proc/{pid}/autogroup")
    return int(group.read_text().rpartition(" ")[2]) if group.exists() else None


def test_a_training_killed_in_the_middle_resumes_from_its_checkpoint_and_ends(toy, steward, trainers):
    run = request_training(
        toy, by=steward, kind=TrainingKind.FULL, architecture="tiny_cnn", epochs=12, seed=5
    )
    checkpoint = folder_of(run) / "checkpoint.npz"
    first = trainers()
    wait_until(checkpoint.exists)
    first_worker = TrainingRun.objects.get(pk=run.pk).worker
    pid = int(first_worker.rpartition(":")[2])
    assert os.getpriority(os.PRIO_PROCESS, pid) == NICE
    assert nice_of_session(pid) in {None, NICE // 3}
    kill_worker(first)
    assert state_of(run) == TrainingState.RUNNING, "killed too late to prove anything"
    assert 1 <= mark(checkpoint) < 12
    second = trainers()
    wait_until(lambda: state_of(run) not in {TrainingState.PENDING, TrainingState.RUNNING})
    stop_worker(second)
    run.refresh_from_db()
    assert (run.state, run.attempts, run.failure_message) == (TrainingState.SUCCEEDED, 2, "")
    artifact = load_artifact(local_copy(run.candidate), expected_sha256=run.candidate.artifact_sha256)
    assert artifact.settings["history"][0]["marked"] == 1.0
    assert [entry["epoch"] for entry in artifact.settings["history"]] == list(range(13))
    assert GateReport.objects.filter(candidate=run.candidate).count() == 1
    wait_until(lambda: not folder_of(run).exists(), seconds=30)  # the row is written first
    trained_by = {first_worker, run.worker}
    assert not ServingProcess.objects.filter(name__in=trained_by).exists(), "a trainer loaded models"


def test_a_running_training_shows_progress_and_is_cancelled_within_seconds(toy, steward, trainers):
    run = request_training(toy, by=steward, kind=TrainingKind.FULL, architecture="tiny_cnn", epochs=500)
    trainers()
    wait_until(lambda: TrainingRun.objects.get(pk=run.pk).progress.get("epoch", 0) >= 1)
    progress = TrainingRun.objects.get(pk=run.pk).progress
    assert progress["epochs"] == 500
    assert progress["loss"] > 0
    assert progress["seconds_left"] > 0
    cancel_training(run, by=steward, reason="Wrong network.")
    asked = time.monotonic()
    wait_until(lambda: state_of(run) == TrainingState.CANCELLED, seconds=30)
    assert time.monotonic() - asked < 15
    wait_until(lambda: not folder_of(run).exists(), seconds=30)  # the row is written first


def test_a_promotion_reaches_a_running_worker_without_a_restart(
    toy, steward, worker_process, trainers, tmp_path, administrator
):
    first = register_artifact(write_toy_artifact(tmp_path), by=None, activate=True)
    sign_images(toy, 200, seed=2)
    wait_for_worker(worker_process, version=first)
    run = request_training(toy, by=steward)
    trainers()
    wait_until(lambda: state_of(run) not in {TrainingState.PENDING, TrainingState.RUNNING})
    run.refresh_from_db()
    assert run.state == TrainingState.SUCCEEDED, run.failure_message
    promote(run.candidate, by=administrator, reason="Passed.")
    wait_for_worker(worker_process, version=run.candidate)
    assert active_version(toy) == run.candidate
    assert worker_process.poll() is None
