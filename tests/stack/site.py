"""The site on given servers: web processes, workers by queue, and what a client needs to begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.stack.processes import Process, free_ports

PATIENCE_SECONDS = 900
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Site:
    """An installation that is told where its servers are by environment variables alone."""

    folder: Path
    servers: Mapping[str, str]
    webs: list[Process] = field(default_factory=list)
    workers: dict[str, Process] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return what every process of the site is told."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MEDIMAGING_") or name == "MEDIMAGING_DATA"
        }
        return {
            **inherited,
            "MEDIMAGING_VAR": str(self.folder),
            "MEDIMAGING_SECRET_KEY": "a secret key of the tests, " * 3,
            "MEDIMAGING_IDENTITY_KEY": "an identity key of the tests, " * 3,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **self.servers,
        }

    def manage(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run one of the site's commands and return what it printed."""
        done = self.try_manage(*arguments, environment=environment)
        if done.returncode:
            raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def try_manage(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the site's commands, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def prepare(self) -> dict[str, str]:
        """Make the database, the first users and their tokens; return secrets and ids by name."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.stack.prepare"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the site could not be prepared: {done.stderr}")
        made: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return made

    def add_web(self, *, processes: int = 1) -> Process:
        """Add one web server on a port of its own."""
        (port,) = free_ports(1)
        address = f"http://127.0.0.1:{port}"
        command = [
            *(sys.executable, "-m", "gunicorn", "--config", "python:medimaging.gunicorn"),
            "medimaging.wsgi:application",
            *("--bind", f"127.0.0.1:{port}", "--workers", str(processes)),
        ]
        process = self._process(f"web-{port}", command, lambda: _answers(address))
        self.webs.append(process)
        self.addresses.append(address)
        return process

    def add_worker(self, *queues: str, beat: bool = False, serves: bool = True) -> Process:
        """Add one worker on the named queues."""
        name = "-".join(queues)
        command = [
            *(sys.executable, "-m", "celery", "--quiet", "--app", "medimaging", "worker"),
            *("--concurrency", "1", "--queues", ",".join(queues), "--hostname", f"{name}@%h"),
            *("--loglevel", "WARNING", "--without-mingle", "--without-gossip"),
            *(("--beat", "--schedule", str(self.folder / f"{name}.beat")) if beat else ()),
        ]
        environment = {} if serves else {"MEDIMAGING_SERVES_MODELS": "0"}
        process = self._process(name, command, lambda: True, environment)
        self.workers[name] = process
        return process

    def _process(
        self,
        name: str,
        command: list[str],
        is_ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> Process:
        told = {**self.environment, **(environment or {})}
        return Process(name, command, self.folder / f"{name}.log", is_ready, told, folder=ROOT)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/live", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
