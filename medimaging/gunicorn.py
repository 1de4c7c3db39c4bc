"""How gunicorn runs the site: gunicorn --config python:medimaging.gunicorn medimaging.wsgi:application"""

import os
import shutil
import tempfile
from typing import Any

worker_class = "gthread"
threads = 8
timeout = 120
loglevel = "warning"
# Each process counts into a file of its own; whichever answers adds them up. One server, one folder.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="medimaging-metrics-"))


def post_worker_init(_worker: Any) -> None:
    """Import the pages at the start, so that no reader waits for it at the first request."""
    from django.urls import get_resolver

    _ = get_resolver().url_patterns


def child_exit(_server: Any, worker: Any) -> None:
    """Take the gauges of a process that ended out of the sums."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Remove what the processes have counted."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
