"""Several networks that differ by their seed, and one network that learns from all of them.

What the seeds of one recipe agree on is worth more than what any of them says (Lakshminarayanan 2017,
arXiv:1612.01474). One network that is shown the same changed picture as its teachers
learns to say what they say on average (Hinton 2015, arXiv:1503.02531; Beyer 2022,
arXiv:2106.05237), and costs no more to serve than one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.engine.networks.registry import Network, find_network
from mlcore.engine.training.checkpoint import Arrays, RunState, load_checkpoint, save_checkpoint
from mlcore.engine.training.data import TrainingData
from mlcore.engine.training.forward import Forward
from mlcore.engine.training.gradient import GradientTrainer
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.progress import OnProgress, ShouldStop, TrainingProgress, never_stop, say_nothing
from mlcore.engine.training.trainer import TrainedNetwork
from mlcore.engine.types import FloatArray

SOFT = 0.7
"""Part of the pupil's loss that follows its teachers."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Ensemble:
    """How a pupil comes about: its teachers' plan, their number, its own epochs, and where all is kept."""

    plan: TrainingPlan
    members: int
    pupil_epochs: int
    folder: Path
    processes: int = 0

    def member_plan(self, number: int) -> TrainingPlan:
        """Of a teacher, from 0: they differ by their seed alone."""
        return replace(self.plan, seed=self.plan.seed + number)

    @property
    def pupil_plan(self) -> TrainingPlan:
        return replace(self.plan, epochs=self.pupil_epochs, soft=SOFT)

    def member_file(self, number: int) -> Path:
        return self.folder / f"member-{self.plan.seed + number}.npz"

    @property
    def pupil_file(self) -> Path:
        return self.folder / "pupil.npz"


class Teacher:
    """The mean of what several networks of one architecture hold for probable."""

    def __init__(self, runs: Sequence[Forward]) -> None:
        self.runs = runs

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """(n, size, size, 1) to probabilities (n, classes)."""
        logits = [np.clip(run(inputs)["logits"], -30, 30) for run in self.runs]
        return np.asarray(np.mean([1.0 / (1.0 + np.exp(-x)) for x in logits], axis=0), np.float32)


def train_pupil(
    data: TrainingData,
    *,
    ensemble: Ensemble,
    on_progress: OnProgress = say_nothing,
    should_stop: ShouldStop = never_stop,
    say: Say = print,
) -> TrainedNetwork:
    """Train all members and then their pupil; what was finished before is not trained again."""
    members, before = ensemble.members, ensemble.members * ensemble.plan.epochs
    epochs = before + ensemble.pupil_epochs
    if not ensemble.pupil_file.exists():
        for number in range(members):
            say(f"member {number + 1} of {members}")
            tell = _shifted(on_progress, by=number * ensemble.plan.epochs, epochs=epochs)
            train_member(data, ensemble=ensemble, number=number, on_progress=tell, should_stop=should_stop)
        say("the pupil of all members")
    teacher = None if ensemble.pupil_file.exists() else load_teacher(data, ensemble=ensemble)
    return _train_once(
        data,
        plan=ensemble.pupil_plan,
        trainer=_trainer(ensemble, teacher=teacher),
        file=ensemble.pupil_file,
        on_progress=_shifted(on_progress, by=before, epochs=epochs),
        should_stop=should_stop,
    )


def train_member(
    data: TrainingData,
    *,
    ensemble: Ensemble,
    number: int,
    on_progress: OnProgress = say_nothing,
    should_stop: ShouldStop = never_stop,
) -> TrainedNetwork:
    """Train one member, from 0, or read it where it was trained before."""
    return _train_once(
        data,
        plan=ensemble.member_plan(number),
        trainer=_trainer(ensemble),
        file=ensemble.member_file(number),
        on_progress=on_progress,
        should_stop=should_stop,
    )


def load_teacher(data: TrainingData, *, ensemble: Ensemble) -> Teacher:
    """What all members, which have been trained, say together."""
    members = [train_member(data, ensemble=ensemble, number=n) for n in range(ensemble.members)]
    return Teacher([Forward(member.model) for member in members])


def _trainer(ensemble: Ensemble, *, teacher: Teacher | None = None) -> GradientTrainer:
    network = find_network(ensemble.plan.architecture)
    return GradientTrainer(network=network, teacher=teacher, processes=ensemble.processes)


def _train_once(
    data: TrainingData,
    *,
    plan: TrainingPlan,
    trainer: GradientTrainer,
    file: Path,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> TrainedNetwork:
    """Train and keep the outcome in `file`, or read it from there."""
    digest = data.train.sha256()
    ended = load_checkpoint(file, plan=plan.as_dict(), data_sha256=digest)
    if ended is None:
        checkpoint = file.with_suffix(".checkpoint")
        trained = trainer.train(
            data, plan=plan, checkpoint=checkpoint, on_progress=on_progress, should_stop=should_stop
        )
        best = _rounded(trained.model.get_weights())
        ended = RunState(
            plan=plan.as_dict(),
            data_sha256=digest,
            epoch=len(trained.history) - 1,
            best_epoch=trained.best_epoch,
            history=trained.history,
            arrays={"best": best},
        )
        save_checkpoint(file, ended)
        checkpoint.unlink(missing_ok=True)
    return _read(ended, plan=plan, network=trainer.network)


def _rounded(weights: Arrays) -> Arrays:
    """As they are served, in float16."""
    return [w.astype(np.float16) for w in weights]


def _read(ended: RunState, *, plan: TrainingPlan, network: Network) -> TrainedNetwork:
    size, count = plan.preprocessing.input_size, len(plan.classes)
    model: Any = network.build(input_size=size, class_count=count, dropout=plan.dropout)
    model.set_weights([w.astype(np.float32) for w in ended.arrays["best"]])
    return TrainedNetwork(
        model=model,
        plan=plan,
        best_epoch=ended.best_epoch,
        history=ended.history,
        initial_weights=network.initial_weights(pretrained=plan.pretrained),
    )


def _shifted(on_progress: OnProgress, *, by: int, epochs: int) -> OnProgress:
    """Progress of one run as progress of all."""

    def tell(told: TrainingProgress) -> None:
        on_progress(replace(told, epoch=told.epoch + by, epochs=epochs))

    return tell
