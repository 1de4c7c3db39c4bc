"""A throw-away installation for benchmarks: own folder, own database, people, images of the data folder."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
DATA = Path(os.environ.get("MEDIMAGING_DATA", ROOT / "../shared/data"))


@dataclass(frozen=True)
class Labelled:
    """One image of the data folder."""

    path: Path
    group: str
    label: str


def begin(*, database_url: str = "", folder: Path | None = None) -> Path:
    """Set Django up on an empty installation in a temporary folder, and return the folder.

    `database_url` names an empty database; without it, it is a file in the folder. A
    `folder` that holds an installation already is used as it is.
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="medimaging-benchmark-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "MEDIMAGING_VAR": str(folder),
        "MEDIMAGING_IDENTITY_KEY": "benchmark " * 8,
        "MEDIMAGING_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "medimaging.settings",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    os.environ.pop("MEDIMAGING_DATABASE_URL", None)
    if database_url:
        os.environ["MEDIMAGING_DATABASE_URL"] = database_url
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    threadpool_limits(1)  # as in the worker that trains
    return folder


def person(role: str) -> Any:
    """Enter an active user, or return the one of that role."""
    from accounts.models import User, UserStatus

    known = User.objects.filter(email=f"{role}@example.org").first()
    return known or User.objects.create_user(
        f"{role}@example.org", full_name=f"Simulated {role}", role=role, status=UserStatus.ACTIVE
    )


def listed(folder: str, *, seed: int) -> list[Labelled]:
    """The images of a folder of the manifest, in an order drawn by `seed`."""
    with (DATA / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith(folder)]
    found = [Labelled(DATA / row["path"], row["group"], row["label"]) for row in rows]
    return [found[i] for i in np.random.default_rng(seed).permutation(len(found))]


def take_in(image: Labelled, *, by: Any, examination_type: Any) -> Any:
    """Upload one image as its reader does, and return its study, or None for a duplicate."""
    from diagnosis.models import UploadSource
    from diagnosis.services.intake import receive

    upload = receive(
        image.path.read_bytes(),
        by=by,
        source=UploadSource.REST,
        examination_type=examination_type,
        patient_identifier=image.group,
    )
    return None if upload.duplicate else upload.instance.series.study


def sign(study: Any, *, by: Any, condition: Any, present: bool) -> None:
    """Read and sign a study, with consent to training."""
    from diagnosis.models import Verdict
    from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review

    verdict = VerdictInput(condition=condition, verdict=Verdict.PRESENT if present else Verdict.ABSENT)
    review = save_draft(start_review(study, by=by), by=by, verdicts=[verdict], training_consent=True)
    sign_review(review, by=by)


def train(examination_type: Any, *, by: Any, **options: Any) -> Any:
    """Ask for a training, carry it out here, and return the run."""
    from mlcore import pipeline
    from mlcore.services.training import request_training

    run = request_training(examination_type, by=by, **options)
    pipeline.run_training(str(run.pk))
    run.refresh_from_db()
    if run.candidate is None:
        raise SystemExit(f"The training {run.state}: {run.failure_message}")
    return run


def remember(folder: Path, *, name: str = "remembered") -> Path:
    """Copy the database as it is now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    copy = folder / f"{name}.copy"
    part = copy.with_suffix(".part")
    shutil.copyfile(folder / "medimaging.sqlite3", part)
    return part.replace(copy)


def recall(folder: Path, copy: Path) -> None:
    """Give the database back as it was."""
    from django.db import connection

    connection.close()
    for suffix in ("-wal", "-shm"):
        (folder / f"medimaging.sqlite3{suffix}").unlink(missing_ok=True)
    shutil.copyfile(copy, folder / "medimaging.sqlite3")
