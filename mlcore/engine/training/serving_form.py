"""What is served of a trained model, and the parts of the model file that hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcore.engine.artifacts import pack_arrays
from mlcore.engine.inference.runtime import CompiledNetwork, RunnableNetwork
from mlcore.engine.networks.compiled import compile_network, remaining_weights, round_weights
from mlcore.engine.networks.registry import find_network
from mlcore.engine.networks.visual_words import VisualWords


@dataclass(frozen=True)
class ServingForm:
    """A network that runs, as the bytes that make it run again."""

    network: RunnableNetwork
    members: Mapping[str, bytes]
    shared_weights: Mapping[str, str] = field(default_factory=dict)
    """Which weights of the Keras graph are held by the compiled network, by their paths."""


def serving_form(model: Any) -> ServingForm:
    """Compile a Keras graph, its weights rounded in place; a VisualWords is served as it is."""
    if isinstance(model, VisualWords):
        return ServingForm(network=model, members={"words.npz": pack_arrays(model.arrays())})
    round_weights(model)
    compiled = compile_network(model, attributed=find_network(model.name).attributed_layers)
    stored, found = remaining_weights(model, compiled)
    members = {"network.tflite": compiled, "weights.npz": pack_arrays(stored)}
    return ServingForm(network=CompiledNetwork(compiled), members=members, shared_weights=found)
