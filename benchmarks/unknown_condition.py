"""COVID-19 as a condition that nobody foresaw: found by likeness first, then given an output."""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from installation import begin
from model_common import DATA, publish, shipped

CHILDREN, SICK, ADULTS, SEED = 500, 300, 300, 4
POOL, DRAWS = 100, 5
"""Images of COVID-19, and of other adults, that the signed ones are drawn from."""
FEW, MANY = (10, 20, 40), (50, 100)
CLASSES = ("pneumonia", "covid-19")


@dataclass(frozen=True)
class Described:
    """Images of one folder, as the shipped model sees them."""

    pictures: list[Any]
    embeddings: Any
    layers: Any
    vectors: Any
    withheld: Any
    present: Any
    groups: tuple[str, ...]

    def part(self, chosen: Any) -> Described:
        """Some of them."""
        arrays = (self.embeddings, self.layers, self.vectors, self.withheld, self.present)
        pictures = [self.pictures[i] for i in chosen]
        return Described(pictures, *(a[chosen] for a in arrays), tuple(self.groups[i] for i in chosen))


def described(folder: str, count: int) -> Described:
    """Draw images and work out everything that does not depend on what is signed."""
    from mlcore.engine.evaluation.answers import answers_of
    from mlcore.engine.inference.loader import predictor_from
    from mlcore.engine.training.chest import read_picture
    from mlcore.engine.training.features import describe

    with (DATA / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith(folder)]
    rows = [rows[i] for i in np.random.default_rng(SEED).permutation(len(rows))[:count]]
    predictor = predictor_from(shipped())
    pictures = [read_picture(DATA / row["path"], size=224) for row in rows]
    found = [describe(predictor.network, p, how=predictor.preprocessing) for p in pictures]
    embeddings = np.stack([one[0] for one in found])
    return Described(
        pictures=pictures,
        embeddings=embeddings,
        layers=np.stack([one[1] for one in found]),
        vectors=predictor.projection.apply(embeddings),
        withheld=answers_of(predictor, pictures).withheld,
        present=np.array([row["label"] == "PNEUMONIA" for row in rows], np.float32),
        groups=tuple(f"{row['dataset']}-{row['group'] or row['path']}" for row in rows),
    )


def named(signed: Sequence[tuple[Described, bool]], shown: Described) -> tuple[float, float]:
    """Which part of the images the rule of the study page names, and which part a vote of the nearest."""
    from mlcore.engine.inference.likeness import fit_likeness

    layers, vectors = (
        np.concatenate([getattr(part, name) for part, _ in signed]) for name in ("layers", "vectors")
    )
    carries = np.concatenate([np.full(len(part.vectors), is_it) for part, is_it in signed])
    groups = [group for part, _ in signed for group in part.groups]
    rule = fit_likeness(layers, is_example=carries, groups=groups)
    found = [rule is not None and rule.names(own) for own in shown.layers]
    nearest = np.argsort(-shown.vectors @ vectors.T, axis=1, kind="stable")[:, :5]
    votes = carries[nearest].sum(axis=1) >= 3
    return float(np.mean(found)), float(votes.mean())


def updated(children: Described, sick: Described, *, seed: int, folder: Path) -> tuple[str, ...]:
    """Give the condition an output by a quick update, and measure on the test fold before and after."""
    from mlcore.engine.artifacts import file_sha256, load_predictor
    from mlcore.engine.evaluation.answers import answers_of
    from mlcore.engine.evaluation.metrics import auroc
    from mlcore.engine.inference.loader import predictor_from
    from mlcore.engine.training.data import Fold, fold_of
    from mlcore.engine.training.features import LabelledFeatures, complete_labels
    from mlcore.engine.training.quick import QuickPlan, quick_update

    groups, pictures = children.groups + sick.groups, children.pictures + sick.pictures
    nothing = np.full(len(sick.present), np.nan)
    labels = np.array(
        [
            *zip(children.present, np.full(len(children.present), np.nan), strict=True),
            *zip(nothing, np.ones(len(sick.present)), strict=True),
        ],
        np.float32,
    )
    key = f"division {seed}".encode()
    data = LabelledFeatures(
        embeddings=np.concatenate([children.embeddings, sick.embeddings]),
        layers=np.concatenate([children.layers, sick.layers]),
        labels=complete_labels(labels)[0],
        groups=groups,
        keys=tuple(map(str, range(len(groups)))),
        folds=tuple(fold_of(group, key=key, validation=0.2, test=0.3) for group in groups),
    )
    path = folder / f"{len(sick.present)}-{seed}.mmodel"
    quick_update(
        shipped(),
        data,
        plan=QuickPlan(CLASSES, seed, "2026-01-01T00:00:00+00:00", "d" * 64),
        learned_before=np.zeros(len(data), bool),
        pictures=lambda rows: [pictures[i] for i in rows],
        output=path,
    )
    test = np.flatnonzero(data.of(Fold.TEST))
    shown, truth = [pictures[i] for i in test], data.labels[test]
    before = answers_of(predictor_from(shipped()), shown)
    after = answers_of(load_predictor(path, expected_sha256=file_sha256(path)), shown)
    known, has_it = np.isfinite(truth[:, 0]), truth[:, 1] == 1
    old = [auroc(truth[known, 0], answers.column("pneumonia")[known]) for answers in (before, after)]
    return (
        str(len(sick.present)),
        str(seed),
        f"{old[0]:.4f}",
        f"{old[1]:.4f}",
        f"{old[1] - old[0]:+.4f}",
        f"{auroc(truth[:, 1], after.column('covid-19')):.4f}",
        f"{before.withheld[has_it].mean():.0%}",
        f"{after.withheld[has_it].mean():.0%}",
    )


def main() -> None:
    """Measure both and publish two tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=3, help="0 measures likeness alone")
    options = asked.parse_args()
    var, folder = begin(), Path(tempfile.mkdtemp())
    try:
        children = described("cxr_kermany/train/", CHILDREN)
        sick, adults = described("cxr_covid/", SICK), described("cxr_nih/", ADULTS)
        publish_likeness(children, sick, adults)
        if options.seeds:
            publish_outputs(children, sick, seeds=options.seeds, folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(var, ignore_errors=True)


def publish_likeness(children: Described, sick: Described, adults: Described) -> None:
    """Which images resemble the condition, by the number of signed examples."""
    half = CHILDREN // 2
    signed_children, other_children = children.part(np.arange(half)), children.part(np.arange(half, CHILDREN))
    shown = sick.part(np.arange(POOL, SICK)), other_children, adults.part(np.arange(POOL, ADULTS))
    rows = []
    for count in FEW:
        for known in (0, count):
            found = []
            for seed in range(DRAWS):
                rng = np.random.default_rng(seed)
                signed = [(sick.part(rng.permutation(POOL)[:count]), True), (signed_children, False)]
                if known:
                    signed.append((adults.part(rng.permutation(POOL)[:known]), False))
                found.append([named(signed, images) for images in shown])
            mean = np.mean(found, axis=0)
            rows.append((count, known, *(f"{rule:.0%}" for rule, _ in mean), f"{mean[0, 1]:.0%}"))
            print(*rows[-1], flush=True)
    publish(
        "A condition that nobody foresaw: likeness",
        (
            "signed with COVID-19",
            "adults signed without",
            "COVID-19 found",
            "children named",
            "adults named",
            "COVID-19 found by a vote of the 5 nearest",
        ),
        rows,
        note=(
            "Part of other images that the rule of the study page holds to resemble COVID-19, beside "
            f"{half} signed children without it; the mean over {DRAWS} draws of the signed images, seeded. "
            "The rule rests on what the shipped network's earlier layers see; the vote on the vectors that "
            "similar images are found by, which hardly tell COVID-19 from anything. "
            f"{sick.withheld.mean():.0%} of the images of COVID-19 are withheld, because they are adults; "
            "they are compared all the same. Where no adult is signed as free of it, adults (cxr_nih) and "
            "COVID-19 are one kind of image, and nothing could tell them apart; each adult that is signed "
            "without it helps."
        ),
    )


def publish_outputs(children: Described, sick: Described, *, seeds: int, folder: Path) -> None:
    """What an output for the condition costs those that were there before."""
    rows = []
    for count in MANY:
        for seed in range(seeds):
            rows.append(updated(children, sick.part(np.arange(count)), seed=seed, folder=folder))
            print(*rows[-1], flush=True)
    publish(
        "A condition that nobody foresaw: an output",
        (
            "signed with COVID-19",
            "seed",
            "AUROC of pneumonia before",
            "after",
            "change",
            "AUROC of COVID-19",
            "of its images withheld before",
            "after",
        ),
        rows,
        note=(
            f"A quick update of the shipped model, beside {CHILDREN} signed children; measured on the test "
            "fold, which the seed divides. The AUROC of a condition that was there may fall by .01. The "
            "images of COVID-19 are of adults from other hospitals: telling them from children shows that a "
            "condition can be added, not that COVID-19 is recognized."
        ),
    )


if __name__ == "__main__":
    main()
