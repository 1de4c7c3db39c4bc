"""What can be killed, and how: always with SIGKILL, always without asking."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.stack.processes import Process

Victims = dict[str, Callable[[random.Random], None]]


class Supervisor:
    """Starts again whatever died, as an init system does."""

    def __init__(self, processes: list[Process]) -> None:
        self.processes = processes
        self.restarts = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, then end every process."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self.processes:
            process.kill()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            for process in self.processes:
                if process.running is not None and process.running.poll() is not None:
                    self.restarts += 1
                    process.launch()


def kill_tree(process: Process, draw: random.Random) -> None:
    """Kill a process and every child, in the middle of whatever they do."""
    del draw
    for one in _family(process):
        _kill(one)


def kill_child(process: Process, draw: random.Random) -> None:
    """Kill one child, and leave its parent to find out."""
    children = _family(process)[1:]
    if children:
        _kill(draw.choice(children))


def kill_parent(process: Process, draw: random.Random) -> None:
    """Kill the first process alone, and leave its children without anybody."""
    del draw
    for one in _family(process)[:1]:
        _kill(one)


def lose_messages(folder: Path) -> None:
    """Empty the file-based broker: the loss of a broker that keeps nothing."""
    for message in folder.glob("*.msg"):
        message.unlink(missing_ok=True)


def _family(process: Process) -> list[psutil.Process]:
    if process.running is None:
        return []
    try:
        parent = psutil.Process(process.running.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(one: psutil.Process) -> None:
    try:
        one.kill()
    except psutil.NoSuchProcess:
        return
