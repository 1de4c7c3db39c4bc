"""Read what was frozen: the rows of a dataset version, and how two versions differ."""

import hashlib
import json
from dataclasses import dataclass

from medimaging.common.errors import ApplicationError
from medimaging.common.storage import read_content
from mlcore.models import BARRED, DatasetItem, DatasetVersion


class DamagedManifest(ApplicationError):
    """The stored manifest is missing, or not the one that was frozen."""

    code = "damaged_manifest"
    mend = "Restore the file storage from a backup."


@dataclass(frozen=True)
class DatasetRow:
    """One image of a frozen version."""

    content_key: str
    group: str
    """A keyed hash of the patient; the same in every version."""
    fold: str
    labels: dict[str, bool]
    """By code of the condition; what nobody said is missing."""


@dataclass(frozen=True)
class VersionDifference:
    """How one version differs from an earlier one, by content key."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabeled: dict[str, tuple[dict[str, bool], dict[str, bool]]]
    """Labels before and after."""


def read_manifest(version: DatasetVersion) -> list[DatasetRow]:
    """Return the rows as they were frozen.

    Raises:
        DamagedManifest: the stored manifest is not the one that was frozen.
    """
    try:
        content = read_content(version.manifest_key)
    except FileNotFoundError as error:
        raise DamagedManifest("The manifest of this dataset version is missing.") from error
    if hashlib.sha256(content).hexdigest() != version.manifest_sha256:
        raise DamagedManifest("The manifest of this dataset version was changed after it was frozen.")
    return [DatasetRow(**json.loads(line)) for line in content.splitlines()]


def load_version(version: DatasetVersion) -> list[DatasetRow]:
    """Return the rows that may be learned from: as frozen, less those barred since.

    An image is barred whose consent was withdrawn, or that is in quarantine or erased.
    """
    barred = set(
        DatasetItem.objects.filter(
            examination_type=version.examination_type_id, state_reason__in=BARRED
        ).values_list("content_key", flat=True)
    )
    return [row for row in read_manifest(version) if row.content_key not in barred]


def compare_versions(before: DatasetVersion, after: DatasetVersion) -> VersionDifference:
    """Say what came, what went, and whose labels changed."""
    old = {row.content_key: row.labels for row in read_manifest(before)}
    new = {row.content_key: row.labels for row in read_manifest(after)}
    return VersionDifference(
        added=tuple(sorted(set(new) - set(old))),
        removed=tuple(sorted(set(old) - set(new))),
        relabeled={key: (old[key], new[key]) for key in sorted(set(old) & set(new)) if old[key] != new[key]},
    )
