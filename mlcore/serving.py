"""Models held by a worker process: loaded after the fork, swapped when another version becomes active.

The web process never calls this module's functions: the first of them to need a
predictor imports TensorFlow.
"""

import os
import socket
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from medimaging.common.storage import read_content
from mlcore.engine import artifacts
from mlcore.engine.errors import ArtifactError
from mlcore.models import ModelVersion, ServingProcess
from mlcore.models.serving_process import ALIVE_WITHIN

if TYPE_CHECKING:
    from mlcore.engine.explanation.explainer import Explainer
    from mlcore.engine.inference.predictor import Predictor

log = structlog.get_logger(__name__)

KEEP_LOADED = 4
"""Versions held at once: the active one of each examination type and those just retired."""
BEAT_SECONDS = 3.0

_predictors: "OrderedDict[str, Predictor]" = OrderedDict()
_explainer: "tuple[str, Explainer] | None" = None
"""The one that was asked last: a graph with gradients takes ten times the memory of a predictor."""
_lock = threading.RLock()


def process_name() -> str:
    """Return the name under which this process is known: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def start() -> None:
    """Load the active models, say so in the database, and keep both up to date from a thread."""
    load_active_models()
    beat(started=True)
    threading.Thread(target=_keep_up, name="serving", daemon=True).start()


def predictor_for(version: ModelVersion) -> "Predictor":
    """Return the predictor of `version`, loading it if this process does not hold it.

    A version that is still being loaded is waited for: nobody is ever answered
    by a half-loaded model.

    Raises:
        ArtifactError: the stored file is not the one that was registered.
    """
    with _lock:
        key = version.artifact_sha256
        if key not in _predictors:
            path = local_copy(version)
            _predictors[key] = artifacts.load_predictor(path, expected_sha256=key)
            log.info("model_loaded", model_version=str(version.pk), artifact_sha256=key)
        _predictors.move_to_end(key)
        while len(_predictors) > KEEP_LOADED:
            _predictors.popitem(last=False)
        return _predictors[key]


def explainer_for(version: ModelVersion) -> "Explainer":
    """Return what explains the answers of `version`; the graph is built when a gradient is first asked for.

    Raises:
        ArtifactError: the stored file is not the one that was registered.
    """
    from mlcore.engine.explanation.explainer import load_explainer

    global _explainer
    key = version.artifact_sha256
    with _lock:
        if _explainer is None or _explainer[0] != key:
            _explainer = key, load_explainer(local_copy(version), expected_sha256=key)
        return _explainer[1]


def load_active_models() -> None:
    """Hold the active version of every examination type."""
    for version in ModelVersion.objects.active():
        try:
            predictor_for(version)
        except ArtifactError as error:
            log.exception("model_not_loaded", model_version=str(version.pk), code=error.code)


def beat(*, started: bool = False) -> None:
    """Say in the database that this process lives and what it holds."""
    now = timezone.now()
    held: dict[str, Any] = {
        version.examination_type.code: str(version.pk)
        for version in ModelVersion.objects.active().select_related("examination_type")
        if version.artifact_sha256 in _predictors
    }
    ServingProcess.objects.update_or_create(
        name=process_name(),
        defaults={"seen_at": now, "models_loaded": held},
        create_defaults={"seen_at": now, "models_loaded": held, "started_at": now},
    )
    if started:
        ServingProcess.objects.filter(seen_at__lt=now - 10 * ALIVE_WITHIN).delete()


def _keep_up() -> None:
    pause = threading.Event()
    while not pause.wait(BEAT_SECONDS):
        try:
            close_old_connections()
            load_active_models()
            beat()
        except (DatabaseError, OSError):
            log.exception("serving_beat_failed")


def local_copy(version: ModelVersion) -> Path:
    """Return the artifact as a local file; its checksum is verified when it is loaded."""
    folder = settings.VAR_DIR / "models"
    folder.mkdir(parents=True, exist_ok=True)
    path: Path = folder / f"{version.artifact_sha256}.mmodel"
    if not path.exists() or artifacts.file_sha256(path) != version.artifact_sha256:
        draft = path.with_suffix(f".{os.getpid()}.part")
        draft.write_bytes(read_content(version.artifact_key))
        draft.replace(path)
    return path
