"""How much the seed decides: members of the shipped recipe, their mean, and the pupil that ships.

Reads the members that `manage.py train_model --members ... --checkpoint FOLDER` leaves, one
folder for each recipe below var/benchmarks/seeds, and scores the test fold with its copies.
Answers are kept in answers.npz there, so that a network is asked once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from model_common import ROOT, folds, publish

from mlcore.engine.evaluation.metrics import auroc
from mlcore.engine.evaluation.shifts import SHIFTS, shifted
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.networks.registry import find_network
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.chest import CLASSES
from mlcore.engine.training.forward import Forward
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

FOLDER = ROOT / "var/benchmarks/seeds"
ARCHITECTURE = "efficientnet_lite0"
RECIPES = {"planted": "as shipped", "plain": "without planted opacities"}
Answers = dict[str, FloatArray]
"""By recipe, network and shift, with bars between: logits of the test fold."""


def main() -> None:
    """Ask what was not asked yet, and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    kept = folder / "answers.npz"
    answers: Answers = {}
    if kept.exists():
        with np.load(kept) as stored:
            answers = {name: stored[name] for name in stored.files}
    for file in sorted(folder.glob("*/*.npz")):
        name = f"{file.parent.name}|{file.stem}"
        if f"{name}|as stored" not in answers:
            answers |= {f"{name}|{shift}": z for shift, z in asked(file).items()}
            np.savez(kept, **answers)
    publish_table(answers)


def asked(file: Path) -> Answers:
    """Logits of the test fold by shift, of the network whose weights are in `file`."""
    with np.load(file) as stored:
        best = [stored[name].astype(np.float32) for name in sorted(stored.files) if name.startswith("best/")]
    how = Preprocessing()
    plan = TrainingPlan(architecture=ARCHITECTURE, classes=CLASSES, preprocessing=how)
    model = find_network(ARCHITECTURE).build(input_size=how.input_size, class_count=1, dropout=0.0)
    model.set_weights(best)
    run = Forward(model)
    pictures = folds().test.pictures
    return {
        name: run(plain_inputs(shifted(pictures, name=name), plan=plan))["logits"][:, 0] for name in SHIFTS
    }


def publish_table(answers: Answers) -> None:
    """One row for each network, and for the spread and the mean of each recipe's members."""
    rows: list[tuple[object, ...]] = []
    for recipe, title in RECIPES.items():
        networks = sorted({key.split("|")[1] for key in answers if key.startswith(f"{recipe}|")})
        members = [name for name in networks if name.startswith("member")]
        found = {name: areas(answers, recipe, [name]) for name in networks}
        rows += [(title, f"seed {name.split('-')[1]}", *cells(found[name])) for name in members]
        if members:
            stored = [found[name][0] for name in members]
            spread = f"{np.mean(stored):.4f} +- {np.std(stored, ddof=1):.4f}"
            rows.append((title, f"mean and spread of {len(members)} seeds", spread, "", ""))
            rows.append((title, "their mean answer", *cells(areas(answers, recipe, members))))
        if "pupil" in networks:
            rows.append((title, "the network that learned from them", *cells(found["pupil"])))
    note = (
        "AUROC on the test fold. The networks of one recipe differ by their seed alone; shifted copies are "
        "those of the table of accuracy."
    )
    header = ("recipe", "network", "as stored", "mean over copies", "worst copy")
    publish("Seeds of the shipped recipe", header, rows, note=note)


def areas(answers: Answers, recipe: str, networks: Iterable[str]) -> list[float]:
    """AUROC by shift, as stored first, of the mean probability of the networks."""
    labels = folds().test.labels[:, 0]
    found = []
    for shift in SHIFTS:
        said = [1 / (1 + np.exp(-answers[f"{recipe}|{name}|{shift}"])) for name in networks]
        found.append(auroc(labels, np.mean(said, axis=0)))
    return found


def cells(found: list[float]) -> tuple[str, str, str]:
    """As stored, the mean over all, and the worst."""
    return f"{found[0]:.4f}", f"{np.mean(found):.4f}", f"{min(found):.4f}"


if __name__ == "__main__":
    main()
