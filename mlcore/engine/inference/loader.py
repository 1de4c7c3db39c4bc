"""Builds predictors and Keras graphs from artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlcore.engine.artifacts import Artifact
from mlcore.engine.errors import ArtifactError, EngineError
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.inference.attribution import Attribution
from mlcore.engine.inference.calibration import Calibration
from mlcore.engine.inference.embedding import Projection
from mlcore.engine.inference.network_predictor import NetworkPredictor
from mlcore.engine.inference.outliers import Distance
from mlcore.engine.inference.quality import QualityLimits
from mlcore.engine.inference.refusal import Refusal
from mlcore.engine.inference.runtime import CompiledNetwork, RunnableNetwork
from mlcore.engine.inference.validated_range import ValidatedRange
from mlcore.engine.networks.exchange_head import read_head
from mlcore.engine.networks.visual_words import VisualWords
from mlcore.engine.types import FloatArray


class NotAGraph(EngineError):
    """What was asked for needs a Keras graph."""

    code = "not_a_graph"
    mend = "Choose a way that needs no gradient."


def predictor_from(artifact: Artifact) -> NetworkPredictor:
    """A warm predictor; raise ArtifactError when the artifact lacks a part."""
    try:
        predictor = _assemble(artifact)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("The model artifact lacks a part that answers need.") from error
    predictor.warm_up()
    return predictor


def _assemble(artifact: Artifact) -> NetworkPredictor:
    settings = artifact.settings
    arrays = {name: np.asarray(a, np.float32) for name, a in artifact.arrays("statistics.npz").items()}
    refusal = settings["refusal"]
    network = _network(artifact)
    return NetworkPredictor(
        facts=artifact.facts,
        network=network,
        preprocessing=Preprocessing(**settings["preprocessing"]),
        calibrations={code: Calibration(**values) for code, values in settings["calibration"].items()},
        projection=Projection(mean=arrays["projection_mean"], matrix=arrays["projection_matrix"]),
        refusal=Refusal(
            distance=Distance(mean=arrays["distance_mean"], whitening=arrays["distance_whitening"]),
            limit=float(refusal["limit"]),
            cropped=Distance(mean=arrays["cropped_mean"], whitening=arrays["cropped_whitening"]),
            cropped_limit=float(refusal["cropped_limit"]),
            quality=QualityLimits(**refusal["quality"]),
            validated_range=_validated_range(refusal, arrays),
        ),
        saliency_references=settings["saliency_references"],
        map_offset=_map_offset(settings),
        attribution=_attribution(artifact, network),
    )


def _attribution(artifact: Artifact, network: RunnableNetwork) -> Attribution | None:
    """None where the network was compiled without."""
    if not (isinstance(network, CompiledNetwork) and network.attributes):
        return None
    kernel = read_head(artifact.members["network.tflite"]).kernel
    columns = {code: kernel[:, index].copy() for index, code in enumerate(artifact.facts.classes)}
    return Attribution(network=network, directions=columns)


def _map_offset(settings: Mapping[str, Any]) -> tuple[float, float]:
    """None was measured for model files of before."""
    down, right = settings.get("map_offset", (0.0, 0.0))
    return float(down), float(right)


def _validated_range(refusal: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> ValidatedRange | None:
    """None in a model file that was made without images outside of the range."""
    if "outside" not in refusal:
        return None
    return ValidatedRange(
        kernel=arrays["outside_kernel"],
        bias=float(refusal["outside"]["bias"]),
        limit=float(refusal["outside_limit"]),
        farthest=float(refusal["outside"]["farthest"]),
        message=str(refusal["outside"]["message"]),
    )


def _network(artifact: Artifact) -> RunnableNetwork:
    if "words.npz" in artifact.members:
        return VisualWords.from_arrays(artifact.arrays("words.npz"))
    return CompiledNetwork(artifact.members["network.tflite"])


def keras_model_from(artifact: Artifact) -> Any:
    """The Keras graph of an artifact with its weights, for training on and for explanation by gradient.

    Raise NotAGraph for a model that is not a Keras graph.
    """
    from mlcore.engine.networks.compiled import restore_weights
    from mlcore.engine.networks.registry import find_network

    plan = artifact.settings["plan"]
    network = find_network(artifact.facts.architecture)
    if not network.is_graph:
        raise NotAGraph("A model of this architecture has no gradient.")
    model = network.build(
        input_size=artifact.settings["preprocessing"]["input_size"],
        class_count=len(artifact.facts.classes),
        dropout=plan["dropout"],
    )
    restore_weights(
        model,
        compiled=artifact.members["network.tflite"],
        stored=artifact.arrays("weights.npz"),
        found=artifact.settings["shared_weights"],
    )
    return model
