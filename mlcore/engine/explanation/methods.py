"""Ways to show where a score comes from, and what an answer to that looks like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlcore.engine.errors import EngineError
from mlcore.engine.types import FloatArray


class Method(StrEnum):
    """By name; the first comes with every prediction, the others are asked for."""

    CLASS_ACTIVATION_MAP = "class_activation_map"
    GRAD_CAM_PLUS_PLUS = "grad_cam_plus_plus"
    OCCLUSION = "occlusion"
    INTEGRATED_GRADIENTS = "integrated_gradients"


GRADIENT_METHODS = frozenset({Method.GRAD_CAM_PLUS_PLUS, Method.INTEGRATED_GRADIENTS})
"""Those that need the Keras graph; the others need the compiled network alone."""


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
