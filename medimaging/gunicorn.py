"""How gunicorn runs the site: gunicorn --config python:medimaging.gunicorn medimaging.wsgi:application"""

import gc
import os
import shutil
import tempfile
from typing import Any

worker_class = "gthread"
threads = 8
timeout = 120
loglevel = "warning"
preload_app = True
# Each process counts into a file of its own; whichever answers adds them up. One server, one folder.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="medimaging-metrics-"))


def on_starting(_server: Any) -> None:
    """Make ready what the first requests need, once for all processes: no reader waits for it.

    What is made here lives as long as the server, so the garbage collector need not
    walk it again and again, and the processes share its memory.
    """
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import default_storage
    from django.urls import get_resolver
    from PIL import Image

    from medimaging.celery import app
    from medimaging.common.templates import compile_templates

    _ = get_resolver().url_patterns
    compile_templates()
    app.finalize()
    _ = app.amqp.producer_pool, app.events.Dispatcher
    # Each imports what it stands for when it is first used.
    _ = staticfiles_storage.url, default_storage.open
    Image.preinit()
    gc.freeze()


def child_exit(_server: Any, worker: Any) -> None:
    """Take the gauges of a process that ended out of the sums."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Remove what the processes have counted."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
