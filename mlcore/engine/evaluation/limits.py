"""Where the gate closes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a candidate may lose at worst, and on how many images that is measured."""

    auroc_margin: float = 0.01
    """How much lower the AUROC may at worst be, as the lower end of the interval of the difference."""
    rate_margin: float = 0.05
    """The same for sensitivity and specificity at the operating points."""
    few_images: float = 3.0
    """So many images' worth may a rate be lower at worst, where that is more than its margin.

    The interval of a rate that lost one image of n reaches down to about 3 / n. Below 60
    images one that was drawn badly would refuse every candidate.
    """
    few_images_from: int = 30
    """Of fewer images none may be lost: a rate that is 20 points worse loses one of 13 at most every fifth
    time, but one of 30 hardly ever (`benchmarks/worse_models.py`)."""
    ece_margin: float = 0.02
    """How far the calibration error may be above the incumbent's.

    Where there is none: above what chance makes of a perfect one on so many images, or one
    bold mistake among 75 would refuse a model that is good.
    """
    negative_flips: float = 0.02
    withheld_margin: float = 0.02
    least_rows: int = 50
    least_of_each: int = 10
    """Images with a condition, and without it."""
    least_patients: int = 30
    new_class_auroc: float = 0.75
    """Lower end of the interval, for a condition that the incumbent does not know."""
    automatic_loss: float = 0.05
    """A fall of a rate that must be found four times in five where nobody looks at the candidate."""
    rounds: int = 2000
