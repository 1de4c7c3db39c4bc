"""How many labels the order of the most informative saves, against signing images as they come."""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from model_common import DATA, publish
from threadpoolctl import threadpool_limits

from mlcore.engine.evaluation.metrics import auroc
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.inference.calibration import Calibration
from mlcore.engine.inference.embedding import fit_projection
from mlcore.engine.inference.label_order import entropy, label_order
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.networks.registry import find_network
from mlcore.engine.training.chest import read_picture
from mlcore.engine.training.features import describe
from mlcore.engine.training.head_fit import cross_fitted, fit_change
from mlcore.engine.training.operating import calibrate_near
from mlcore.engine.training.serving_form import serving_form
from mlcore.engine.types import FloatArray

SEEDS = 10
ORDERS = ("as they come", "most informative", "entropy alone", "novelty alone")


@dataclass(frozen=True)
class Task:
    """One examination type: what is labeled, in which steps, up to how many."""

    title: str
    dataset: str
    absent: str
    pool: int
    first: int
    step: int
    last: int


TASKS = (
    Task("chest radiographs of children", "cxr_kermany", "NORMAL", pool=1000, first=50, step=50, last=500),
    Task("brain MRI", "mri_brain", "notumor", pool=1400, first=50, step=75, last=350),
    Task("breast ultrasound", "us_breast", "normal", pool=350, first=40, step=40, last=240),
)


@cache
def backbone() -> tuple[RunnableNetwork, Preprocessing]:
    """The network that the first model of an examination type begins with: ImageNet weights, no training."""
    network = find_network("efficientnet_lite0")
    model = network.build(input_size=network.input_size, class_count=1, dropout=0.0)
    if network.initialize is None:
        raise SystemExit("The pretrained weights are not installed.")
    network.initialize(model, np.zeros((1, network.input_size, network.input_size, 1), np.float32))
    return serving_form(model).network, Preprocessing(input_size=network.input_size)


@dataclass(frozen=True)
class Described:
    """All images of a data set."""

    features: FloatArray
    labels: FloatArray
    """(n, conditions)"""
    patients: tuple[str, ...]


def features_of(task: Task, *, kept_in: Path | None) -> Described:
    """Describe each image of the task, or read what was kept of an earlier run."""
    with (DATA / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == task.dataset]
    names = sorted({row["label"] for row in rows} - {task.absent})
    labels = np.array([[row["label"] == name for name in names] for row in rows], np.float32)
    patients = tuple(row["group"] or row["path"] for row in rows)
    path = kept_in / f"{task.dataset}.npy" if kept_in else None
    if path is not None and path.exists():
        return Described(np.asarray(np.load(path), np.float32), labels, patients)
    network, how = backbone()
    pictures = (read_picture(DATA / row["path"], size=how.stored_size) for row in rows)
    found = np.stack([describe(network, picture, how=how)[0] for picture in pictures])
    if path is not None:
        np.save(path, found)
    return Described(found, labels, patients)


def curve(task: Task, data: Described, *, order: str, seed: int) -> FloatArray:
    """AUROC on images of patients outside of the pool after each step, the mean over conditions."""
    features, labels = data.features, data.labels
    drawn = np.random.default_rng(seed).permutation(len(features))
    pool = drawn[: task.pool]
    known_patients = {data.patients[i] for i in pool}
    test = np.array([i for i in drawn[task.pool :] if data.patients[i] not in known_patients])
    vectors = fit_projection(features[pool[: task.first]]).apply(features[pool])
    labeled = list(range(task.first))
    areas = []
    while True:
        known, said = features[pool[labeled]], labels[pool[labeled]]
        none = np.zeros(len(labeled), np.float32)
        heads = [fit_change(known, column, earlier=none) for column in said.T]
        areas.append(
            np.mean([auroc(labels[test, i], head.logits(features[test])) for i, head in enumerate(heads)])
        )
        if len(labeled) >= task.last:
            return np.array(areas, np.float32)
        left = np.setdiff1d(np.arange(task.pool), labeled)
        if order == "as they come":
            labeled += left[: task.step].tolist()
            continue
        if order == "novelty alone":
            even = np.ones(len(left), np.float32)
            best = label_order(even, vectors[left], labeled=vectors[labeled])
            labeled += left[best[: task.step]].tolist()
            continue
        groups = tuple(data.patients[i] for i in pool[labeled])
        calibrated = []
        for head, column in zip(heads, said.T, strict=True):
            held_out = cross_fitted(known, column, earlier=none, groups=groups, seed=seed)
            calibration = calibrate_near(held_out, column, start=Calibration())
            calibrated.append(calibration.probabilities(head.logits(features[pool[left]])))
        doubt = entropy(np.stack(calibrated, axis=1))
        best = np.argsort(-doubt, kind="stable")
        if order == "most informative":
            best = label_order(doubt, vectors[left], labeled=vectors[labeled])
        labeled += left[best[: task.step]].tolist()


def needed(task: Task, areas: FloatArray, *, aim: float) -> float:
    """How many labels reach the aim, between the steps by straight lines."""
    at = task.first + task.step * np.arange(len(areas))
    reached = np.flatnonzero(areas >= aim)
    if not len(reached):
        return float("nan")
    place = int(reached[0])
    if place == 0:
        return float(at[0])
    part = (aim - areas[place - 1]) / (areas[place] - areas[place - 1])
    return float(at[place - 1] + part * task.step)


def main() -> None:
    """Measure each examination type and publish the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--keep-features-in", type=Path)
    asked.add_argument("--only", choices=[task.dataset for task in TASKS], help="One of the data sets.")
    options = asked.parse_args()
    threadpool_limits(1)
    rows = []
    for task in [task for task in TASKS if options.only in (None, task.dataset)]:
        data = features_of(task, kept_in=options.keep_features_in)
        found = {
            order: [curve(task, data, order=order, seed=seed) for seed in range(SEEDS)] for order in ORDERS
        }
        aims = [float(areas[-1]) for areas in found["as they come"]]
        for order in ORDERS:
            counts = [needed(task, a, aim=aim) for a, aim in zip(found[order], aims, strict=True)]
            last = [float(areas[-1]) for areas in found[order]]
            middle = [float(areas[len(areas) // 2]) for areas in found[order]]
            shown = ", ".join("not reached" if np.isnan(count) else f"{count:.0f}" for count in counts)
            saved = 1 - np.nan_to_num(np.array(counts), nan=task.last) / task.last
            half = task.first + task.step * (len(found[order][0]) // 2)
            row = (
                task.title,
                order,
                f"{np.mean(middle):.4f} at {half}",
                f"{np.mean(last):.4f} at {task.first + task.step * (len(found[order][0]) - 1)}",
                shown,
                f"{saved.mean():.0%}",
            )
            print(*row, sep=" | ", flush=True)
            rows.append(row)
    publish(
        "What to label next",
        (
            "images",
            "order of signing",
            "AUROC half-way",
            "AUROC at the end",
            f"labels for what random order reaches at its end, by seed 0 to {SEEDS - 1}",
            "labels saved",
        ),
        rows,
        note=(
            "A head is fitted anew on the features of EfficientNet-Lite0 with ImageNet weights, as of a new "
            "examination type, after each step; AUROC is the mean over conditions on images outside of the "
            "pool that is labeled. "
            "Pool, first labels and test images are drawn by the seed. The weight of novelty against entropy "
            "was chosen on chest radiographs. The other sets hold near-copies, which novelty is there to put "
            "off. Novelty alone is the order that readers get who read blind. A seed that did not reach it "
            "counts as nothing saved."
        ),
    )


if __name__ == "__main__":
    main()
