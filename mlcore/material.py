"""From a frozen dataset version to what a training reads: pictures, labels, features.

What is worked out for an image is kept in files under `var/training`, by the key of
its content, so that a training pays only for images that are new. Losing these files
costs time and nothing else.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from numpy.typing import NDArray

from medimaging.common.storage import read_content
from mlcore import serving
from mlcore.engine.errors import EngineError, ImageError
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.preprocess import Preprocessing, stored_picture
from mlcore.engine.inference.network_predictor import NetworkPredictor
from mlcore.engine.training.data import Fold, LabelledPictures, TrainingData
from mlcore.engine.training.features import LabelledFeatures, complete_labels, describe
from mlcore.engine.types import FloatArray
from mlcore.models import DatasetVersion, ModelVersion
from mlcore.selectors.manifests import load_version

log = structlog.get_logger(__name__)

Picture = NDArray[np.uint8]
GoOn = Callable[[], None]
"""Called between images; raises when the training is to stop."""


class NothingToLearn(EngineError):
    """The dataset version holds too little."""

    code = "nothing_to_learn"
    mend = "Sign more images, then train again."


class NotComparable(EngineError):
    """The model has no parts that could be measured."""

    code = "not_comparable"
    mend = "Train a model of one of the listed architectures."


@dataclass(frozen=True)
class Row:
    """One image of a dataset version."""

    content_key: str
    group: str
    fold: Fold
    labels: dict[str, bool]


@dataclass(frozen=True)
class FileCache:
    """Arrays by key, each in a file of its own; written whole or not at all."""

    folder: Path

    def get(self, key: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array of `key`, made and kept where it is missing or damaged."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        path = self.folder / digest[:2] / f"{digest}.npy"
        try:
            return np.asarray(np.load(path, allow_pickle=False))
        except (OSError, ValueError, EOFError):
            made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, made, allow_pickle=False)
        part.replace(path)
        return made


def training_folder() -> Path:
    """Where trainings keep their files."""
    return Path(settings.VAR_DIR) / "training"


def network_predictor(version: ModelVersion) -> NetworkPredictor:
    """The predictor of a version, with its parts at hand; raise EngineError for one without them."""
    predictor = serving.predictor_for(version)
    if not isinstance(predictor, NetworkPredictor):
        raise NotComparable("This kind of model cannot be compared with others.")
    return predictor


def rows_of(version: DatasetVersion) -> list[Row]:
    """The images of a dataset version, in the order of its manifest."""
    return [
        Row(row.content_key, row.group, Fold(row.fold), dict(row.labels)) for row in load_version(version)
    ]


def label_table(rows: Sequence[Row], classes: Sequence[str]) -> FloatArray:
    """(n, classes) of 0, 1 and NaN; silence is read as absence where `complete_labels` says so."""
    table = [[float(row.labels[code]) if code in row.labels else np.nan for code in classes] for row in rows]
    return complete_labels(np.array(table, np.float32).reshape(len(rows), len(classes)))[0]


def classes_to_learn(rows: Sequence[Row], *, known: Sequence[str] = ()) -> tuple[str, ...]:
    """The conditions that get an output: those of the incumbent, then new ones with enough examples."""
    counts: dict[str, int] = {}
    for row in rows:
        for code, present in row.labels.items():
            counts[code] = counts.get(code, 0) + int(present)
    least = settings.NEW_CONDITION_EXAMPLES if known else 1
    new = sorted(code for code, count in counts.items() if count >= least and code not in known)
    return (*known, *new)


class Pictures:
    """Stored square pictures of images, read once."""

    def __init__(self, how: Preprocessing) -> None:
        self.how = how
        self.cache = FileCache(
            training_folder() / "pictures" / f"{how.stored_size}-{how.stored_jpeg_quality}"
        )

    def picture(self, row: Row) -> Picture:
        """(size, size) of 8 bits; raise ImageError or FileNotFoundError where there is none."""
        return np.asarray(self.cache.get(row.content_key, lambda: self._read(row.content_key)), np.uint8)

    def readable(self, rows: Iterable[Row], *, go_on: GoOn) -> list[Row]:
        """The rows whose images can be read; what cannot be read is left out and logged."""
        kept = []
        for row in rows:
            go_on()
            try:
                self.picture(row)
            except (ImageError, FileNotFoundError) as error:
                log.warning("image_left_out", content_key=row.content_key, error=type(error).__name__)
            else:
                kept.append(row)
        return kept

    def _read(self, content_key: str) -> Picture:
        image = decode_image(read_content(content_key))
        gray = stored_picture(image.pixels, how=self.how)
        return np.asarray(np.clip(gray * 255.0 + 0.5, 0, 255), np.uint8)


def labelled_features(
    rows: Sequence[Row],
    *,
    predictor: NetworkPredictor,
    classes: Sequence[str],
    pictures: Pictures,
    go_on: GoOn,
) -> LabelledFeatures:
    """What the predictor's backbone says of each image; kept by the version of its embeddings."""
    cache = FileCache(training_folder() / "features" / predictor.facts.embedding_version)
    described = []
    for row in rows:
        go_on()
        described.append(cache.get(row.content_key, partial(_described, predictor, pictures, row)))
    table = np.asarray(np.stack(described), np.float32)
    width = len(predictor.projection.mean)
    return LabelledFeatures(
        embeddings=table[:, :width],
        layers=table[:, width:],
        labels=label_table(rows, classes),
        groups=tuple(row.group for row in rows),
        keys=tuple(row.content_key for row in rows),
        folds=tuple(row.fold for row in rows),
    )


def _described(predictor: NetworkPredictor, pictures: Pictures, row: Row) -> FloatArray:
    return np.concatenate(describe(predictor.network, pictures.picture(row), how=predictor.preprocessing))


def labelled_pictures(rows: Sequence[Row], *, classes: Sequence[str], pictures: Pictures) -> TrainingData:
    """Pictures and labels in their folds, for the training of a whole network."""
    labels = label_table(rows, classes)

    def fold(name: Fold) -> LabelledPictures:
        chosen = [i for i, row in enumerate(rows) if row.fold == name]
        if not chosen:
            raise NothingToLearn(f"The {name} fold of the dataset version holds no image.")
        return LabelledPictures(
            pictures=np.stack([pictures.picture(rows[i]) for i in chosen]),
            labels=labels[chosen],
            groups=tuple(rows[i].group for i in chosen),
            keys=tuple(rows[i].content_key for i in chosen),
        )

    return TrainingData(train=fold(Fold.TRAIN), validation=fold(Fold.VALIDATION), test=fold(Fold.TEST))
