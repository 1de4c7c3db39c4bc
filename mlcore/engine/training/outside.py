"""Learns what lies outside of the range a model was validated on, from examples of it.

Both sides are shown as they are and randomly changed, in the same ways, so that what
tells them apart is anatomy rather than exposure or encoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.imaging.augment import Augmentation, augmented_input
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.inference.outliers import Distance
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.inference.validated_range import ValidatedRange
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

STRENGTH = 0.01
"""Inverse of the penalty on standardized features."""
REFUSED_AS_OUTSIDE = 0.02
"""Part of the validation images, as they are and in familiar copies, that the machine refuses."""
FARTHEST = 0.99
"""Part of the examples that lie nearer than the distance up to which the reason is named."""
CHANGED_COPIES = 4
"""Of each example."""
CHANGES = Augmentation(
    zoom=0.06, aspect=0.14, rotation=5.0, shift=0.03, tone=0.2, blur=0.3, coarse=0.3, noise=0.2, jpeg=0.5,
    patches=0.1, gamma=0.3,
)  # fmt: skip


@dataclass(frozen=True)
class OutsideExamples:
    """Images outside of the validated range, and what a reader is told of one."""

    pictures: NDArray[np.uint8]
    """(n, size, size), stored as training images are."""
    message: str


def fit_validated_range(
    network: RunnableNetwork,
    examples: OutsideExamples,
    *,
    plan: TrainingPlan,
    distance: Distance,
    inside: FloatArray,
    held_back: FloatArray,
) -> ValidatedRange:
    """Fit a balanced logistic regression of examples against what lies inside.

    `inside` (n, features) is of the training fold, as it is and randomly changed, `held_back`
    of the validation fold and copies of it, from which the limit comes.
    """
    from sklearn.linear_model import LogisticRegression

    how, seed = plan.preprocessing, plan.seed
    plain = network.run_each(plain_inputs(examples.pictures, plan=plan))["layers"]
    copies = [
        describe_changed(network, examples.pictures, how=how, seed=(seed, 2 + copy))
        for copy in range(CHANGED_COPIES)
    ]
    features, count = np.concatenate([inside, plain, *copies]), len(inside)
    mean, scale = features[:count].mean(axis=0), features[:count].std(axis=0) + 1e-6
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    fitted.fit((features - mean) / scale, np.arange(len(features)) >= count)
    kernel = (fitted.coef_[0] / scale).astype(np.float32)
    bias = float(fitted.intercept_[0] - kernel @ mean)
    seen = held_back @ kernel + bias
    return ValidatedRange(
        kernel=kernel,
        bias=bias,
        limit=float(np.quantile(seen, 1 - REFUSED_AS_OUTSIDE)),
        farthest=float(np.quantile(distance.of(plain), FARTHEST)),
        message=examples.message,
    )


def describe_changed(
    network: RunnableNetwork, pictures: NDArray[np.uint8], *, how: Preprocessing, seed: tuple[int, int]
) -> FloatArray:
    """(n, features) of randomly changed copies."""
    return np.stack(
        [
            network.run(
                augmented_input(picture, rng=np.random.default_rng((*seed, row)), how=how, strength=CHANGES)
            )["layers"]
            for row, picture in enumerate(pictures)
        ]
    )
