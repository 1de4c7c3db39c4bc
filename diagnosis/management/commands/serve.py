"""Run the web server and the Celery workers together, and start again whichever dies."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from medimaging.environment import read_int
from mlcore.selectors import live_processes

STOP_SECONDS = 15
RESTART_PAUSE_SECONDS = 1.0


@dataclass
class Part:
    """One process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    started: float = field(default=0.0)

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches it through us alone."""
        self.process = subprocess.Popen(
            self.command, env={**os.environ, **self.environment}, start_new_session=True
        )
        self.started = time.monotonic()

    @property
    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        """Ask the process to end, and end it when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Command(BaseCommand):
    """Serve the site on this machine, embedded default and all."""

    help = "Start the web server and the workers, wait until the model is loaded, and print the address."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address and the number of processes."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=read_int("MEDIMAGING_PORT", 8000, minimum=1))
        parser.add_argument("--web-processes", type=int, default=2)
        parser.add_argument("--worker-processes", type=int, default=1)
        parser.add_argument("--wait-seconds", type=int, default=180)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until interrupted."""
        _require_free_port(options["host"], options["port"])
        parts = [_worker(options["worker_processes"]), _trainer(), _web(options)]
        if settings.DIMSE_PORT:
            parts.append(_dicom_listener())
        stopping = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        try:
            for part in parts:
                part.start()
            self._announce(options, parts, stopping)
            self._keep_running(parts, stopping)
        finally:
            self.stdout.write("Stopping ...")
            for part in reversed(parts):
                part.stop()
            self.stdout.write("Stopped.")

    def _announce(self, options: dict[str, Any], parts: list[Part], stopping: threading.Event) -> None:
        """Print the address once the web server answers and a worker holds the model."""
        begun = timezone.now()
        deadline = time.monotonic() + options["wait_seconds"]
        while not stopping.is_set():
            ready = any(process.started_at > begun and process.models_loaded for process in live_processes())
            if ready and _answers(options["host"], options["port"]):
                break
            if any(part.is_dead for part in parts) or time.monotonic() > deadline:
                raise CommandError("The site did not start; the lines above say why.")
            stopping.wait(0.2)
        else:
            return
        address = f"http://{options['host']}:{options['port']}/"
        self.stdout.write(f"\n  medimaging is ready: {address}\n  Ctrl-C stops it.\n")

    def _keep_running(self, parts: list[Part], stopping: threading.Event) -> None:
        while not stopping.wait(0.5):
            for part in parts:
                if part.is_dead and time.monotonic() - part.started > RESTART_PAUSE_SECONDS:
                    self.stderr.write(f"The {part.name} ended and is started again.")
                    part.start()


def _worker(processes: int) -> Part:
    return Part(
        "worker",
        [
            *(sys.executable, "-m", "celery", "--quiet", "--app", "medimaging", "worker", "--beat"),
            *("--concurrency", str(processes), "--queues", "analysis,default"),
            *("--loglevel", "WARNING", "--without-mingle", "--without-gossip"),
        ],
    )


def _trainer() -> Part:
    """A worker that trains and does nothing else: one run at a time, in a process that ends with it.

    It answers nobody, loads no model when it starts, and leaves processor time to those who answer.
    """
    threads = str(settings.TRAINING_THREADS)
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return Part(
        "training worker",
        [
            *(sys.executable, "-m", "celery", "--quiet", "--app", "medimaging", "worker"),
            *("--concurrency", "1", "--max-tasks-per-child", "1", "--queues", "training"),
            *("--hostname", "training@%h", "--loglevel", "WARNING", "--without-mingle", "--without-gossip"),
        ],
        environment={"MEDIMAGING_SERVES_MODELS": "0", **dict.fromkeys(limits, threads)},
    )


def _dicom_listener() -> Part:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "dicom_listener"]
    return Part("DICOM listener", command)


def _web(options: dict[str, Any]) -> Part:
    return Part(
        "web server",
        [
            *(sys.executable, "-m", "gunicorn", "--config", "python:medimaging.gunicorn"),
            "medimaging.wsgi:application",
            *("--bind", f"{options['host']}:{options['port']}"),
            *("--workers", str(options["web_processes"])),
        ],
    )


def _require_free_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken. Stop what runs there, or choose another one: "
                "MEDIMAGING_PORT=8001 make run"
            ) from error


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
