"""The measured figures of a model version, in words."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from mlcore.models import ModelVersion

MEASURES: dict[str, str | Promise] = {
    "auroc": gettext_lazy("AUROC"),
    "accuracy": gettext_lazy("Accuracy"),
    "ece": gettext_lazy("Calibration error (ECE)"),
    "brier_score": gettext_lazy("Brier score"),
    "precision_at_5": gettext_lazy("Similar images with the same label, of 5"),
}


@dataclass(frozen=True)
class Figure:
    """One measured figure; `interval` is empty where none was measured."""

    condition: str
    measure: str
    value: str
    interval: str = ""


def figures_of(version: ModelVersion) -> list[Figure]:
    """Return what was measured of each of the version's conditions, in the order of `MEASURES`."""
    metrics = version.metrics
    return [
        Figure(
            code.replace("_", " ").capitalize(),
            str(words),
            number_format(metrics[f"{code}_{measure}"], 3),
            _interval(metrics, f"{code}_{measure}"),
        )
        for code in version.classes
        for measure, words in MEASURES.items()
        if f"{code}_{measure}" in metrics
    ]


def _interval(metrics: dict[str, float], name: str) -> str:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    if low is None or high is None:
        return ""
    return f"{number_format(low, 3)}–{number_format(high, 3)}"
