"""Training by gradient descent on a Keras graph."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.engine.evaluation.metrics import mean_auroc
from mlcore.engine.networks.registry import Network
from mlcore.engine.training.batches import changed_inputs, plain_inputs, steps_per_epoch, training_batches
from mlcore.engine.training.checkpoint import RunState, load_checkpoint, save_checkpoint
from mlcore.engine.training.data import LabelledPictures, TrainingData
from mlcore.engine.training.forward import forward
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.probe import fit_head
from mlcore.engine.training.progress import (
    OnProgress,
    ShouldStop,
    TrainingProgress,
    TrainingStopped,
    never_stop,
    say_nothing,
)
from mlcore.engine.training.step import Losses, TrainingStep
from mlcore.engine.training.trainer import TrainedNetwork
from mlcore.engine.types import FloatArray

SAMPLE = 640
"""Images on which the statistics of pretrained layers are measured again."""
SHIFTED_DRAW = 1_000_003
PROBE_DRAW = 1_000_033


@dataclass(frozen=True)
class _Judge:
    """Scores a network on the validation fold, as it is and randomly changed."""

    plain: FloatArray
    changed: FloatArray
    labels: FloatArray

    def score(self, model: Any) -> tuple[float, float]:
        outputs = [forward(model, inputs)["logits"] for inputs in (self.plain, self.changed)]
        return mean_auroc(self.labels, outputs[0]), mean_auroc(self.labels, outputs[1])


@dataclass(frozen=True)
class GradientTrainer:
    """Fits any registered network with AdamW and keeps the running mean of its weights."""

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
        """Train from the start or from `checkpoint`; raise TrainingStopped when asked to stop."""
        import keras

        keras.utils.set_random_seed(plan.seed)
        digest = data.train.sha256()
        state = load_checkpoint(checkpoint, plan=plan.as_dict(), data_sha256=digest) if checkpoint else None
        model = self.network.build(
            input_size=plan.preprocessing.input_size, class_count=len(plan.classes), dropout=plan.dropout
        )
        judge = _judge(data.validation, plan=plan)
        run = _Run(
            model=model,
            plan=plan,
            data=data.train,
            judge=judge,
            checkpoint=checkpoint,
            losses=self.network.losses,
        )
        if state is None:
            on_progress(TrainingProgress(0, plan.epochs, 0, run.steps, None, None, None))
            _prepare(model, network=self.network, data=data.train, plan=plan)
            state = RunState(plan=plan.as_dict(), data_sha256=digest)
        run.go(state, on_progress=on_progress, should_stop=should_stop)
        model.set_weights(state.arrays["best"])
        return TrainedNetwork(
            model=model,
            plan=plan,
            best_epoch=state.best_epoch,
            history=state.history,
            initial_weights=self.network.initial_weights(pretrained=plan.pretrained),
        )


def _judge(data: LabelledPictures, *, plan: TrainingPlan) -> _Judge:
    rows = np.arange(len(data))
    return _Judge(
        plain=plain_inputs(data.pictures, plan=plan),
        changed=changed_inputs(data.pictures, plan=plan, draw=SHIFTED_DRAW, rows=rows),
        labels=data.labels,
    )


def _prepare(model: Any, *, network: Network, data: LabelledPictures, plan: TrainingPlan) -> None:
    """Load pretrained weights and fit the head alone."""
    rows = np.random.default_rng(plan.seed).permutation(len(data))
    if network.initialize is not None and network.initial_weights(pretrained=plan.pretrained) == "imagenet":
        network.initialize(model, changed_inputs(data.pictures, plan=plan, draw=0, rows=rows[:SAMPLE]))
    if plan.probe and network.pooled_head:
        inputs = changed_inputs(data.pictures, plan=plan, draw=PROBE_DRAW, rows=rows)
        fit_head(model, embeddings=forward(model, inputs)["embedding"], labels=data.labels[rows])


class _Run:
    """The epochs of one training run."""

    def __init__(
        self,
        *,
        model: Any,
        plan: TrainingPlan,
        data: LabelledPictures,
        judge: _Judge,
        checkpoint: Path | None,
        losses: Losses | None,
    ) -> None:
        self.model, self.plan, self.data, self.judge = model, plan, data, judge
        self.losses = losses
        self.checkpoint = checkpoint
        self.steps = steps_per_epoch(data, plan=plan)
        self.clock = (time.monotonic(), 0)

    def go(self, state: RunState, *, on_progress: OnProgress, should_stop: ShouldStop) -> None:
        """Run the epochs that are left, from `state` on, and leave the outcome in it."""
        step = TrainingStep(
            self.model,
            plan=self.plan,
            total=self.steps * self.plan.epochs,
            data=self.data,
            losses=self.losses,
        )
        if state.epoch:
            self.model.set_weights(state.arrays["weights"])
            step.restore(state.arrays)
        else:
            self._judge_epoch(state, step=step, loss=float("nan"))
        last = self.plan.stop_after or self.plan.epochs
        while state.epoch < last and state.epoch - state.best_epoch < self.plan.patience:
            state.epoch += 1
            loss = self._epoch(state, step=step, on_progress=on_progress, should_stop=should_stop)
            self._judge_epoch(state, step=step, loss=loss)
            if self.checkpoint is not None:
                save_checkpoint(self.checkpoint, state)

    def _epoch(
        self, state: RunState, *, step: TrainingStep, on_progress: OnProgress, should_stop: ShouldStop
    ) -> float:
        self.clock = (time.monotonic(), 0)
        losses = []
        for number, (inputs, labels) in enumerate(
            training_batches(self.data, plan=self.plan, epoch=state.epoch), start=1
        ):
            if should_stop():
                raise TrainingStopped("The training run was stopped.")
            losses.append(step.learn(inputs, labels))
            self._tell(state, number, float(np.mean(losses[-50:])), on_progress)
        return float(np.mean(losses))

    def _tell(self, state: RunState, number: int, loss: float, on_progress: OnProgress) -> None:
        pace = (time.monotonic() - self.clock[0]) / number
        left = pace * (self.steps - number + self.steps * (self.plan.epochs - state.epoch))
        auroc = state.history[-1]["auroc"] if state.history else None
        on_progress(TrainingProgress(state.epoch, self.plan.epochs, number, self.steps, loss, auroc, left))

    def _judge_epoch(self, state: RunState, *, step: TrainingStep, loss: float) -> None:
        """Judge the mean of weights, and keep it when it is the best so far."""
        learned = self.model.get_weights()
        self.model.set_weights(step.averaged())
        plain, changed = self.judge.score(self.model)
        state.history.append({"epoch": state.epoch, "loss": loss, "auroc": plain, "auroc_changed": changed})
        value = (plain + changed) / 2
        if value > state.best_value:
            state.best_value, state.best_epoch = value, state.epoch
            state.arrays["best"] = self.model.get_weights()
        self.model.set_weights(learned)
        state.arrays.update(weights=learned, **step.arrays())
