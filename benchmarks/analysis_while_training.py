"""How long a reader waits for an analysis, while nothing else runs and while a network is trained."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from installation import begin, listed, person, sign, take_in
from model_common import publish

SIGNED, SEED, EPOCHS = 200, 5, 200


def main() -> None:
    """Measure and publish."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--analyses", type=int, default=80)
    asked.add_argument("--remark", default="", help="what else ran on the machine")
    options = asked.parse_args()
    count = options.analyses
    folder = begin()
    from diagnosis.management.commands.serve import _trainer, _worker
    from diagnosis.models import Condition
    from diagnosis.services.installation import install_shipped
    from mlcore.models import TrainingKind, TrainingRun
    from mlcore.selectors import is_served
    from mlcore.services.training import cancel_training, request_training

    (version,) = install_shipped()
    kind = version.examination_type
    kind.trains_after = 0
    kind.save(update_fields=["trains_after"])
    reader, administrator = person("reader"), person("administrator")
    parts = [_worker(1), _trainer()]
    try:
        for part in parts:
            part.start()
        wait_until(lambda: is_served(version))
        images = listed("cxr_kermany/train/", seed=SEED)
        condition = Condition.objects.get(examination_type=kind, code="pneumonia")
        for image in images[:SIGNED]:
            study = take_in(image, by=reader, examination_type=kind)
            if study is not None:
                sign(study, by=reader, condition=condition, present=image.label == "PNEUMONIA")
        wait_until(nothing_waits)
        fresh = iter(images[SIGNED:])
        quiet = _measure(fresh, count, by=reader, kind=kind)
        run = request_training(
            kind, by=administrator, kind=TrainingKind.FULL, architecture="efficientnet_lite0", epochs=EPOCHS
        )
        wait_until(lambda: TrainingRun.objects.get(pk=run.pk).progress.get("epoch", 0) >= 1)
        busy = _measure(fresh, count, by=reader, kind=kind)
        state = TrainingRun.objects.get(pk=run.pk).state
        cancel_training(run, by=administrator, reason="The benchmark has ended.")
    finally:
        for part in parts:
            part.stop()
        shutil.rmtree(folder, ignore_errors=True)
    rows = [
        (name, *(f"{np.quantile(waits, q) * 1000:.0f} ms" for q in (0.5, 0.95)))
        for name, waits in (("nothing else", quiet), (f"a full training ({state})", busy))
    ]
    rows.append(("ratio", *(f"{np.quantile(busy, q) / np.quantile(quiet, q):.2f}" for q in (0.5, 0.95))))
    publish(
        "An analysis while a network is trained",
        ("beside it runs", "p50", "p95"),
        rows,
        note=(
            f"From the upload of an image to its stored answer, {count} images in turn, with the two "
            "workers that `manage.py serve` starts; the training is of EfficientNet-Lite0 at low priority. "
            + options.remark
        ),
    )


def _measure(images: Any, count: int, *, by: Any, kind: Any) -> list[float]:
    from diagnosis.models import Analysis
    from diagnosis.services.analysis import wait_for_analysis

    waits: list[float] = []
    while len(waits) < count:
        begun = time.monotonic()
        study = take_in(next(images), by=by, examination_type=kind)
        if study is None:
            continue
        analysis = Analysis.objects.filter(instance__series__study=study).latest("requested_at")
        if not wait_for_analysis(analysis, seconds=60).is_final:
            raise SystemExit("An analysis did not end within a minute.")
        waits.append(time.monotonic() - begun)
    return waits


def nothing_waits() -> bool:
    """Tell whether every analysis has ended."""
    from diagnosis.models import Analysis, AnalysisState

    return not Analysis.objects.filter(state__in=(AnalysisState.PENDING, AnalysisState.RUNNING)).exists()


def wait_until(condition: Callable[[], bool], *, seconds: float = 600) -> None:
    """Wait until something has happened, or give up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("It did not happen in time.")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
