"""What was measured of a model's saliency maps, kept beside the model file.

The figures are bound to the model by its checksum: those of another model are
never shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".explanation.json"


@dataclass(frozen=True)
class ExplanationFigures:
    """Of one method on one model; `benchmarks/explanation.py` measures them."""

    method: str
    implanted: int
    """Parts of sick lungs set into healthy radiographs that changed the answer to suggested."""
    implant_hits: int
    """Of those: the map's peak lay within."""
    implant_area: float
    """Part of the picture that they cover on average: the hits of a map that points anywhere."""
    planted: int
    """Opacities drawn into healthy radiographs that changed the answer to suggested."""
    planted_hits: int
    """Of those: the map's peak lay within."""
    randomized_correlation: float
    """With the map of shuffled weights; near 0 when the map depends on the network."""
    gain_for: float
    """Insertion minus deletion in logits, of what speaks for the condition where it was suggested."""
    gain_against: float
    """The same of what speaks against it, where it was not."""
    best_dummy_for: float
    best_dummy_against: float
    """The same of the best map that knows nothing of the network."""
    frame_energy: float
    """Part of the map in the outer 5 % of the image."""
    bright_part: float = 0.0
    """Part of the map that is shown at nine tenths of full strength or above."""

    @property
    def sentence(self) -> str:
        """For the reader, beside the map."""
        return (
            f"Where an opacity drawn into a healthy radiograph changed the answer, the peak of this map "
            f"lay within it in {self.planted_hits} of {self.planted}; where a part of a sick lung did, "
            f"in {self.implant_hits} of {self.implanted} (by chance "
            f"{round(self.implant_area * self.implanted)})."
        )


def figures_path(model: Path) -> Path:
    """Where the figures of a model file lie."""
    return model.with_suffix(SUFFIX)


def read_figures(model: Path, *, sha256: str) -> dict[str, ExplanationFigures]:
    """By method, of the model with that checksum; empty where nothing was measured of it."""
    path = figures_path(model)
    if not path.is_file():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["model_sha256"] != sha256:
        return {}
    return {name: ExplanationFigures(method=name, **values) for name, values in stored["figures"].items()}
