"""How far the next training is, in the two numbers that readers are shown."""

from dataclasses import dataclass

from mlcore.models import ExaminationType
from mlcore.selectors import active_version
from mlcore.selectors.datasets import newly_signed


@dataclass(frozen=True)
class NextTraining:
    """So many images are signed of those that start a training."""

    signed: int
    needed: int


def next_training(examination_type: ExaminationType) -> NextTraining | None:
    """Return the numbers, or None where trainings are begun by hand alone, as the first one always is."""
    if not examination_type.trains_after or active_version(examination_type) is None:
        return None
    return NextTraining(newly_signed(examination_type), examination_type.trains_after)
