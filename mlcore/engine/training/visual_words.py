"""Fits words and linear machines on ORB descriptors (see networks/visual_words.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.engine.evaluation.metrics import mean_auroc
from mlcore.engine.networks.registry import Network
from mlcore.engine.networks.visual_words import (
    LocalFeatures,
    local_features,
    nearest_words,
    word_histogram,
)
from mlcore.engine.training.batches import changed_inputs, plain_inputs
from mlcore.engine.training.data import TrainingData
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.progress import (
    OnProgress,
    ShouldStop,
    TrainingProgress,
    TrainingStopped,
    never_stop,
    say_nothing,
)
from mlcore.engine.training.trainer import TrainedNetwork
from mlcore.engine.types import FloatArray

WORDS = 256
DESCRIPTORS_FOR_WORDS = 60_000
STRENGTHS = (0.1, 1.0, 10.0)
"""Inverse penalties that are tried; the validation fold chooses."""


@dataclass(frozen=True)
class VisualWordsTrainer:
    """Fits `svm_orb`: an epoch of the plan is one pass over the pictures, each time changed anew."""

    network: Network

    def train(
        self,
        data: TrainingData,
        *,
        plan: TrainingPlan,
        checkpoint: Path | None = None,
        on_progress: OnProgress = say_nothing,
        should_stop: ShouldStop = never_stop,
    ) -> TrainedNetwork:
        """Train from the start; raise TrainingStopped when asked to stop.

        A run takes minutes and `checkpoint` is not written: it begins again.
        """
        model = self.network.build(
            input_size=plan.preprocessing.input_size, class_count=len(plan.classes), dropout=plan.dropout
        )
        found = _describe_training(data, plan=plan, on_progress=on_progress, should_stop=should_stop)
        judged = [local_features(x) for x in plain_inputs(data.validation.pictures, plan=plan)]
        words = _fit_words(found, plan=plan)
        labels = np.tile(data.train.labels, (len(found) // len(data.train), 1))
        shown, held_back = _histograms(found, words=words), _histograms(judged, words=words)
        best, history = -1.0, []
        best_try = 0
        for number, strength in enumerate(STRENGTHS):
            weights, bias = _fit_machines(shown, labels, strength=strength, seed=plan.seed)
            area = mean_auroc(data.validation.labels, held_back @ weights + bias)
            history.append({"epoch": number, "loss": float("nan"), "strength": strength, "auroc": area})
            if area > best:
                best, best_try = area, number
                model = replace(model, words=words, weights=weights, bias=bias)
        return TrainedNetwork(model=model, plan=plan, best_epoch=best_try, history=history)


def _describe_training(
    data: TrainingData, *, plan: TrainingPlan, on_progress: OnProgress, should_stop: ShouldStop
) -> list[LocalFeatures]:
    """Corners of every training picture, once for each epoch of the plan."""
    count, epochs = len(data.train), max(1, plan.epochs)
    found = []
    for epoch in range(1, epochs + 1):
        for row in range(count):
            if should_stop():
                raise TrainingStopped("The training run was stopped.", mend="Start it again.")
            chosen = np.array([row], np.intp)
            image = changed_inputs(data.train.pictures, plan=plan, draw=epoch, rows=chosen)[0]
            found.append(local_features(image))
            on_progress(TrainingProgress(epoch, epochs, row + 1, count, None, None, None))
    return found


def _fit_words(found: list[LocalFeatures], *, plan: TrainingPlan) -> FloatArray:
    """Centers of a sample of all descriptors (Sculley 2010)."""
    from sklearn.cluster import MiniBatchKMeans

    every = np.concatenate([features.descriptors for features in found])
    rows = np.random.default_rng(plan.seed).permutation(len(every))[:DESCRIPTORS_FOR_WORDS]
    if len(rows) < WORDS:
        return (
            every[np.sort(rows)].astype(np.float32)
            if len(rows)
            else np.zeros((1, every.shape[1]), np.float32)
        )
    fitted = MiniBatchKMeans(WORDS, batch_size=4096, n_init=1, max_iter=30, random_state=plan.seed)
    return np.asarray(fitted.fit(every[rows].astype(np.float32)).cluster_centers_, np.float32)


def _histograms(found: list[LocalFeatures], *, words: FloatArray) -> FloatArray:
    return np.stack([word_histogram(nearest_words(f.descriptors, words), count=len(words)) for f in found])


def _fit_machines(
    histograms: FloatArray, labels: FloatArray, *, strength: float, seed: int
) -> tuple[FloatArray, FloatArray]:
    """(words, classes) weights and (classes,) bias; a condition with one class of labels stays silent."""
    weights = np.zeros((histograms.shape[1], labels.shape[1]), np.float32)
    bias = np.zeros(labels.shape[1], np.float32)
    for index in range(labels.shape[1]):
        known = np.isfinite(labels[:, index])
        if len(np.unique(labels[known, index])) == 2:
            machine = _machine(strength, seed).fit(histograms[known], labels[known, index].astype(int))
            weights[:, index], bias[index] = machine.coef_[0], machine.intercept_[0]
    return weights, bias


def _machine(strength: float, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=strength, class_weight="balanced", dual="auto", max_iter=20_000, random_state=seed)
