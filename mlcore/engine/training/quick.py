"""The quick update: a new head on the incumbent's backbone, in seconds and without TensorFlow.

The head is fitted on stored features of every image of the dataset version, the old
ones too (rehearsal), and is pulled toward the incumbent's head. Of the way from the
old head to the fitted one, as much is gone as turns hardly any right answer wrong on
images that the incumbent did not learn from. A condition with no output yet gets one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.artifacts import Artifact, pack_arrays, write_artifact
from mlcore.engine.errors import EngineError
from mlcore.engine.imaging.preprocess import Preprocessing, network_input
from mlcore.engine.inference.calibration import Calibration
from mlcore.engine.inference.runtime import CompiledNetwork
from mlcore.engine.networks.exchange_head import Head, exchange_head, read_head, rounded
from mlcore.engine.training.data import Fold
from mlcore.engine.training.familiar import widened_statistics
from mlcore.engine.training.features import LabelledFeatures, Rows, as_stored, two_sided
from mlcore.engine.training.head_fit import choose_strength, fit_change
from mlcore.engine.training.operating import Operation, choose_operation, measured_point
from mlcore.engine.types import FloatArray, ModelFacts, OperatingPoint

STEPS = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)
"""Parts of the way to the fitted head that are tried, the longest first."""
FLIPS_ALLOWED = 0.01
"""Half of what the gate allows."""
LEAST_JUDGED = 30
SAMPLE = 48
"""Images that have a condition, whose maps say how strong its maps are."""

Pictures = Callable[[list[int]], list[NDArray[np.uint8]]]
"""Rows to stored square pictures."""


class NoQuickUpdate(EngineError):
    """A quick update is not possible with this incumbent and this data."""

    code = "no_quick_update"
    mend = "Sign more images, or train the whole network instead."


@dataclass(frozen=True)
class QuickPlan:
    """What decides how a quick update comes out, besides the data."""

    classes: tuple[str, ...]
    """In the columns of the labels: those of the incumbent first, in their order."""
    seed: int
    created_at: str
    dataset_sha256: str


@dataclass(frozen=True)
class _Column:
    """What was found for one condition."""

    kernel: FloatArray
    bias: float
    operation: Operation
    step: float


def quick_update(
    incumbent: Artifact,
    data: LabelledFeatures,
    *,
    plan: QuickPlan,
    learned_before: Rows,
    pictures: Pictures,
    output: Path,
) -> ModelFacts:
    """Write the updated model to `output` and return what it says of itself.

    `data.labels` is (n, classes); `learned_before` marks the rows that the incumbent
    learned from. Raise NoQuickUpdate where no head can be fitted.
    """
    if "network.tflite" not in incumbent.members:
        raise NoQuickUpdate("A model of this architecture has no head that can be exchanged.")
    compiled = incumbent.members["network.tflite"]
    head = read_head(compiled)
    columns = [
        _fit_column(incumbent, head, data, index=index, plan=plan, learned_before=learned_before)
        for index in range(len(plan.classes))
    ]
    if all(column.step == 0.0 for column in columns):
        raise NoQuickUpdate("No condition has training images that have it and some that do not.")
    updated = rounded(
        Head(np.stack([c.kernel for c in columns], axis=1), np.array([c.bias for c in columns]))
    )
    network = exchange_head(compiled, updated)
    statistics, limits = widened_statistics(incumbent, data)
    facts = _facts(incumbent, data, updated, columns, plan=plan)
    settings = {
        **incumbent.settings,
        "plan": {**incumbent.settings["plan"], "classes": list(plan.classes)},
        "calibration": {
            code: asdict(column.operation.calibration)
            for code, column in zip(plan.classes, columns, strict=True)
        },
        "refusal": {**incumbent.settings["refusal"], **limits},
        "saliency_references": _references(incumbent, network, data, plan=plan, pictures=pictures),
        "quick_update": {
            "seed": plan.seed,
            "steps": {code: column.step for code, column in zip(plan.classes, columns, strict=True)},
            "images": len(data),
        },
    }
    members = {
        **incumbent.members,
        "network.tflite": network,
        "weights.npz": _weights(incumbent, updated),
        "statistics.npz": statistics,
    }
    write_artifact(output, facts=facts, settings=settings, members=members)
    return facts


def _fit_column(
    incumbent: Artifact,
    head: Head,
    data: LabelledFeatures,
    *,
    index: int,
    plan: QuickPlan,
    learned_before: Rows,
) -> _Column:
    code = plan.classes[index]
    known = np.isfinite(data.labels[:, index])
    train, held = known & data.of(Fold.TRAIN), known & data.of(Fold.VALIDATION)
    labels = data.labels[:, index]
    is_old = index < head.kernel.shape[1]
    earlier = head.logits(data.embeddings)[:, index] if is_old else np.zeros(len(data), np.float32)
    before = _operation_of(incumbent, code) if is_old else None
    if not two_sided(labels, train):
        if before is None:
            raise NoQuickUpdate("A new condition needs training images that have it and some that do not.")
        return _Column(head.kernel[:, index], float(head.bias[index]), before, 0.0)
    strength, held_out = choose_strength(
        data.embeddings[train],
        labels[train],
        earlier=earlier[train],
        groups=tuple(g for g, chosen in zip(data.groups, train, strict=True) if chosen),
        seed=plan.seed,
    )
    change = fit_change(data.embeddings[train], labels[train], earlier=earlier[train], strength=strength)
    added = change.logits(data.embeddings)
    added[train] = held_out
    judged = held | (train & ~learned_before)
    if before is None or judged.sum() < LEAST_JUDGED:
        judged = held | train
    step, operation = _choose_step(
        earlier[judged], added[judged], labels[judged], before=before, steps=STEPS if is_old else STEPS[:1]
    )
    old = head.kernel[:, index] if is_old else np.zeros(len(head.kernel), np.float32)
    bias = float(head.bias[index]) if is_old else 0.0
    kernel = np.asarray(old + np.float32(step) * change.kernel, np.float32)
    return _Column(kernel, bias + step * change.bias, operation, step)


def _choose_step(
    earlier: FloatArray,
    added: FloatArray,
    labels: FloatArray,
    *,
    before: Operation | None,
    steps: tuple[float, ...],
) -> tuple[float, Operation]:
    """The longest step that spoils hardly any right answer.

    Where even the shortest one spoils too many it is taken all the same, with the
    incumbent's operation: the gate judges what comes of it, and says why.
    """
    for step in steps:
        operation = choose_operation(
            earlier + np.float32(step) * added,
            labels,
            earlier=earlier,
            before=before,
            flips_allowed=FLIPS_ALLOWED,
        )
        if operation is not None:
            return step, operation
    return steps[-1], before or Operation(Calibration(), 0.5)


def _operation_of(artifact: Artifact, code: str) -> Operation:
    return Operation(
        calibration=Calibration(**artifact.settings["calibration"][code]),
        threshold=artifact.facts.operating_points[code].threshold,
    )


def _weights(incumbent: Artifact, head: Head) -> bytes:
    """The weights beside the compiled network, with the new head where it is among them."""
    stored = incumbent.arrays("weights.npz")
    parts = {"maps/kernel": head.kernel[None, None], "maps/bias": head.bias}
    return pack_arrays(
        {name: np.asarray(parts.get(name, array), np.float16) for name, array in stored.items()}
    )


def _references(
    incumbent: Artifact,
    network: bytes,
    data: LabelledFeatures,
    *,
    plan: QuickPlan,
    pictures: Pictures,
) -> dict[str, float]:
    """By condition: the middle peak of the maps of training images that have it."""
    how = Preprocessing(**incumbent.settings["preprocessing"])
    running = CompiledNetwork(network)
    earlier: Mapping[str, float] = incumbent.settings["saliency_references"]
    found = {}
    for index, code in enumerate(plan.classes):
        rows = np.flatnonzero((data.labels[:, index] == 1) & data.of(Fold.TRAIN))[:SAMPLE]
        peaks = [
            float(running.run(network_input(as_stored(p), how=how))["maps"][..., index].max())
            for p in pictures(rows.tolist())
        ]
        found[code] = float(np.median(peaks)) if peaks else float(earlier.get(code, 1.0))
    return found


def _facts(
    incumbent: Artifact, data: LabelledFeatures, head: Head, columns: list[_Column], *, plan: QuickPlan
) -> ModelFacts:
    test = data.of(Fold.TEST)
    logits = head.logits(data.embeddings)
    points: dict[str, OperatingPoint] = {}
    metrics: dict[str, float] = {}
    for index, (code, column) in enumerate(zip(plan.classes, columns, strict=True)):
        rows = test & np.isfinite(data.labels[:, index])
        scores = column.operation.calibration.probabilities(logits[rows, index])
        points[code], figures = measured_point(
            data.labels[rows, index], scores, threshold=column.operation.threshold
        )
        metrics |= {f"{code}_{name}": value for name, value in figures.items()}
    areas = [metrics[f"{code}_auroc"] for code in plan.classes if f"{code}_auroc" in metrics]
    if areas:
        metrics["auroc"] = float(np.mean(areas))
    return replace(
        incumbent.facts,
        classes=plan.classes,
        operating_points=points,
        metrics=metrics,
        dataset_sha256=plan.dataset_sha256,
        created_at=plan.created_at,
    )
