"""Every architecture on one patient-disjoint split, whole training fold: AUROC and accuracy over seeds.

Runs are appended to var/benchmarks/architectures.jsonl as they end, and what stands
there is not run again, so that the table can be made in pieces. On an accelerator the
same runs go through `KERAS_BACKEND=jax`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from model_common import ROOT, folds, publish

from mlcore.engine.evaluation.metrics import auroc, bootstrap
from mlcore.engine.imaging.augment import Augmentation
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.inference.calibration import fit_calibration
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.chest import CHANGES, CLASSES
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.forward import forward
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.trainer import TrainedNetwork, find_trainer
from mlcore.engine.types import FloatArray

RESULTS = ROOT / "var/benchmarks/architectures.jsonl"
UNCHANGED = Augmentation(**dict.fromkeys(asdict(Augmentation()), 0.0))
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Setting:
    """What is compared; a run is a setting and a seed."""

    architecture: str
    epochs: int = 8
    augmented: bool = True
    size: int = 128
    learning_rate: float = 1e-3

    @property
    def frozen(self) -> bool:
        return self.epochs == 0


TRANSFER: dict[str, Any] = {"learning_rate": 3e-4}
SETTINGS = (
    Setting("svm_orb", epochs=1, augmented=False),
    Setting("svm_orb", epochs=1),
    Setting("tiny_cnn"),
    Setting("alexnet"),
    Setting("googlenet"),
    Setting("resnet18"),
    Setting("capsule"),
    Setting("vgg16", epochs=0, **TRANSFER),
    Setting("vgg16", augmented=False, **TRANSFER),
    Setting("vgg16", **TRANSFER),
    Setting("inception_v3", epochs=0, **TRANSFER),
    Setting("inception_v3", augmented=False, **TRANSFER),
    Setting("inception_v3", **TRANSFER),
    Setting("efficientnet_lite0", epochs=0, augmented=False, **TRANSFER),
    Setting("efficientnet_lite0", epochs=0, **TRANSFER),
    Setting("efficientnet_lite0", augmented=False, **TRANSFER),
    Setting("efficientnet_lite0", **TRANSFER),
)


def main() -> None:
    """Run what is missing for as long as is allowed, then publish what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=35.0, help="no run is started after this time")
    end = time.monotonic() + 60 * parser.parse_args().minutes
    os.nice(19)
    done = read_results()
    for seed in SEEDS:
        for setting in SETTINGS:
            if find(done, setting, seed) is None and time.monotonic() < end:
                done.append(run(setting, seed=seed))
                append_result(done[-1])
    publish_table(done)


def run(setting: Setting, *, seed: int) -> dict[str, Any]:
    """Train once, and score the whole test fold."""
    import keras

    keras.backend.clear_session()
    data = folds()
    plan = TrainingPlan(
        architecture=setting.architecture,
        classes=CLASSES,
        epochs=setting.epochs,
        learning_rate=setting.learning_rate,
        seed=seed,
        preprocessing=Preprocessing(input_size=setting.size),
        augmentation=CHANGES if setting.augmented else UNCHANGED,
    )
    trained = find_trainer(setting.architecture).train(data, plan=plan)
    validation, test = (logits(trained, fold) for fold in (data.validation, data.test))
    scores = fit_calibration(validation, data.validation.labels[:, 0]).probabilities(test)
    result = {
        **asdict(setting),
        "seed": seed,
        "initial_weights": trained.initial_weights,
        "best_epoch": trained.best_epoch,
        "auroc": auroc(data.test.labels[:, 0], scores),
        "accuracy": float(np.mean((scores >= 0.5) == data.test.labels[:, 0])),
        "weights": weights(trained.model),
        "scores": [round(float(score), 5) for score in scores],
    }
    print({name: value for name, value in result.items() if name != "scores"}, flush=True)
    return result


def logits(trained: TrainedNetwork, fold: LabelledPictures) -> FloatArray:
    """(n,) of the only condition."""
    inputs = plain_inputs(fold.pictures, plan=trained.plan)
    run_each = getattr(trained.model, "run_each", None)
    outputs = run_each(inputs) if run_each else forward(trained.model, inputs)
    return np.asarray(outputs["logits"][:, 0])


def weights(model: Any) -> int:
    """How many numbers were learned."""
    learned = model.get_weights() if hasattr(model, "get_weights") else model.arrays().values()
    return sum(int(np.size(values)) for values in learned)


def read_results() -> list[dict[str, Any]]:
    """All runs that have ended."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text().splitlines()]


def append_result(result: dict[str, Any]) -> None:
    """Keep one run."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(result) + "\n")


def find(done: list[dict[str, Any]], setting: Setting, seed: int) -> dict[str, Any] | None:
    """The result of a run, or None."""
    wanted = {**asdict(setting), "seed": seed}
    return next((r for r in done if all(r[name] == value for name, value in wanted.items())), None)


def publish_table(done: list[dict[str, Any]]) -> None:
    """One row for each setting that has run at least once."""
    rows = []
    for setting in SETTINGS:
        found = [r for seed in SEEDS if (r := find(done, setting, seed)) is not None]
        if found:
            rows.append(row(setting, found))
    test = folds().test
    note = (
        f"Trained on all {len(folds().train)} images of the training fold, judged on the {len(test)} images "
        f"of {len(set(test.groups))} patients of the test fold; one side and one number of epochs for all, "
        "so the table compares families at one budget and says nothing of what each could reach. Frozen: the "
        "head alone, by logistic regression on pooled features. Weights from ImageNet are used where they "
        "lie on the machine; VGG16's and InceptionV3's were not there, so frozen they are random features. "
        "AUROC: mean over seeds, 95 % bootstrap interval of that mean over patients, and lowest to highest "
        "seed. Accuracy at 0.5 after calibration on the validation images. Weights in millions."
    )
    header = "architecture|training|start|augmented|side|epochs|seeds|AUROC|over seeds|accuracy|weights"
    publish("Architectures on one split", header.split("|"), rows, note=note)


def row(setting: Setting, found: list[dict[str, Any]]) -> tuple[object, ...]:
    """The cells of one setting."""
    test = folds().test
    scores = np.array([r["scores"] for r in found]).T

    def mean_area(labels: Any, drawn: Any) -> float:
        return float(np.mean([auroc(labels, drawn[:, index]) for index in range(drawn.shape[1])]))

    area = bootstrap(test.labels[:, 0], scores, measure=mean_area, groups=np.array(test.groups), rounds=500)
    areas = [r["auroc"] for r in found]
    kind = "fitted" if setting.architecture == "svm_orb" else "frozen" if setting.frozen else "whole"
    return (
        setting.architecture,
        kind,
        " ".join(sorted({r["initial_weights"] for r in found})),
        "yes" if setting.augmented else "no",
        setting.size,
        setting.epochs,
        len(found),
        f"{area.value:.3f} [{area.low:.3f}, {area.high:.3f}]",
        f"{min(areas):.3f} to {max(areas):.3f}",
        f"{np.mean([r['accuracy'] for r in found]):.3f}",
        f"{found[0]['weights'] / 1e6:.1f}",
    )


if __name__ == "__main__":
    main()
