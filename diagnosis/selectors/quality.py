"""What was measured of an image's quality, in words."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from diagnosis.models import Analysis
from mlcore.engine.types import WithheldReason

NAMES: dict[str, str | Promise] = {
    "spread": _("Contrast"),
    "sharpness": _("Sharpness"),
    "noise": _("Noise"),
    "brightness": _("Brightness"),
    "constant": _("One gray value"),
    "out_of_distribution_distance": _("Distance from the images it was validated on"),
    "outside_validated_range": _("Log odds of lying outside of the validated range"),
}
STRIP = ("spread", "sharpness", "noise", "brightness", "constant")
"""What is shown beside the image; the rest stands with the facts of the model."""


@dataclass(frozen=True)
class Measure:
    """One measured figure of an image."""

    name: str | Promise
    value: float


@dataclass(frozen=True)
class Quality:
    """What was measured, and whether the model took the image for good enough."""

    measures: list[Measure]
    all_measures: list[Measure]
    is_poor: bool


def quality_of(analysis: Analysis) -> Quality | None:
    """Return what was measured of the analyzed image, or None where nothing was."""
    found = {name: value for name, value in analysis.quality.items() if value is not None}
    if not found:
        return None
    return Quality(
        measures=[Measure(NAMES[name], found[name]) for name in STRIP if name in found],
        all_measures=[Measure(NAMES.get(name, name), value) for name, value in found.items()],
        is_poor=analysis.withheld_reason == WithheldReason.POOR_QUALITY,
    )
