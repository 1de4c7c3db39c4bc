"""Small signed images of a toy examination type: is there a bright disk?"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from medimaging.common.storage import store_content
from mlcore.engine.imaging.augment import Augmentation
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.training.data import Fold, LabelledPictures, TrainingData
from mlcore.engine.training.package import Description, write_model
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.trainer import find_trainer
from mlcore.models import DatasetItem, DatasetLabel, ExaminationType, ItemState
from tests.mlcore.engine.toy import SIZE, toy_picture

CYCLE = (Fold.TRAIN, Fold.TEST, Fold.TRAIN, Fold.VALIDATION)
HOW = Preprocessing(stored_size=SIZE, input_size=32, edge_blank=1, edge_ramp=2)


def png(picture: np.ndarray) -> bytes:
    """Return a picture as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def sign_images(
    examination_type: ExaminationType,
    count: int,
    *,
    seed: int,
    flipped: Sequence[int] = (),
    dim: float = 1.0,
    condition: str = "disk",
) -> list[DatasetItem]:
    """Enter `count` accepted items with one label each; of `flipped` the label is turned around."""
    rng = np.random.default_rng(seed)
    items = []
    for index in range(count):
        disk = bool(index // 4 % 2)
        picture = (toy_picture(disk, rng=rng) * dim).astype(np.uint8)
        name = f"{seed}-{index}"
        item = DatasetItem.objects.create(
            examination_type=examination_type,
            source_id=name,
            group=f"patient-{name}",
            fold=CYCLE[index % len(CYCLE)],
            state=ItemState.ACCEPTED,
            content_key=store_content(png(picture), kind="toy", extension="png"),
        )
        DatasetLabel.objects.create(
            item=item,
            condition=condition,
            present=disk != (index in flipped),
            labeled_by="reader",
            origin_id=f"review-{name}",
        )
        items.append(item)
    return items


def write_toy_artifact(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Write a small network for the examination type `toy`, trained on pictures of its own."""
    rng = np.random.default_rng(seed)

    def fold(count: int) -> LabelledPictures:
        disks = np.arange(count) % 2
        return LabelledPictures(
            pictures=np.stack([toy_picture(bool(disk), rng=rng) for disk in disks]),
            labels=disks.astype(np.float32)[:, None],
            groups=tuple(f"elsewhere-{i}" for i in range(count)),
            keys=tuple(f"elsewhere-{i}" for i in range(count)),
        )

    settings: dict[str, Any] = {
        "architecture": "tiny_cnn",
        "classes": ("disk",),
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "average": 0.9,
        "dropout": 0.1,
        "preprocessing": HOW,
        "augmentation": Augmentation(patches=0.0, tone=0.1, noise=0.1),
        **changes,
    }
    plan = TrainingPlan(**settings)
    data = TrainingData(train=fold(160), validation=fold(40), test=fold(40))
    path = folder / "toy.mmodel"
    described = Description(name="Disks", examination_type="toy", created_at="2026-01-01T00:00:00+00:00")
    trained = find_trainer(plan.architecture).train(data, plan=plan)
    write_model(trained, data, output=path, described=described, say=lambda _: None)
    return path
