"""A database full of studies, each with an image, an answer, and often a signed review."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np
from installation import person

CHUNK = 5000
OWNERS = 20
SHARE_OF_READER = 0.05
EMBEDDED = 6000


def fill(count: int, *, read: float, seed: int = 3) -> dict[str, Any]:
    """Make `count` studies, a share `read` of them signed, and return who looks at them."""
    from django.conf import settings
    from django.utils import timezone

    from diagnosis.latest import note_latest_analyses, note_readings
    from diagnosis.models import Study

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    if Study.objects.exists():  # filled before
        return {"steward": person("data_steward"), "reader": person("reader")}
    steward, reader, owners = _people(timezone.now())
    examination, condition, version = _model()
    random = np.random.default_rng(seed)
    drawn = _studies(count, [reader, *owners], examination=examination, random=random)
    while chunk := list(islice(drawn, CHUNK)):
        _store(chunk, version=version, condition=condition, read=read, random=random)
    others = list(Study.objects.exclude(owner=reader).values_list("pk", flat=True))
    shared = random.choice(len(others), size=int(count * SHARE_OF_READER), replace=False)
    through = Study.readers.through
    through.objects.bulk_create(
        [through(study_id=others[i], user_id=reader.pk) for i in shared], batch_size=CHUNK
    )
    _embed(version, random)
    note_latest_analyses(Study.objects.all())
    note_readings(Study.objects.all())
    _analyze()
    return {"steward": steward, "reader": reader}


def _people(now: Any) -> tuple[Any, Any, list[Any]]:
    from accounts.models import User, UserStatus

    steward, reader = person("data_steward"), person("reader")
    User.objects.update(intended_use_acknowledged_at=now)
    owners = [
        User.objects.create_user(f"owner{n}@example.org", full_name=f"Owner {n}", status=UserStatus.ACTIVE)
        for n in range(OWNERS - 1)
    ]
    return steward, reader, owners


def _model() -> tuple[Any, Any, Any]:
    from diagnosis.models import Condition
    from diagnosis.services.installation import install_shipped

    (version,) = install_shipped()
    kind = version.examination_type
    return kind, Condition.objects.get(examination_type=kind, code="pneumonia"), version


def _studies(count: int, owners: list[Any], *, examination: Any, random: Any) -> Iterator[Any]:
    from django.utils import timezone

    from diagnosis.models import Patient, Study

    now = timezone.now()
    for n in range(count):
        patient = Patient(pseudonym=f"{random.integers(1 << 60):015x}{n:07x}", sex="FM"[n % 2])
        yield Study(
            owner=owners[int(random.integers(len(owners)))],
            patient=patient,
            examination_type=examination,
            study_instance_uid=f"2.25.{n + 1}",
            description=f"Chest, bed {n % 997}",
            patient_age_years=n % 6,
            created_at=now - timedelta(minutes=5 * int(random.integers(count))),
        )


def _store(studies: list[Any], *, version: Any, condition: Any, read: float, random: Any) -> None:
    from diagnosis.models import Analysis, Finding, Instance, Patient, Review, ReviewFinding, Series, Study

    Patient.objects.bulk_create([study.patient for study in studies])
    Study.objects.bulk_create(studies)
    series = [Series(study=s, series_instance_uid=f"{s.study_instance_uid}.1") for s in studies]
    Series.objects.bulk_create(series)
    instances = [_instance(one) for one in series]
    Instance.objects.bulk_create(instances)
    analyses = [_analysis(one, version, float(random.random())) for one in instances]
    Analysis.objects.bulk_create(analyses)
    findings = [
        Finding(analysis=a, condition=condition, probability=float(random.random()), operating_point=0.5)
        for a in analyses
        if a.state == "succeeded"
    ]
    Finding.objects.bulk_create(findings)
    signed = [_review(s, version) for s in studies if random.random() < read]
    Review.objects.bulk_create(signed)
    ReviewFinding.objects.bulk_create(
        ReviewFinding(
            review=review,
            condition=condition,
            verdict="present",
            suggested_by_model=bool(random.random() > 0.04),
        )
        for review in signed
    )


def _embed(version: Any, random: Any) -> None:
    """Place the newest images, which the order by information looks at; more would only fill the disk."""
    from diagnosis.models import Instance
    from mlcore.models import Embedding

    newest = Instance.objects.order_by("-created_at").values_list("pk", "series__study__patient")
    for chunk in (newest[begin : begin + 500] for begin in range(0, EMBEDDED, 500)):
        vectors = random.normal(size=(500, 1280)).astype("<f4")
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        Embedding.objects.bulk_create(
            Embedding(
                embedding_version=version.embedding_version,
                source_id=str(instance),
                group=str(patient),
                vector=vector.tobytes(),
            )
            for (instance, patient), vector in zip(chunk, vectors, strict=False)
        )


def _instance(series: Any) -> Any:
    from diagnosis.models import Instance

    return Instance(
        series=series,
        sop_instance_uid=f"{series.series_instance_uid}.1",
        content_key=f"instances/{series.series_instance_uid}.png",
        format="png",
        byte_count=1,
        rows=1000,
        columns=1300,
        bits_stored=8,
        photometric_interpretation="MONOCHROME2",
        created_at=series.study.created_at,
    )


def _analysis(instance: Any, version: Any, drawn: float) -> Any:
    from diagnosis.models import Analysis

    values: dict[str, Any] = {"state": "succeeded"}
    if drawn < 0.04:
        values = {"state": "withheld", "withheld_reason": "out_of_distribution"}
    elif drawn < 0.045:
        values = {"state": "failed", "failure_code": "unreadable_image"}
    elif drawn < 0.0451:
        values = {"state": "pending"}
    at = instance.created_at
    return Analysis(
        instance=instance, model_version=version, requested_at=at, signaled_at=at, finished_at=at, **values
    )


def _review(study: Any, version: Any) -> Any:
    from diagnosis.models import Review

    return Review(
        study=study,
        reader=study.owner,
        state="signed",
        signed_at=study.created_at,
        started_at=study.created_at,
        model_answer_seen=True,
        model_version=version,
    )


def _analyze() -> None:
    """Let the database look at its tables, as its own housekeeping does in time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
