"""A worker that has lost a part of itself ends, so that a whole one is started."""

import os
import signal
import time

import psutil
import pytest

from medimaging.common.watchdog import LOST
from mlcore.models import ServingProcess
from tests.conftest import WORKER_START_SECONDS, kill_worker, start_worker

pytestmark = [pytest.mark.worker, pytest.mark.slow]


@pytest.fixture
def running(transactional_db, lifted_audit_triggers):
    """Return a worker of the test's own, and its children: the one that answers and the clock."""
    from diagnosis.services.installation import install_shipped

    (version,) = install_shipped()
    process = start_worker()
    wait_for_children(process, version=version)
    yield process, psutil.Process(process.pid).children()
    if process.poll() is None:
        kill_worker(process)


def wait_for_children(process, *, version):
    """Wait until a child of this very worker serves; another worker of the session may serve already."""
    deadline = time.monotonic() + WORKER_START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the worker ended"
        pids = {child.pid for child in psutil.Process(process.pid).children()}
        alive = ServingProcess.objects.values_list("name", "models_loaded")
        serving = {int(name.rpartition(":")[2]) for name, held in alive if str(version.pk) in held.values()}
        if len(pids) == 2 and pids & serving:
            return
        time.sleep(0.1)
    pytest.fail("the worker did not load the model in time")


@pytest.mark.parametrize("part", [0, 1])
def test_a_killed_child_ends_the_worker_that_could_not_replace_it(running, part):
    process, children = running
    assert len(children) == 2
    time.sleep(2)  # it is looked for once a second, and what was never seen is not missed
    os.kill(children[part].pid, signal.SIGKILL)
    assert process.wait(60) == LOST
    assert not psutil.wait_procs(children, timeout=60)[1]


def test_children_do_not_outlive_a_parent_that_was_killed(running):
    process, children = running
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    assert not psutil.wait_procs(children, timeout=60)[1]
