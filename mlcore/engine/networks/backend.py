"""What Keras calculates with, and what has to be said differently to each."""

from __future__ import annotations

from typing import Any

BATCH = 32


def backend() -> str:
    """`tensorflow`, which ships, or `jax`, for training on an accelerator."""
    import keras

    return str(keras.backend.backend())


def measure_statistics(model: Any, sample: Any) -> None:
    """Let the normalizing layers of `model` see `sample` (n, size, size, 1), batch by batch."""
    learn = _measure_by_jax(model) if backend() == "jax" else lambda batch: model(batch, training=True)
    for start in range(0, len(sample) - BATCH + 1, BATCH):
        learn(sample[start : start + BATCH])


def _measure_by_jax(model: Any) -> Any:
    import jax

    @jax.jit  # type: ignore[untyped-decorator]
    def run(trainable: Any, fixed: Any, batch: Any) -> Any:
        return model.stateless_call(trainable, fixed, batch, training=True)[1]

    def learn(batch: Any) -> None:
        values = [[v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)]
        for variable, value in zip(model.non_trainable_variables, run(*values, batch), strict=True):
            variable.assign(value)

    return learn
