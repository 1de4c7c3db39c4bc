"""Reads that others need of training runs."""

from mlcore.models import DatasetVersion, GateReport, ModelVersion, TrainingRun


def dataset_version_of(version: ModelVersion) -> DatasetVersion | None:
    """Return what the version learned from, or None for one that was made elsewhere."""
    run = TrainingRun.objects.filter(candidate=version).select_related("dataset_version").first()
    return run.dataset_version if run else None


def latest_gate_report(version: ModelVersion) -> GateReport | None:
    """Return what the gate said last of the version, or None where it was never there."""
    return (
        GateReport.objects.filter(candidate=version)
        .select_related("incumbent", "dataset_version", "change_plan__adopted_by")
        .order_by("-created_at")
        .first()
    )
