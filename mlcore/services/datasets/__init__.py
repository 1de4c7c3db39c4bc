"""Datasets: items and labels, what a steward decides, frozen versions, exports."""

from mlcore.selectors.manifests import (
    DatasetRow,
    VersionDifference,
    compare_versions,
    load_version,
    read_manifest,
)
from mlcore.services.datasets.barring import (
    mark_erased,
    quarantine_items,
    release_items,
    renew_consent,
    withdraw_consent,
)
from mlcore.services.datasets.exports import export_version
from mlcore.services.datasets.items import Reading, add_labels, end_labels, enter_item
from mlcore.services.datasets.placement import (
    HashIndex,
    load_index,
    place_item,
    settle_candidates,
    settle_item,
)
from mlcore.services.datasets.relabeling import relabel_condition, restore_labels, retire_labels
from mlcore.services.datasets.stewardship import (
    accept_item,
    exclude_item,
    require_steward,
    resolve_conflict,
)
from mlcore.services.datasets.versions import EmptyDataset, freeze_version

__all__ = [
    "DatasetRow",
    "EmptyDataset",
    "HashIndex",
    "Reading",
    "VersionDifference",
    "accept_item",
    "add_labels",
    "compare_versions",
    "end_labels",
    "enter_item",
    "exclude_item",
    "export_version",
    "freeze_version",
    "load_index",
    "load_version",
    "mark_erased",
    "place_item",
    "quarantine_items",
    "read_manifest",
    "relabel_condition",
    "release_items",
    "renew_consent",
    "require_steward",
    "resolve_conflict",
    "restore_labels",
    "retire_labels",
    "settle_candidates",
    "settle_item",
    "withdraw_consent",
]
