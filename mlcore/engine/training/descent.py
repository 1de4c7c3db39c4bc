"""One step of gradient descent, differentiated and compiled by the backend of Keras.

What is minimized, the optimizer and the running mean of weights are the same on both;
TensorFlow changes its variables in place, JAX (an accelerator's route) is handed its state
and hands on the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from mlcore.engine.networks.backend import backend
from mlcore.engine.training.checkpoint import Arrays

Loss = Callable[[Any, Any, Any], Any]
"""(logits, labels, soft labels) to a number."""


class Descent(Protocol):
    """Learns from batches and keeps a running mean of weights."""

    def learn(self, inputs: Any, labels: Any, soft: Any, *, rate: float, decay: float) -> Any:
        """Take one step and return its loss, which may still be being calculated."""

    def learned(self) -> Arrays:
        """The weights, in the model's order."""

    def averaged(self) -> Arrays:
        """Their running mean."""

    def optimizer_state(self) -> Arrays: ...

    def restore(self, *, weights: Arrays, average: Arrays, optimizer: Arrays) -> None: ...


def make_descent(model: Any, optimizer: Any, *, loss: Loss) -> Descent:
    """Of the backend that Keras runs on."""
    chosen = JaxDescent if backend() == "jax" else TensorFlowDescent
    return chosen(model, optimizer, loss=loss)


class TensorFlowDescent:
    """Variables in place, in a traced function."""

    def __init__(self, model: Any, optimizer: Any, *, loss: Loss) -> None:
        import tensorflow as tf

        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.average = [tf.Variable(w) for w in model.get_weights()]
        self._step = self._trace()

    def _trace(self) -> Any:
        import tensorflow as tf

        pictures = tf.TensorSpec((None, *self.model.input_shape[1:]), tf.float32)
        labels = tf.TensorSpec((None, self.model.output["logits"].shape[-1]), tf.float32)
        signature = [pictures, labels, labels, tf.TensorSpec((), tf.float32)]

        @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
        def step(inputs: Any, labels: Any, soft: Any, decay: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = self.loss(self.model(inputs, training=True)["logits"], labels, soft)
            variables = self.model.trainable_variables
            gradients = tape.gradient(loss, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
            for mean, weight in zip(self.average, self.model.weights, strict=True):
                mean.assign(decay * mean + (1.0 - decay) * weight)
            return loss

        return step

    def learn(self, inputs: Any, labels: Any, soft: Any, *, rate: float, decay: float) -> Any:
        self.optimizer.learning_rate.assign(rate)
        return self._step(inputs, labels, soft, np.float32(decay))

    def learned(self) -> Arrays:
        return list(self.model.get_weights())

    def averaged(self) -> Arrays:
        return [mean.numpy() for mean in self.average]

    def optimizer_state(self) -> Arrays:
        return [np.asarray(v) for v in self.optimizer.variables]

    def restore(self, *, weights: Arrays, average: Arrays, optimizer: Arrays) -> None:
        self.model.set_weights(weights)
        for mean, value in zip(self.average, average, strict=True):
            mean.assign(value)
        for variable, value in zip(self.optimizer.variables, optimizer, strict=True):
            variable.assign(value)


class JaxDescent:
    """A pure function of the state, which stays on the accelerator between steps."""

    def __init__(self, model: Any, optimizer: Any, *, loss: Loss) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        places = {id(v): ("trainable", i) for i, v in enumerate(model.trainable_variables)}
        places |= {id(v): ("fixed", i) for i, v in enumerate(model.non_trainable_variables)}
        self._places = [places[id(v)] for v in model.weights]
        self._rate = next(i for i, v in enumerate(optimizer.variables) if v is optimizer.learning_rate)
        self._state = self._read(model.get_weights())
        self._step = self._trace()

    def _read(self, average: Arrays) -> dict[str, Any]:
        """The state as it stands in the variables, copied: what is handed on is given up."""
        import jax.numpy as jnp

        def copies(variables: Any) -> Any:
            return [jnp.array(np.asarray(v)) for v in variables]

        return {
            "trainable": copies(self.model.trainable_variables),
            "fixed": copies(self.model.non_trainable_variables),
            "optimizer": copies(self.optimizer.variables),
            "average": copies(average),
        }

    def _trace(self) -> Any:
        import jax

        def objective(trainable: Any, fixed: Any, inputs: Any, labels: Any, soft: Any) -> Any:
            outputs, fixed = self.model.stateless_call(trainable, fixed, inputs, training=True)
            return self.loss(outputs["logits"], labels, soft), fixed

        def step(state: Any, inputs: Any, labels: Any, soft: Any, rate: Any, decay: Any) -> Any:
            differentiate = jax.value_and_grad(objective, has_aux=True)
            (loss, fixed), gradients = differentiate(state["trainable"], state["fixed"], inputs, labels, soft)
            slots = [rate if i == self._rate else v for i, v in enumerate(state["optimizer"])]
            trainable, slots = self.optimizer.stateless_apply(slots, gradients, state["trainable"])
            told = {"trainable": trainable, "fixed": fixed, "optimizer": slots}
            weights = [told[kind][index] for kind, index in self._places]
            average = [decay * m + (1.0 - decay) * w for m, w in zip(state["average"], weights, strict=True)]
            return {**told, "average": average}, loss

        return jax.jit(step, donate_argnums=0)

    def learn(self, inputs: Any, labels: Any, soft: Any, *, rate: float, decay: float) -> Any:
        numbers = np.float32(rate), np.float32(decay)
        self._state, loss = self._step(self._state, inputs, labels, soft, *numbers)
        return loss

    def learned(self) -> Arrays:
        return [np.asarray(self._state[kind][index]) for kind, index in self._places]

    def averaged(self) -> Arrays:
        return [np.asarray(value) for value in self._state["average"]]

    def optimizer_state(self) -> Arrays:
        return [np.asarray(value) for value in self._state["optimizer"]]

    def restore(self, *, weights: Arrays, average: Arrays, optimizer: Arrays) -> None:
        self.model.set_weights(weights)
        for variable, value in zip(self.optimizer.variables, optimizer, strict=True):
            variable.assign(value)
        self._state = self._read(average)
