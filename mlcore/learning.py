"""Makes a candidate from a dataset version: by a new head, or by training the whole network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlcore.engine import artifacts
from mlcore.engine.artifacts import Artifact
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.networks.registry import find_network
from mlcore.engine.training.data import Fold, TrainingData
from mlcore.engine.training.features import two_sided
from mlcore.engine.training.package import Description, write_model
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.progress import OnProgress, ShouldStop, TrainingProgress, TrainingStopped
from mlcore.engine.training.quick import NoQuickUpdate, QuickPlan, quick_update
from mlcore.engine.training.trainer import find_trainer
from mlcore.engine.types import ModelFacts
from mlcore.material import (
    NothingToLearn,
    Pictures,
    Row,
    classes_to_learn,
    labelled_features,
    labelled_pictures,
    network_predictor,
    rows_of,
)
from mlcore.models import DatasetVersion, ModelVersion, TrainingKind, TrainingRun
from mlcore.selectors import active_version
from mlcore.selectors.training import dataset_version_of
from mlcore.serving import local_copy

LIMITS = ("Learned from what was signed at this installation, and never tried at another.",)


@dataclass(frozen=True)
class Listener:
    """Whom a training tells how far it is, and asks whether to go on."""

    on_progress: OnProgress
    should_stop: ShouldStop

    def go_on(self) -> None:
        """Raise TrainingStopped when the training is to stop."""
        if self.should_stop():
            raise TrainingStopped("The training run was stopped.")

    def counted(self, count: int) -> "Counter":
        """Return a `go_on` that tells of each of `count` images."""
        return Counter(self, count)


class Counter:
    """Tells of one image after the other."""

    def __init__(self, listener: Listener, count: int) -> None:
        self.listener, self.count, self.done = listener, count, 0

    def __call__(self) -> None:
        self.listener.go_on()
        self.done += 1
        self.listener.on_progress(TrainingProgress(0, 1, self.done, self.count, None, None, None))


def learn(run: TrainingRun, *, folder: Path, listener: Listener) -> Path:
    """Write the candidate of a run into `folder` and return its path; what was begun there goes on."""
    output = folder / "candidate.mmodel"
    if run.kind == TrainingKind.QUICK:
        learn_quickly(run, output=output, listener=listener)
    else:
        learn_fully(run, output=output, checkpoint=folder / "checkpoint.npz", listener=listener)
    return output


def load(version: ModelVersion) -> Artifact:
    """Read the artifact of a registered version."""
    return artifacts.load_artifact(local_copy(version), expected_sha256=version.artifact_sha256)


def learn_quickly(run: TrainingRun, *, output: Path, listener: Listener) -> ModelFacts:
    """Give the incumbent a new head; raise NoQuickUpdate where there is no incumbent."""
    incumbent = active_version(run.examination_type)
    if incumbent is None:
        raise NoQuickUpdate("There is no active model whose head could be updated.")
    artifact = load(incumbent)
    predictor = network_predictor(incumbent)
    pictures = Pictures(predictor.preprocessing)
    listed = rows_of(run.dataset_version)
    rows = pictures.readable(listed, go_on=listener.counted(len(listed)))
    classes = classes_to_learn(rows, known=incumbent.classes)
    if not rows:
        raise NothingToLearn("The dataset version holds no image that can be read.")
    data = labelled_features(
        rows, predictor=predictor, classes=classes, pictures=pictures, go_on=listener.counted(len(rows))
    )
    return quick_update(
        artifact,
        data,
        plan=QuickPlan(
            classes=classes,
            seed=run.seed,
            created_at=run.requested_at.isoformat(timespec="seconds"),
            dataset_sha256=run.dataset_version.manifest_sha256,
        ),
        learned_before=_learned_by(dataset_version_of(incumbent), rows),
        pictures=lambda chosen: [pictures.picture(rows[i]) for i in chosen],
        output=output,
    )


def _learned_by(
    version: DatasetVersion | None, rows: list[Row]
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which rows the incumbent learned from, as far as this installation knows."""
    learned = {row.content_key for row in rows_of(version) if row.fold == Fold.TRAIN} if version else set()
    return np.array([row.content_key in learned for row in rows], bool)


def learn_fully(run: TrainingRun, *, output: Path, checkpoint: Path, listener: Listener) -> ModelFacts:
    """Train a whole network, from its checkpoint where there is one."""
    incumbent = active_version(run.examination_type)
    how = Preprocessing(input_size=find_network(run.architecture).input_size)
    pictures = Pictures(how)
    listed = rows_of(run.dataset_version)
    rows = pictures.readable(listed, go_on=listener.counted(len(listed)))
    classes = classes_to_learn(rows, known=incumbent.classes if incumbent else ())
    if not classes:
        raise NothingToLearn("No condition is labelled as present in the dataset version.")
    data = labelled_pictures(rows, classes=classes, pictures=pictures)
    _require_both_sides(data, classes=classes)
    trained = find_trainer(run.architecture).train(
        data,
        plan=full_plan(run, classes=classes, how=how),
        checkpoint=checkpoint,
        on_progress=listener.on_progress,
        should_stop=listener.should_stop,
    )
    listener.go_on()
    return write_model(
        trained,
        data,
        output=output,
        described=Description(
            name=incumbent.name if incumbent else str(run.examination_type),
            examination_type=run.examination_type.code,
            created_at=run.requested_at.isoformat(timespec="seconds"),
            intended_use=incumbent.intended_use if incumbent else "",
            limits=tuple(incumbent.limits) if incumbent else LIMITS,
        ),
        say=lambda _: listener.go_on(),
    )


def full_plan(run: TrainingRun, *, classes: tuple[str, ...], how: Preprocessing) -> TrainingPlan:
    """The settings of a full training; the schedule is left to end, and the best epoch is kept."""
    return TrainingPlan(
        architecture=run.architecture,
        classes=classes,
        epochs=run.epochs,
        patience=run.epochs + 1,
        seed=run.seed,
        preprocessing=how,
    )


def _require_both_sides(data: TrainingData, *, classes: tuple[str, ...]) -> None:
    folds = {Fold.TRAIN: data.train, Fold.VALIDATION: data.validation, Fold.TEST: data.test}
    for name, part in folds.items():
        for index, code in enumerate(classes):
            if not two_sided(part.labels[:, index], np.ones(len(part), bool)):
                raise NothingToLearn(
                    f"The {name} fold needs images that have the condition {code} and images that do not."
                )
