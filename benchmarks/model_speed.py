"""Time of one analysis and of its steps; the network by every float32 route that is installed."""

from __future__ import annotations

import importlib.util
import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from model_common import DATA, MODEL, decoded, predictor, publish, shipped
from PIL import Image

from mlcore.engine import artifacts
from mlcore.engine.imaging.preprocess import network_input, stored_picture
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.inference.retrieval import EmbeddingIndex

ROUNDS = 60
START = """
import time, resource; t = time.perf_counter()
from pathlib import Path; from mlcore.engine import artifacts
artifacts.load_predictor(Path({path!r}), expected_sha256={sha!r})
print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    """Measure and publish."""
    model = predictor()
    files = sorted((DATA / "upload_samples_fullres").rglob("*.jpeg"))
    contents = [path.read_bytes() for path in files]
    images = [decoded(np.asarray(Image.open(io.BytesIO(data)).convert("L"))) for data in contents]
    stored = [stored_picture(image.pixels, how=model.preprocessing) for image in images]
    inputs = [network_input(picture, how=model.preprocessing) for picture in stored]
    steps = {
        "decode JPEG (Pillow)": _cycle(
            lambda i: np.asarray(Image.open(io.BytesIO(contents[i])).convert("L"))
        ),
        "squash": _cycle(lambda i: stored_picture(images[i].pixels, how=model.preprocessing)),
        "network (LiteRT)": _cycle(lambda i: model.network.run(inputs[i])),
        "whole prediction": _cycle(lambda i: model.predict(images[i])),
        "five similar of 100,000": _search(model.projection.size),
    }
    note = f"Milliseconds over {ROUNDS} runs at full resolution ({len(files)} radiographs)."
    publish(
        "Time of one analysis",
        ("step", "p50", "p95"),
        [(n, *_spread(t)) for n, t in steps.items()],
        note=note,
    )
    routes = {"LiteRT": steps["network (LiteRT)"], **_routes(inputs)}
    best = min(np.median(times) for times in routes.values())
    rows = [(n, *_spread(t), f"{np.median(t) / best:.2f}") for n, t in routes.items()]
    publish("The network by route", ("route, float32", "p50", "p95", "times the fastest"), rows)
    began = time.perf_counter()
    model.predict_batch(images)
    pace = len(images) / (time.perf_counter() - began)
    seconds, megabytes = _start()
    facts = [
        ("predictions a second, full resolution", f"{pace:.0f}"),
        ("load, in a fresh process", f"{seconds:.2f} s"),
    ]
    facts.append(("memory of that process", f"{megabytes:.0f} MB"))
    publish("Throughput and start", ("figure", "value"), facts)
    print("peak memory here", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MB")


def _cycle(run: Callable[[int], object]) -> list[float]:
    times = []
    for round_ in range(ROUNDS + 5):
        began = time.perf_counter()
        run(round_ % 30)
        times.append(1000 * (time.perf_counter() - began))
    return times[5:]


def _spread(times: list[float]) -> tuple[str, str]:
    return f"{np.median(times):.2f}", f"{np.quantile(times, 0.95):.2f}"


def _search(size: int) -> list[float]:
    vectors = np.random.default_rng(0).normal(size=(100_000, size)).astype(np.float32)
    index = EmbeddingIndex(size)
    for number, vector in enumerate(vectors):
        index.add(str(number), str(number // 2), vector)
    return _cycle(lambda i: index.search(vectors[i], k=5, exclude_key=str(i), exclude_group=str(i // 2)))


def _routes(inputs: list[np.ndarray]) -> dict[str, list[float]]:
    """The same graph through TensorFlow and through what else is installed."""
    import tensorflow as tf

    graph = keras_model_from(shipped())
    traced = tf.function(
        lambda x: graph(x, training=False), input_signature=[tf.TensorSpec((1, *inputs[0].shape))]
    )
    found = {"TensorFlow, traced function": _cycle(lambda i: traced(inputs[i][None]))}
    with tempfile.TemporaryDirectory() as folder:
        if importlib.util.find_spec("onnxruntime"):
            found["ONNX Runtime"] = _onnx(graph, inputs, Path(folder) / "network.onnx")
        if importlib.util.find_spec("openvino"):
            found["OpenVINO, hint f32"] = _openvino(graph, inputs, Path(folder) / "saved")
    return found


def _onnx(graph: object, inputs: list[np.ndarray], path: Path) -> list[float]:
    import onnxruntime

    graph.export(path, format="onnx", verbose=False)  # type: ignore[attr-defined]
    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    return _cycle(lambda i: session.run(None, {name: inputs[i][None]}))


def _openvino(graph: object, inputs: list[np.ndarray], path: Path) -> list[float]:
    import openvino

    graph.export(path, verbose=False)  # type: ignore[attr-defined]
    network = openvino.Core().compile_model(
        openvino.convert_model(path),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"},
    )
    return _cycle(lambda i: network(inputs[i][None]))


def _start() -> tuple[float, float]:
    code = START.format(path=str(MODEL), sha=artifacts.file_sha256(MODEL))
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


if __name__ == "__main__":
    main()
