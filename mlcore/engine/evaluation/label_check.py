"""Looks for batches whose labels contradict what all the other images teach.

Every image is judged by a head that was fitted without its patient, so that no label
can vouch for itself (Northcutt 2021, arXiv:1911.00068). Labels given at random, or
turned around, are contradicted far more often than the labels that were there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.training.head_fit import cross_fitted
from mlcore.engine.types import FloatArray

MORE_ALLOWED = 0.10
"""How much more often than the earlier labels a batch may be contradicted."""
CHANCE = 0.01
"""A difference that chance alone makes at least this often is not held against a batch."""
LEAST_ROWS = 10
"""Smaller batches are not judged; they are joined with the ones after them by whoever calls."""


@dataclass(frozen=True)
class BatchCheck:
    """One batch and one condition."""

    batch: int
    condition: str
    rows: int
    contradicted: float
    expected: float
    suspicious: bool


@dataclass(frozen=True)
class LabelCheck:
    """All batches, and the images whose labels are contradicted."""

    batches: tuple[BatchCheck, ...] = ()
    contradicted_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By condition: keys in the new batches, the most contradicted first."""

    @property
    def suspicious(self) -> tuple[BatchCheck, ...]:
        return tuple(check for check in self.batches if check.suspicious)


def check_labels(
    features: FloatArray,
    labels: FloatArray,
    *,
    classes: tuple[str, ...],
    groups: tuple[str, ...],
    keys: tuple[str, ...],
    batches: NDArray[np.int64],
    expected: Mapping[str, float],
    seed: int,
) -> LabelCheck:
    """Check every batch above 0 against batch 0, which is what the incumbent knew.

    `features` is (n, features), `labels` (n, classes) with NaN where nothing is known.
    `expected` is the part of contradicted labels to expect of a condition where batch 0
    is too small to tell, such as the error that the incumbent states.
    """
    found: list[BatchCheck] = []
    doubtful: dict[str, tuple[str, ...]] = {}
    for column, code in enumerate(classes):
        known = np.flatnonzero(np.isfinite(labels[:, column]))
        if len(np.unique(labels[known, column])) < 2:
            continue
        target = labels[known, column]
        scores = cross_fitted(
            features[known],
            target,
            earlier=np.zeros(len(known), np.float32),
            groups=tuple(groups[i] for i in known),
            seed=seed,
        )
        wrong = (scores > 0) != (target == 1)
        found += _checks(wrong, batches[known], code=code, fallback=expected.get(code, 0.1))
        order = np.argsort(-np.abs(scores))
        doubtful[code] = tuple(keys[known[i]] for i in order if wrong[i] and batches[known[i]] > 0)
    return LabelCheck(batches=tuple(found), contradicted_keys=doubtful)


def _checks(
    wrong: NDArray[np.bool_], batches: NDArray[np.int64], *, code: str, fallback: float
) -> list[BatchCheck]:
    from scipy.stats import binomtest, fisher_exact

    earlier = wrong[batches == 0]
    large = len(earlier) >= 3 * LEAST_ROWS
    expected = float(earlier.mean()) if large else fallback
    checks = []
    for batch in sorted(set(batches.tolist()) - {0}):
        own = wrong[batches == batch]
        if len(own) < LEAST_ROWS:
            continue
        if large:
            table = [[own.sum(), (~own).sum()], [earlier.sum(), (~earlier).sum()]]
            chance = float(fisher_exact(table, alternative="greater").pvalue)
        else:
            chance = float(binomtest(int(own.sum()), len(own), expected, alternative="greater").pvalue)
        share = float(own.mean())
        suspicious = share - expected > MORE_ALLOWED and chance < CHANCE
        checks.append(BatchCheck(int(batch), code, len(own), share, expected, suspicious))
    return checks
