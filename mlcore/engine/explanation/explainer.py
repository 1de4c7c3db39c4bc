"""Explains the answer of a loaded model, on request."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

from mlcore.engine.artifacts import Artifact, load_artifact
from mlcore.engine.explanation.gradients import grad_cam_plus_plus, integrated_gradients, smoothed
from mlcore.engine.explanation.layers import layer_attribution
from mlcore.engine.explanation.methods import (
    Explanation,
    Method,
    MethodNotAvailable,
    NothingToExplain,
    methods_for,
)
from mlcore.engine.explanation.occlusion import occlusion
from mlcore.engine.imaging.preprocess import network_input, stored_picture
from mlcore.engine.inference.loader import keras_model_from, predictor_from
from mlcore.engine.inference.network_predictor import NetworkPredictor
from mlcore.engine.inference.saliency import OWN_PEAK, saliency_map
from mlcore.engine.networks.registry import find_network
from mlcore.engine.types import DecodedImage, FloatArray


class Explainer:
    """A model with its Keras graph, which is built when a gradient is first asked for."""

    def __init__(self, artifact: Artifact, *, predictor: NetworkPredictor | None = None) -> None:
        self.predictor = predictor or predictor_from(artifact)
        self._artifact = artifact
        self._building = threading.Lock()

    @property
    def methods(self) -> tuple[Method, ...]:
        """What can be asked of this model."""
        return methods_for(find_network(self.predictor.facts.architecture))

    def explain(self, image: DecodedImage, *, condition: str, method: Method) -> Explanation:
        """Show where the score for `condition` is sensitive.

        Raise NothingToExplain where the answer was withheld or the model does not know
        the condition, and MethodNotAvailable where the model has no gradient. Takes
        tens of milliseconds by activation, seconds by occlusion and integration.
        """
        if method not in self.methods:
            raise MethodNotAvailable("This model cannot be explained by that method.")
        answer = self.predictor.predict(image)
        if condition not in answer.saliency_maps:
            raise NothingToExplain("The model gave no score for that condition on this image.")
        if method == answer.saliency_method:
            return Explanation(method, condition, answer.saliency_maps[condition])
        how = self.predictor.preprocessing
        inputs = network_input(stored_picture(image.pixels, how=how), how=how)
        if method is Method.CLASS_ACTIVATION_MAP:
            return Explanation(method, condition, self.predictor.class_activation(inputs, condition))
        index = self.predictor.facts.classes.index(condition)
        contributions = self._contributions(inputs, index=index, method=method)
        offset = self.predictor.map_offset if method is Method.GRAD_CAM_PLUS_PLUS else (0.0, 0.0)
        shown = saliency_map(contributions, how=how, reference=OWN_PEAK, offset=offset)
        return Explanation(method, condition, shown)

    def _contributions(self, inputs: FloatArray, *, index: int, method: Method) -> FloatArray:
        if method is Method.OCCLUSION:
            return occlusion(self.predictor.network, inputs, index=index)
        with self._building:
            graph = self._graph
        if method is Method.GRAD_CAM_PLUS_PLUS:
            return grad_cam_plus_plus(graph, inputs, index=index)
        if method is Method.LAYER_ATTRIBUTION:
            layers = find_network(self.predictor.facts.architecture).attributed_layers
            return layer_attribution(graph, inputs, index=index, layers=layers)
        return smoothed(integrated_gradients(graph, inputs, index=index))

    @cached_property
    def _graph(self) -> Any:
        return keras_model_from(self._artifact)


def load_explainer(path: Path, *, expected_sha256: str) -> Explainer:
    """Load a model for explanation; raise ArtifactError when it is not the registered one."""
    return Explainer(load_artifact(path, expected_sha256=expected_sha256))
