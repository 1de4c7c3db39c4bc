"""Time of one analysis and of its steps; the network by every float32 route that is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from model_common import DATA, MODEL, predictor, publish, shipped
from side_by_side import SHARED, Run, ratio, runs_in_turn, side_by_side, spread

from mlcore.engine import artifacts
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.preprocess import network_input, stored_picture
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.inference.retrieval import EmbeddingIndex
from mlcore.engine.types import DecodedImage

SERVED = "LiteRT, as served"
ROUNDS = 60
REPEATS = 5
START = """
import time; t = time.perf_counter()
from pathlib import Path; from mlcore.engine import artifacts
artifacts.load_predictor(Path({path!r}), expected_sha256={sha!r})
seconds = time.perf_counter() - t
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(seconds, int(status["VmHWM"].split()[0]) / 1024)
"""
"""The peak is read from /proc: what getrusage(2) tells a child begins at what its parent once held."""


def main() -> None:
    """Measure and publish."""
    model = predictor()
    files = sorted((DATA / "upload_samples_fullres").rglob("*.jpeg"))
    contents = [path.read_bytes() for path in files]
    images = [decode_image(content) for content in contents]
    stored = [stored_picture(image.pixels, how=model.preprocessing) for image in images]
    inputs = [network_input(picture, how=model.preprocessing) for picture in stored]
    index = full_index(model.projection.size)
    outputs = model.network.run(inputs[0])
    attribution, condition = model.attribution, model.facts.classes[0]
    assert attribution is not None

    def whole(number: int) -> object:
        answer = model.predict(decode_image(contents[number % len(files)]))
        return index.search(answer.embedding, k=5, exclude_group="0")

    steps: dict[str, Run] = {
        "decode": lambda i: decode_image(contents[i % len(files)]),
        "squash": lambda i: stored_picture(images[i % len(files)].pixels, how=model.preprocessing),
        "network": lambda i: model.network.run(inputs[i % len(files)]),
        "map, with a pass of its own": lambda i: attribution.of(inputs[i % len(files)], condition=condition),
        "five similar of 100,000": lambda i: index.search(outputs["embedding"][: index.size], k=5),
        "one analysis, all of it with quality and refusal": whole,
    }
    times = side_by_side(steps, rounds=ROUNDS)
    note = f"Milliseconds over {ROUNDS} runs, {len(files)} radiographs at full resolution. {SHARED}"
    header = ("step", "fastest", "p50", "p95")
    publish("Time of one analysis", header, [(n, *spread(t)) for n, t in times.items()], note=note)
    publish_routes(inputs)
    publish_facts(images)


def publish_routes(inputs: list[np.ndarray]) -> None:
    """The network by every route that is installed, side by side, with how far the answers differ."""
    with tempfile.TemporaryDirectory() as folder:
        routes = all_routes(inputs, Path(folder))
        found = runs_in_turn({n: route.run for n, route in routes.items()}, rounds=ROUNDS, repeats=REPEATS)
        going = {name: times[:, 1:].ravel().tolist() for name, times in found.items()}
        paused = {name: times[:, 0].tolist() for name, times in found.items()}
        served = [routes[SERVED].logit(number) for number in range(len(inputs))]
        rows = []
        for name, times in going.items():
            logits = [routes[name].logit(number) for number in range(len(inputs))]
            apart = max(abs(a - b) for a, b in zip(served, logits, strict=True))
            late = f"{np.median(paused[name]):.2f}", ratio(paused[name], paused)
            rows.append((name, *spread(times)[:2], ratio(times, going), *late, f"{apart:.1e}"))
    factor = "times the fastest route"
    header = ("route, float32", "fastest", "p50", factor, "p50 after a pause", factor, "logits apart")
    note = (
        f"{SHARED} Milliseconds of {REPEATS - 1} runs in a row, {ROUNDS} times, and of the one before "
        "them, which comes after a pause: the system then sometimes wakes a second thread on the processor "
        "of the first, unless a library binds its threads to processors, from which several workers of one "
        "machine would suffer. Factors are by the fastest run / by the median. The last column is the "
        f"largest difference of a logit from what is served, over {len(inputs)} radiographs."
    )
    publish("The network by route", header, rows, note=note)


def publish_facts(images: list[DecodedImage]) -> None:
    """Throughput of many images at once, and what it takes to start."""
    began = time.perf_counter()
    predictor().predict_batch(images)
    pace = len(images) / (time.perf_counter() - began)
    seconds, megabytes = _start()
    facts = [
        ("predictions a second, many at once, full resolution", f"{pace:.0f}"),
        ("load, in a fresh process", f"{seconds:.2f} s"),
        ("memory of that process", f"{megabytes:.0f} MB"),
    ]
    publish("Throughput and start", ("figure", "value"), facts, note=SHARED)


def full_index(size: int) -> EmbeddingIndex:
    """100,000 vectors of chance."""
    vectors = np.random.default_rng(0).normal(size=(100_000, size)).astype(np.float32)
    index = EmbeddingIndex(size)
    index.extend((str(row), str(row // 2), vector) for row, vector in enumerate(vectors))
    return index


@dataclass(frozen=True)
class Route:
    """One way to run the network on the numbered input."""

    run: Run
    read: Callable[[Any], float]
    """The first logit of what `run` returns."""

    def logit(self, number: int) -> float:
        """The first logit for the numbered input."""
        return self.read(self.run(number))


def all_routes(inputs: list[np.ndarray], folder: Path) -> dict[str, Route]:
    """What is served, the same graph through TensorFlow, and through what else is installed."""
    import tensorflow as tf

    graph = keras_model_from(shipped())
    graph(inputs[0][None])  # Keras exports no model that was never called
    traced = tf.function(
        lambda x: graph(x, training=False), input_signature=[tf.TensorSpec((1, *inputs[0].shape))]
    )
    count = len(inputs)
    found = {
        SERVED: Route(lambda i: predictor().network.run(inputs[i % count]), lambda o: float(o["logits"][0])),
        "TensorFlow, traced function": Route(
            lambda i: traced(inputs[i % count][None]), lambda o: float(o["logits"][0, 0])
        ),
    }
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("tf2onnx"):
        found["ONNX Runtime"] = _onnx(graph, inputs, folder / "network.onnx")
    if importlib.util.find_spec("openvino"):
        found["OpenVINO, hint f32"] = _openvino(graph, inputs, folder / "saved")
    return found


def _onnx(graph: Any, inputs: list[np.ndarray], path: Path) -> Route:
    import onnxruntime

    graph.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    name, outputs = session.get_inputs()[0].name, [o.name for o in session.get_outputs()]
    at = next(n for n, o in enumerate(session.get_outputs()) if o.shape[1:] == [1])
    print("ONNX outputs", outputs)
    return Route(
        lambda i: session.run(None, {name: inputs[i % len(inputs)][None]}), lambda o: float(o[at][0, 0])
    )


def _openvino(graph: Any, inputs: list[np.ndarray], path: Path) -> Route:
    import openvino

    graph.export(path, verbose=False)
    network = openvino.Core().compile_model(
        openvino.convert_model(path, input=[1, *inputs[0].shape]),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"},
    )
    at = next(n for n, o in enumerate(network.outputs) if list(o.shape)[1:] == [1])
    return Route(lambda i: network(inputs[i % len(inputs)][None]), lambda o: float(o[at][0, 0]))


def _start() -> tuple[float, float]:
    code = START.format(path=str(MODEL), sha=artifacts.file_sha256(MODEL))
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


if __name__ == "__main__":
    main()
