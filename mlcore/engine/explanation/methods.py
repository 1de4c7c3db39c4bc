"""Ways to show where a score comes from, and what an answer to that looks like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlcore.engine.errors import EngineError
from mlcore.engine.networks.registry import Network
from mlcore.engine.types import FloatArray


class Method(StrEnum):
    """By name. One comes with every prediction, by layers where the network can; others are asked for."""

    CLASS_ACTIVATION_MAP = "class_activation_map"
    GRAD_CAM_PLUS_PLUS = "grad_cam_plus_plus"
    OCCLUSION = "occlusion"
    INTEGRATED_GRADIENTS = "integrated_gradients"
    LAYER_ATTRIBUTION = "layer_attribution"


GRADIENT_METHODS = frozenset(
    {Method.GRAD_CAM_PLUS_PLUS, Method.INTEGRATED_GRADIENTS, Method.LAYER_ATTRIBUTION}
)
"""Those that need the Keras graph; the others need the compiled network alone."""


def methods_for(network: Network) -> tuple[Method, ...]:
    """What a model of that architecture can be explained by."""
    without = frozenset() if network.is_graph else GRADIENT_METHODS
    if not network.attributed_layers:
        without |= {Method.LAYER_ATTRIBUTION}
    return tuple(method for method in Method if method not in without)


@dataclass(frozen=True)
class Explanation:
    """Where the score for one condition is sensitive. Not an outline of disease."""

    method: Method
    condition: str
    saliency_map: FloatArray
    """(stored_size, stored_size) in [0, 1], over the whole image as given."""


class MethodNotAvailable(EngineError):
    """The model cannot be explained in this way."""

    code = "explanation_not_available"
    mend = "Choose one of the methods that are listed for this model."


class NothingToExplain(EngineError):
    """There is no score for this condition on this image."""

    code = "nothing_to_explain"
    mend = "Explain a finding that the model has answered for on this image."
