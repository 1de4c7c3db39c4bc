"""Freeze the dataset of an examination type: an immutable manifest, named by its hash."""

import hashlib
import hmac
import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.services import audit
from medimaging.common.errors import Conflict
from medimaging.common.identity import identity_key
from medimaging.common.storage import store_content
from mlcore.models import (
    DatasetItem,
    DatasetLabel,
    DatasetVersion,
    ExaminationType,
    ItemState,
)
from mlcore.selectors.datasets import IMAGES
from mlcore.selectors.manifests import DatasetRow
from mlcore.services.datasets.stewardship import require_steward


class EmptyDataset(Conflict):
    """Nothing is accepted and labeled."""

    code = "empty_dataset"
    mend = "Sign reviews with consent to training, or import a labeled folder, first."


def freeze_version(examination_type: ExaminationType, *, by: User | None, note: str = "") -> DatasetVersion:
    """Return the version that holds what is accepted and labeled now; the same content is the same version.

    `by` is None where the system freezes on its own, before a training.

    Raises:
        EmptyDataset: nothing is accepted and labeled.
    """
    if by is not None:
        require_steward(by)
    rows = _current_rows(examination_type)
    if not rows:
        raise EmptyDataset("There is nothing to freeze.")
    manifest = write_manifest(rows)
    sha256 = hashlib.sha256(manifest).hexdigest()
    key = store_content(manifest, kind="datasets", extension="jsonl")
    return _enter(examination_type, key=key, sha256=sha256, rows=rows, by=by, note=note)


@transaction.atomic
def _enter(
    examination_type: ExaminationType,
    *,
    key: str,
    sha256: str,
    rows: list[DatasetRow],
    by: User | None,
    note: str,
) -> DatasetVersion:
    ExaminationType.objects.select_for_update().get(pk=examination_type.pk)
    versions = examination_type.dataset_versions
    known = versions.filter(manifest_sha256=sha256).first()
    if known is not None:
        return known
    latest = versions.aggregate(latest=Max("number"))["latest"] or 0
    version = DatasetVersion.objects.create(
        examination_type=examination_type,
        number=latest + 1,
        manifest_key=key,
        manifest_sha256=sha256,
        item_count=len(rows),
        counts=count_rows(rows),
        note=note.strip(),
        created_by=by,
    )
    audit.record(
        "dataset_version.freeze",
        by=by,
        target=version,
        reason=note.strip(),
        details={"manifest_sha256": sha256, "item_count": len(rows)},
    )
    return version


def write_manifest(rows: list[DatasetRow]) -> bytes:
    """Return the manifest: one JSON object a line, in the order of the content keys."""
    lines = (
        json.dumps(vars(row), sort_keys=True, separators=(",", ":"))
        for row in sorted(rows, key=lambda row: row.content_key)
    )
    return "".join(f"{line}\n" for line in lines).encode()


def count_rows(rows: list[DatasetRow]) -> dict[str, dict[str, int]]:
    """Count, for each fold, the images and those with each condition present."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.fold][IMAGES] += 1
        counts[row.fold].update({code: int(present) for code, present in row.labels.items()})
    return {fold: dict(sorted(counted.items())) for fold, counted in sorted(counts.items())}


def _current_rows(examination_type: ExaminationType) -> list[DatasetRow]:
    accepted = DatasetItem.objects.filter(examination_type=examination_type, state=ItemState.ACCEPTED)
    labels: dict[object, dict[str, bool]] = defaultdict(dict)
    said = DatasetLabel.objects.current().filter(item__in=accepted.order_by().values("pk"))
    for item_id, condition, present in said.order_by().values_list("item_id", "condition", "present"):
        labels[item_id][condition] = present
    facts = accepted.order_by("content_key").values_list("pk", "content_key", "group", "fold")
    return list(_rows(facts.iterator(chunk_size=5000), labels))


def _rows(
    facts: Iterator[tuple[object, str, str, str]], labels: dict[object, dict[str, bool]]
) -> Iterator[DatasetRow]:
    key = identity_key()
    for pk, content_key, group, fold in facts:
        if pk in labels:
            hidden = hmac.new(key, f"dataset group {group}".encode(), hashlib.sha256).hexdigest()[:32]
            yield DatasetRow(content_key, hidden, fold, dict(sorted(labels[pk].items())))
