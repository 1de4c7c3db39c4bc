"""How small a loss a test fold can show: what the gate may miss, in numbers.

No rule makes few images tell more. Of a model that loses none of 37 images it may still be
true that it is 8 points worse (the rule of three); so the gate says what it could have
missed, and nobody but a person lets a candidate through that was measured on too little.
"""

from __future__ import annotations

from dataclasses import dataclass

ROUNDING = 1e-9
"""Rates of few images fall on the limit itself."""
FOUND = 0.8
"""How often a loss must be found to count as one that the test fold shows."""


@dataclass(frozen=True)
class Power:
    """What the test fold can show of one rate."""

    name: str
    patients: int
    may_lose: int
    """Patients who may get a wrong answer instead of a right one, none the other way around."""
    loss: float
    """A fall of the rate by so much, or more, is refused `FOUND` of the times."""


def power_of(name: str, *, patients: int, margin: float, flips: int) -> Power:
    """Work it out for a rate that is measured on `patients`, of whom `flips` may turn wrong at most.

    Losses are taken to strike patients independently, and to be all that changes.
    """
    from scipy.stats import beta

    allowed = 0
    while allowed < min(flips, patients - 1) and _passes(allowed + 1, patients=patients, margin=margin):
        allowed += 1
    # The chance of at most `allowed` losses falls to 1 - FOUND here (Clopper and Pearson 1934).
    loss = float(beta.ppf(FOUND, allowed + 1, patients - allowed)) if patients else 1.0
    return Power(name, patients, allowed, loss)


def _passes(lost: int, *, patients: int, margin: float) -> bool:
    """Whether so many losses stay within the margin: the bootstrap of a part of patients is a binomial."""
    from scipy.stats import binom

    return bool(binom.ppf(0.975, patients, lost / patients) <= patients * margin + ROUNDING)
