"""Processes that are started, killed in the middle, and started again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 600
"""A busy machine starts a web server in minutes."""


class DidNotStart(Exception):
    """A process ended, or was not ready in time."""


@dataclass
class Process:
    """One program with all that it starts, in a session of its own."""

    name: str
    command: list[str]
    log: Path
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    folder: Path | None = None
    running: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and leave the waiting to `wait`."""
        groups = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
                **groups,
            )

    def wait(self, *, seconds: float = START_SECONDS) -> None:
        """Return once it is ready; one that ended meanwhile is started again, as an init system does."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise DidNotStart(f"{self.name} was not ready in time: {self.tail()}")
            if self.running is None or self.running.poll() is not None:
                time.sleep(0.3)
                self.launch()
            time.sleep(0.05)

    def start(self) -> None:
        """Start it and return once it is ready."""
        self.launch()
        self.wait()

    def kill(self) -> None:
        """End it and its children in the middle of whatever they do."""
        if self.running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait(30)

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


_given: set[int] = set()


def free_ports(count: int, *, below: int = 55_535) -> list[int]:
    """Return ports that nobody listens on or was given; SeaweedFS adds 10,000 to each for its own use."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, below - 10_000)
        if port not in _given and not listens(port) and not listens(port + 10_000):
            _given.add(port)
            found.append(port)
    return found


def listens(port: int) -> bool:
    """Tell whether something takes connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
