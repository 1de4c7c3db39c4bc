"""Judges a network on the validation fold while it is being trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.engine.evaluation.metrics import mean_auroc
from mlcore.engine.training.batches import changed_inputs, plain_inputs
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.forward import Forward
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

SHIFTED_DRAW = 1_000_003


@dataclass(frozen=True)
class Judge:
    """The validation fold as it is and randomly changed, always in the same way."""

    plain: FloatArray
    changed: FloatArray
    labels: FloatArray

    def score(self, run: Forward) -> tuple[float, float]:
        """AUROC on both, the mean over conditions."""
        outputs = [run(inputs)["logits"] for inputs in (self.plain, self.changed)]
        return mean_auroc(self.labels, outputs[0]), mean_auroc(self.labels, outputs[1])


def make_judge(data: LabelledPictures, *, plan: TrainingPlan) -> Judge:
    """The judge of runs of one plan."""
    rows = np.arange(len(data))
    return Judge(
        plain=plain_inputs(data.pictures, plan=plan),
        changed=changed_inputs(data.pictures, plan=plan, draw=SHIFTED_DRAW, rows=rows),
        labels=data.labels,
    )
