"""Ends a worker that has lost a part of itself, so that whoever supervises it starts a whole one.

A child that is killed while it waits for work holds the lock of the queue between
parent and children, where the transport has no event loop (the file-based one):
its successor waits for that lock for ever, and the worker looks alive. A clock that
runs inside of a worker (`--beat`) is not started again by anybody. And a child whose
parent was killed goes on saying that it serves, though nobody gives it work.
"""

import os
import signal
import threading
from collections.abc import Iterable
from typing import Any

import structlog
from celery import bootsteps

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
LOST = 70
"""Exit code of a worker that ended itself."""


class Watchdog(bootsteps.StartStopStep):
    """A thread of the worker's main process that looks after its children."""

    requires = ("celery.worker.components:Pool", "celery.worker.components:Beat")

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stopped = threading.Event()
        self._known: dict[int, Any] = {}

    def start(self, worker: Any) -> None:
        """Begin to look."""
        threading.Thread(target=self._watch, args=(worker,), name="watchdog", daemon=True).start()

    def stop(self, worker: Any) -> None:
        """Look no more: from here on children end because they were asked to."""
        del worker
        self._stopped.set()

    def _watch(self, worker: Any) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            children = children_of(worker)
            self._known |= {child.pid: child for child in children if child.pid}
            lost = self.lost(worker)
            if lost and not self._stopped.is_set():
                log.error("worker_lost_a_part", part=lost)
                end_with(child.pid for child in children)

    def lost(self, worker: Any) -> str:
        """Name the part that was killed and that nobody will replace, if any."""
        clock = getattr(worker, "beat", None)
        if clock is not None and clock.pid and not clock.is_alive():
            return "clock"
        if worker.use_eventloop:  # each child has a pipe of its own, and a successor gets a new one
            return ""
        killed = [child for child in self._known.values() if (child.exitcode or 0) < 0]
        return "child" if killed else ""


def children_of(worker: Any) -> list[Any]:
    """Return the worker's children: those that carry out tasks, and the clock."""
    pool = getattr(getattr(worker, "pool", None), "_pool", None)
    clock = getattr(worker, "beat", None)
    return [*getattr(pool, "_pool", ()), *([clock] if clock is not None else [])]


def end_with(children: Iterable[int | None]) -> None:
    """End this process at once, and its children before it; their work is taken back by the reaper."""
    for pid in children:
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    os._exit(LOST)


def follow_parent() -> None:
    """Let this process end when its parent is gone."""
    parent = os.getppid()

    def look() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(LOOK_SECONDS)
        os._exit(LOST)

    threading.Thread(target=look, name="follow-parent", daemon=True).start()
