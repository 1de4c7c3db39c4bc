"""How long until 100 newly signed images take effect: from the last signature to the new model's answer."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from analysis_while_training import nothing_waits, wait_until
from installation import begin, listed, person, sign, take_in
from model_common import publish

NEW = 100
SEED = 20
"""As in the learning curve, whose images these follow."""


def main() -> None:
    """Sign rounds of images at a site that runs, and publish how long each took."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path, help="what `learning_curve.py --folder` kept")
    asked.add_argument("--from-round", type=int, default=3, help="begin with what was after this round")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--remark", default="", help="what else ran on the machine")
    options = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="medimaging-benchmark-")) / "var"
    left_out = shutil.ignore_patterns("*.copy", "medimaging.sqlite3*", "broker", "done.json")
    shutil.copytree(options.folder, folder, ignore=left_out)
    shutil.copyfile(options.folder / f"after-{options.from_round + 1}-0.copy", folder / "medimaging.sqlite3")
    begin(folder=folder)
    from diagnosis.management.commands.serve import _trainer, _worker

    parts = [_worker(1), _trainer()]
    try:
        for part in parts:
            part.start()
        _publish(_rounds(options.from_round, options.rounds), remark=options.remark)
    finally:
        for part in parts:
            part.stop()
        shutil.rmtree(folder.parent, ignore_errors=True)


def _rounds(begun_after: int, count: int) -> list[tuple[object, ...]]:
    from diagnosis.models import Condition
    from mlcore.models import ChangeKind, ExaminationType, LimitName, TrainingRun
    from mlcore.selectors import active_version, is_served
    from mlcore.services.change_plans import adopt_plan

    ExaminationType.objects.update(trains_after=NEW, promotes_automatically=True)
    kind, reader = ExaminationType.objects.get(), person("reader")
    condition = Condition.objects.get(examination_type=kind)
    adopt_plan(
        kind,
        by=person("administrator"),
        reason="150 test images show a fall by 8 points.",
        changes=ChangeKind.values,
        automatic=[ChangeKind.NEW_HEAD],
        limits={LimitName.AUTOMATIC_LOSS: 0.08},
    )
    wait_until(lambda: is_served(active_version(kind)))
    images = iter(listed("cxr_kermany/train/", seed=SEED)[(begun_after + 1) * NEW :])
    rows: list[tuple[object, ...]] = []
    for _ in range(count):
        known = set(TrainingRun.objects.values_list("pk", flat=True))
        studies = []
        while len(studies) < NEW:
            image = next(images)
            study = take_in(image, by=reader, examination_type=kind)
            if study is not None:
                studies.append((study, image.label == "PNEUMONIA"))
        wait_until(nothing_waits)
        for study, present in studies:
            sign(study, by=reader, condition=condition, present=present)
        signed = time.monotonic()
        wait_until(lambda known=known: _ended(known))
        run = TrainingRun.objects.exclude(pk__in=known).get()
        judged = time.monotonic() - signed
        answered = _first_answer(run.candidate, next(images), by=reader, since=signed)
        decision = "promoted" if answered else "refused by the gate"
        rows.append(
            (
                run.dataset_version.item_count,
                f"{(run.finished_at - run.started_at).total_seconds():.1f} s",
                f"{judged:.1f} s",
                decision,
                f"{answered:.1f} s" if answered else "",
            )
        )
        print(*rows[-1], sep=" | ", flush=True)
    return rows


def _ended(known: set[Any]) -> bool:
    from mlcore.models import TrainingRun, TrainingState

    run = TrainingRun.objects.exclude(pk__in=known).first()
    if run is not None and run.state in (TrainingState.FAILED, TrainingState.CANCELLED):
        raise SystemExit(f"The training {run.state}: {run.failure_message}")
    return run is not None and run.state == TrainingState.SUCCEEDED


def _first_answer(version: Any, image: Any, *, by: Any, since: float) -> float | None:
    """Seconds until a new image was answered by the version; None where the gate refused it."""
    from diagnosis.models import Analysis
    from diagnosis.services.analysis import wait_for_analysis
    from mlcore.models import ModelState
    from mlcore.selectors import is_served

    version.refresh_from_db()
    if version.state != ModelState.ACTIVE:
        return None
    wait_until(lambda: is_served(version))
    study = take_in(image, by=by, examination_type=version.examination_type)
    analysis = Analysis.objects.filter(instance__series__study=study).latest("requested_at")
    done = wait_for_analysis(analysis, seconds=60)
    if done.model_version_id != version.pk or not done.is_final:
        raise SystemExit("Another model answered than the one that was promoted.")
    return time.monotonic() - since


def _publish(rows: list[tuple[object, ...]], *, remark: str) -> None:
    publish(
        "A quick update takes effect",
        ("images signed", "training and gate", "judged after", "gate", "a new image answered by it after"),
        rows,
        note=(
            f"`learning_curve.py --folder F`, then `quick_update.py F`: {NEW} images are uploaded, answered "
            "and signed; times run from the last signature, at a site of the two workers that `manage.py "
            "serve` starts, whose clock looks every 10 s whether a training is due, and which promotes by "
            f"itself where a fall by 8 points would show (its plan says so; 5 by default). {remark}"
        ),
    )


if __name__ == "__main__":
    main()
