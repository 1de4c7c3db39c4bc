"""The shipped network under both backends of Keras: the same weights, answers and steps of learning.

JAX has to be installed beside the project's packages (pip install jax==0.10.2).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BACKENDS = ("tensorflow", "jax")
PICTURES, STEPS, BATCH = 64, 5, 16
RATE, DECAY = 1e-4, 0.9


def main() -> None:
    """Let each backend answer and learn in a process of its own, and publish how far they lie apart."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    into = asked.parse_args().into
    if into is not None:
        np.savez(into, **_answers())
        return
    with tempfile.TemporaryDirectory() as folder:
        found = [_run(backend, Path(folder) / f"{backend}.npz") for backend in BACKENDS]
    _publish(*found)


def _run(backend: str, path: Path) -> dict[str, np.ndarray]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, __file__, "--into", str(path)], env=environment, check=True)
    with np.load(path) as stored:
        return dict(stored)


def _answers() -> dict[str, np.ndarray]:
    """What the network answers, and what it becomes by a few steps without chance."""
    import keras
    from model_common import folds, shipped

    from mlcore.engine.imaging.preprocess import Preprocessing, network_input
    from mlcore.engine.inference.loader import keras_model_from
    from mlcore.engine.training.descent import make_descent

    model = keras_model_from(shipped())
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0  # each backend draws by itself
    test = folds().test
    how = Preprocessing(**shipped().settings["preprocessing"])
    inputs = np.stack([network_input(p / np.float32(255), how=how) for p in test.pictures[:PICTURES]])
    labels = test.labels[:PICTURES]
    outputs = model(inputs, training=False)
    found = {name: np.asarray(outputs[name]) for name in ("logits", "embedding")}

    def loss(logits: object, labels: object, soft: object) -> object:
        del soft
        return keras.ops.mean(keras.losses.binary_crossentropy(labels, logits, from_logits=True))

    optimizer = keras.optimizers.AdamW(RATE)
    optimizer.build(model.trainable_variables)
    descent = make_descent(model, optimizer, loss=loss)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH % PICTURES, step * BATCH % PICTURES + BATCH)
        learned = descent.learn(inputs[batch], labels[batch], labels[batch], rate=RATE, decay=DECAY)
        losses.append(float(np.asarray(learned)))
    model.set_weights(descent.learned())
    after = model(inputs, training=False)
    return {**found, "losses": np.array(losses), "logits_after": np.asarray(after["logits"])}


def _publish(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    from model_common import publish

    def apart(name: str) -> str:
        return f"{float(np.abs(first[name] - second[name]).max()):.1e}"

    moved = float(np.abs(first["logits_after"] - first["logits"]).max())
    rows = [
        (f"logits of {PICTURES} radiographs", f"{np.abs(first['logits']).max():.1f}", apart("logits")),
        ("their embeddings", f"{np.abs(first['embedding']).max():.1f}", apart("embedding")),
        (f"losses of {STEPS} steps of AdamW", f"{first['losses'].max():.3f}", apart("losses")),
        (f"logits after these steps, which moved them by up to {moved:.1f}", "", apart("logits_after")),
    ]
    publish(
        "The two backends of Keras",
        ("figure", "largest", "apart at most"),
        rows,
        note="TensorFlow, which serves, and JAX, which trains on an accelerator; "
        "the shipped weights in both, without dropout, both on the CPU.",
    )


if __name__ == "__main__":
    main()
