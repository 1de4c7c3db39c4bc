"""Runs a compiled network: LiteRT in float32, the fastest route of the TensorFlow family on a CPU.

One image at a time, so that an answer never depends on what else was asked.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol

import numpy as np

from mlcore.engine.types import FloatArray

MAX_THREADS = 4
ANSWER, ATTRIBUTE = "answer", "attribute"
"""What a compiled network does: the first always, the second where its architecture can."""


def limit_threads(count: int) -> None:
    """Let networks that are loaded from now on in this process run on `count` threads at most."""
    global MAX_THREADS
    MAX_THREADS = count


class RunnableNetwork(Protocol):
    """What answers for one input (size, size, 1), with named outputs that have no batch axis."""

    def run(self, image: FloatArray) -> dict[str, FloatArray]: ...

    def run_each(self, images: FloatArray) -> dict[str, FloatArray]: ...


class CompiledNetwork:
    """A network that maps (size, size, 1) inputs to named outputs."""

    def __init__(self, content: bytes, *, threads: int | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        count = threads or min(MAX_THREADS, os.cpu_count() or 1)
        self._interpreter = Interpreter(model_content=content, num_threads=count)
        known = self._interpreter.get_signature_list()
        # A network that was compiled before there was a choice has one signature, by another name.
        self._runner = self._interpreter.get_signature_runner(ANSWER if ANSWER in known else None)
        self._attributing = self._interpreter.get_signature_runner(ATTRIBUTE) if ATTRIBUTE in known else None
        self._lock = threading.Lock()
        (self._input,) = self._runner.get_input_details()
        self.input_shape = tuple(int(n) for n in self._runner.get_input_details()[self._input]["shape"][1:])

    def run(self, image: FloatArray) -> dict[str, FloatArray]:
        """Outputs by name, without the batch axis."""
        with self._lock:
            outputs = self._runner(**{self._input: np.ascontiguousarray(image[None], np.float32)})
        return {name: np.array(value[0], np.float32) for name, value in outputs.items()}

    @property
    def attributes(self) -> bool:
        """Whether `attribute` can be asked."""
        return self._attributing is not None

    def attribute(self, image: FloatArray, direction: FloatArray) -> list[FloatArray]:
        """What each place adds to the score, (h, w) for each attributed layer.

        `direction` is (features,): what the score is made of the embedding with.
        """
        if self._attributing is None:
            raise RuntimeError("this network was compiled without attribution")
        inputs = {self._input: image[None], "direction": direction[None]}
        with self._lock:
            found = self._attributing(**{k: np.ascontiguousarray(v, np.float32) for k, v in inputs.items()})
        return [np.array(found[name][0], np.float32) for name in sorted(found)]

    def run_each(self, images: FloatArray) -> dict[str, FloatArray]:
        """Outputs by name for (n, size, size, 1), one image after the other."""
        rows = [self.run(image) for image in images]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
