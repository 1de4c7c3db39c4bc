"""Training by gradient descent on a Keras graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.engine.networks.registry import Network
from mlcore.engine.training.checkpoint import RunState, load_checkpoint, save_checkpoint
from mlcore.engine.training.data import LabelledPictures, TrainingData
from mlcore.engine.training.epochs import steps_per_epoch, training_batches
from mlcore.engine.training.forward import Forward
from mlcore.engine.training.judge import Judge, make_judge
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.preparing import Preparer, preparing
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
PROBE_DRAW = 1_000_033
TELL_SECONDS = 0.2
"""Between two words on progress: looking at a loss waits for it to be calculated."""

Teacher = Callable[[FloatArray], FloatArray]
"""(n, size, size, 1) network inputs to probabilities (n, classes)."""


@dataclass(frozen=True)
class GradientTrainer:
    """Fits any registered network with AdamW and keeps the running mean of its weights."""

    network: Network
    teacher: Teacher | None = None
    """Whose probabilities the network learns from besides the labels, as far as the plan says."""
    processes: int = 0
    """That change pictures beside the learning; the outcome is the same with any number."""

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
        with preparing(data.train.pictures, plan=plan, processes=self.processes) as preparer:
            return self._train(
                data,
                preparer=preparer,
                checkpoint=checkpoint,
                on_progress=on_progress,
                should_stop=should_stop,
            )

    def _train(
        self,
        data: TrainingData,
        *,
        preparer: Preparer,
        checkpoint: Path | None,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> TrainedNetwork:
        import keras

        plan = preparer.plan
        keras.utils.set_random_seed(plan.seed)
        digest = data.train.sha256()
        state = load_checkpoint(checkpoint, plan=plan.as_dict(), data_sha256=digest) if checkpoint else None
        model = self.network.build(
            input_size=plan.preprocessing.input_size, class_count=len(plan.classes), dropout=plan.dropout
        )
        run = _Run(
            model=model,
            data=data.train,
            judge=make_judge(data.validation, plan=plan),
            preparer=preparer,
            checkpoint=checkpoint,
            losses=self.network.losses,
            teacher=self.teacher,
        )
        if state is None:
            on_progress(TrainingProgress(0, plan.epochs, 0, run.steps, None, None, None))
            _prepare(run, network=self.network)
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


def _prepare(run: _Run, *, network: Network) -> None:
    """Load pretrained weights and fit the head alone."""
    plan, data = run.plan, run.data
    rows = np.random.default_rng(plan.seed).permutation(len(data))
    if network.initialize is not None and network.initial_weights(pretrained=plan.pretrained) == "imagenet":
        network.initialize(run.model, run.preparer.inputs(draw=0, rows=rows[:SAMPLE]))
    if plan.probe and network.pooled_head:
        inputs = run.preparer.inputs(draw=PROBE_DRAW, rows=rows)
        fit_head(run.model, embeddings=run.forward(inputs)["embedding"], labels=data.labels[rows])


class _Run:
    """The epochs of one training run."""

    def __init__(
        self,
        *,
        model: Any,
        data: LabelledPictures,
        judge: Judge,
        preparer: Preparer,
        checkpoint: Path | None,
        losses: Losses | None,
        teacher: Teacher | None,
    ) -> None:
        self.model, self.data, self.judge = model, data, judge
        self.plan, self.preparer = preparer.plan, preparer
        self.losses, self.teacher = losses, teacher
        self.checkpoint = checkpoint
        self.forward = Forward(model)
        self.steps = steps_per_epoch(data, plan=self.plan)
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
        told, losses = 0.0, []
        batches = training_batches(self.data, epoch=state.epoch, preparer=self.preparer)
        for number, (inputs, labels) in enumerate(batches, start=1):
            if should_stop():
                raise TrainingStopped("The training run was stopped.")
            soft = None if self.teacher is None else self.teacher(inputs)
            losses.append(step.learn(inputs, labels, soft))
            if number == self.steps or time.monotonic() - told > TELL_SECONDS:
                recent = [float(loss) for loss in losses[-50:]]
                self._tell(state, number, float(np.mean(recent)), on_progress)
                told = time.monotonic()
        return float(np.mean([float(loss) for loss in losses]))

    def _tell(self, state: RunState, number: int, loss: float, on_progress: OnProgress) -> None:
        pace = (time.monotonic() - self.clock[0]) / number
        left = pace * (self.steps - number + self.steps * (self.plan.epochs - state.epoch))
        auroc = state.history[-1]["auroc"] if state.history else None
        on_progress(TrainingProgress(state.epoch, self.plan.epochs, number, self.steps, loss, auroc, left))

    def _judge_epoch(self, state: RunState, *, step: TrainingStep, loss: float) -> None:
        """Judge the mean of weights, and keep it when it is the best so far."""
        learned = step.learned()
        self.model.set_weights(step.averaged())
        plain, changed = self.judge.score(self.forward)
        state.history.append({"epoch": state.epoch, "loss": loss, "auroc": plain, "auroc_changed": changed})
        value = (plain + changed) / 2
        if value > state.best_value:
            state.best_value, state.best_epoch = value, state.epoch
            state.arrays["best"] = self.model.get_weights()
        self.model.set_weights(learned)
        state.arrays.update(step.arrays())
