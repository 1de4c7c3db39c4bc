"""A network of the shipped architecture taught to find drawn opacities: where it should point is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from model_common import folds, predictor, shipped
from numpy.typing import NDArray

from mlcore.engine.explanation.faithfulness import PlantedLesion, plant_lesion
from mlcore.engine.explanation.methods import Method
from mlcore.engine.explanation.sanity import contributions_of, graph_network
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.inference.saliency import saliency_map
from mlcore.engine.training.batches import steps_per_epoch, training_batches
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.step import TrainingStep
from mlcore.engine.types import FloatArray

PAIRS = 400
EPOCHS = 3
SMALLEST_PEAK = 1e-9


def taught_network(stored: Path | None) -> Any:
    """The shipped network, its head set to zero and taught for three epochs; or as it was stored before."""
    model = keras_model_from(shipped())
    if stored is not None and stored.is_file():
        model.load_weights(stored)
        return model
    head = model.get_layer("maps")
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    data = pairs()
    plan = TrainingPlan(
        architecture=predictor().facts.architecture,
        classes=("planted",),
        epochs=EPOCHS,
        average=0.98,
        learning_rate=5e-4,
        preprocessing=predictor().preprocessing,
    )
    step = TrainingStep(model, plan=plan, total=EPOCHS * steps_per_epoch(data, plan=plan), data=data)
    for epoch in range(1, EPOCHS + 1):
        losses = [step.learn(*batch) for batch in training_batches(data, plan=plan, epoch=epoch)]
        print("taught, epoch", epoch, "loss", round(float(np.mean(losses)), 3), flush=True)
    model.set_weights(step.averaged())
    if stored is not None:
        model.save_weights(stored)
    return model


def pairs() -> LabelledPictures:
    """Healthy training radiographs, each with and without an opacity drawn in."""
    train, rng = folds().train, np.random.default_rng(1)
    healthy = train.pictures[train.labels[:, 0] == 0]
    healthy = healthy[rng.permutation(len(healthy))[:PAIRS]]
    drawn = [plant_lesion(picture, rng=rng).picture for picture in healthy]
    groups = tuple(str(number % len(healthy)) for number in range(2 * len(healthy)))
    return LabelledPictures(
        pictures=np.concatenate([healthy, np.stack(drawn)]),
        labels=np.repeat(np.float32([0, 1]), len(healthy))[:, None],
        groups=groups,
        keys=tuple(str(number) for number in range(2 * len(healthy))),
    )


def found_opacities(
    finds: Callable[[NDArray[np.uint8]], bool], count: int
) -> tuple[list[PlantedLesion], str]:
    """Opacities in unseen healthy radiographs that change what `finds` says, and a sentence on it."""
    rng = np.random.default_rng(91)
    unseen = [fold.pictures[fold.labels[:, 0] == 0] for fold in (folds().test, folds().validation)]
    pictures = np.concatenate([unseen[0][60:], unseen[1]])[:count]
    lesions = [plant_lesion(picture, rng=rng) for picture in pictures]
    found = [finds(lesion.picture) for lesion in lesions]
    false = [finds(picture) for picture in pictures]
    kept = [lesion for lesion, yes, no in zip(lesions, found, false, strict=True) if yes and not no]
    return kept, f"It finds {sum(found)} of {len(lesions)} and sees one in {sum(false)} of them without."


def as_input(picture: NDArray[np.uint8]) -> FloatArray:
    """What a network sees of a stored picture."""
    return network_input(picture / np.float32(255), how=predictor().preprocessing)


def logit_of(model: Any, picture: NDArray[np.uint8]) -> float:
    """For the drawn opacity."""
    return float(graph_network(model).run(as_input(picture))["logits"][0])


def taught_map(model: Any, picture: NDArray[np.uint8], method: Method) -> FloatArray:
    """The method's map for the taught network, in the frame of the stored picture."""
    contributions = contributions_of(model, as_input(picture), method=method, index=0)
    return saliency_map(contributions, how=predictor().preprocessing, reference=SMALLEST_PEAK)
