"""Intervals of differences between two models on the same rows, drawing whole patients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.evaluation.metrics import ece

Array = NDArray[Any]


def quick_auroc(labels: Array, scores: Array) -> float:
    """The AUROC from ranks (Mann and Whitney 1947); NaN when only one class is there."""
    from scipy.stats import rankdata

    present = labels == 1
    count = int(present.sum())
    if count in (0, len(labels)):
        return math.nan
    ranks = rankdata(scores)
    return float((ranks[present].sum() - count * (count + 1) / 2) / (count * (len(labels) - count)))


def draws(groups: Array, *, rounds: int, seed: int) -> Iterator[Array]:
    """Rows of `rounds` draws of as many patients as there are, with replacement."""
    names = np.unique(groups, return_inverse=True)[1]
    members = np.argsort(names, kind="stable")
    sizes = np.bincount(names)
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        drawn = rng.integers(0, len(sizes), len(sizes))
        ends = np.cumsum(sizes[drawn])
        within = np.arange(ends[-1]) - np.repeat(ends - sizes[drawn], sizes[drawn])
        yield members[np.repeat(starts[drawn], sizes[drawn]) + within]


def mean_auroc_difference(
    labels: Array, after: Array, before: Array, *, groups: Array, rounds: int, seed: int
) -> tuple[float, float]:
    """How much higher the mean AUROC is after than before, and the lower end of its 95 % interval.

    All are (n, classes); labels are NaN where nothing is known.
    """

    def difference(rows: Array) -> float:
        changes = []
        for column in range(labels.shape[1]):
            known = rows[np.isfinite(labels[rows, column])]
            target = labels[known, column]
            changes.append(
                quick_auroc(target, after[known, column]) - quick_auroc(target, before[known, column])
            )
        found = [change for change in changes if not math.isnan(change)]
        return float(np.mean(found)) if found else math.nan

    values = [difference(rows) for rows in draws(groups, rounds=rounds, seed=seed)]
    return difference(np.arange(len(labels))), _low(values)


def mean_interval(values: Array, *, groups: Array, rounds: int, seed: int) -> tuple[float, float]:
    """A mean and the lower end of its 95 % interval."""
    drawn = [float(values[rows].mean()) for rows in draws(groups, rounds=rounds, seed=seed)]
    return float(values.mean()), _low(drawn)


def auroc_interval(
    labels: Array, scores: Array, *, groups: Array, rounds: int, seed: int
) -> tuple[float, float]:
    """The 95 % interval of an AUROC."""
    values = [quick_auroc(labels[rows], scores[rows]) for rows in draws(groups, rounds=rounds, seed=seed)]
    found = [value for value in values if not math.isnan(value)]
    if not found:
        return 0.0, 1.0
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def ece_by_chance(probabilities: Array, *, seed: int, rounds: int = 500) -> float:
    """The calibration error that a perfectly calibrated model stays below 99 times in 100.

    Outcomes are drawn from the probabilities themselves (Broecker and Smith 2007).
    """
    rng = np.random.default_rng(seed)
    drawn = [ece(rng.random(len(probabilities)) < probabilities, probabilities) for _ in range(rounds)]
    return float(np.quantile(drawn, 0.99))


def _low(values: list[float]) -> float:
    found = [value for value in values if not math.isnan(value)]
    return float(np.quantile(found, 0.025)) if found else -1.0
