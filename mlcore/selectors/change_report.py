"""What a model version changed: which data, before and after for each condition, and who approved it.

Everything is read from rows that are never edited: the training run, the frozen
dataset versions, the gate report, and the entry of the audit trail.
"""

from typing import Any

from accounts.models import AuditEntry
from mlcore.models import DatasetVersion, GateReport, ModelVersion, TrainingRun
from mlcore.selectors.manifests import compare_versions
from mlcore.selectors.training import dataset_version_of, latest_gate_report


def change_report(version: ModelVersion) -> dict[str, Any]:
    """Return the report as plain values; what is not known is None."""
    report = latest_gate_report(version)
    run = TrainingRun.objects.filter(candidate=version).select_related("dataset_version").first()
    before = report.incumbent if report else None
    return {
        "version": _named(version),
        "before": _named(before) if before else None,
        "changed": _changed(version, before=before, run=run),
        "datasets": _datasets(run, before=dataset_version_of(before) if before else None),
        "plan": _plan(report),
        "gate": _gate(report),
        "decision": _decision(version),
    }


def _named(version: ModelVersion) -> dict[str, Any]:
    return {"id": str(version.pk), "name": version.name, "version": version.version}


def _changed(
    version: ModelVersion, *, before: ModelVersion | None, run: TrainingRun | None
) -> dict[str, Any]:
    earlier = before.classes if before else []
    return {
        "kind": run.kind if run else None,
        "architecture": version.architecture,
        "epochs": run.epochs if run else None,
        "seed": run.seed if run else None,
        "trigger": run.trigger if run else None,
        "conditions_added": [code for code in version.classes if code not in earlier],
        "conditions_removed": [code for code in earlier if code not in version.classes],
    }


def _datasets(run: TrainingRun | None, *, before: DatasetVersion | None) -> dict[str, Any] | None:
    """Return the dataset versions; a model that was made elsewhere leaves the one before unknown."""
    if run is None:
        return None
    after = run.dataset_version
    difference = compare_versions(before, after) if before else None
    return {
        "before": _dataset(before),
        "after": _dataset(after),
        "added": len(difference.added) if difference else after.item_count,
        "removed": len(difference.removed) if difference else 0,
        "relabeled": len(difference.relabeled) if difference else 0,
    }


def _dataset(version: DatasetVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "id": str(version.pk),
        "number": version.number,
        "item_count": version.item_count,
        "counts": version.counts,
        "manifest_sha256": version.manifest_sha256,
    }


def _plan(report: GateReport | None) -> dict[str, Any] | None:
    """Return the change control plan that the version was measured under, in its three parts."""
    plan = report.change_plan if report else None
    if plan is None:
        return None
    changes = plan.changes.select_related("impact")
    return {
        "id": str(plan.pk),
        "number": plan.number,
        "adopted_by": str(plan.adopted_by) if plan.adopted_by else None,
        "adopted_at": plan.adopted_at.isoformat(),
        "changes": [{"change": row.change, "automatic": row.automatic} for row in changes],
        "limits": {row.name: row.value for row in plan.limits.all()},
        "impacts": {
            row.change: {"risk": row.impact.risk, "mitigation": row.impact.mitigation}
            for row in changes
            if hasattr(row, "impact")
        },
    }


def _gate(report: GateReport | None) -> dict[str, Any] | None:
    if report is None:
        return None
    return {
        "id": str(report.pk),
        "passed": report.passed,
        "measured_on": report.dataset_version.number,
        "criteria": report.criteria,
        "by_condition": report.figures.get("by_condition", {}),
        "power": report.figures.get("power", []),
        "created_at": report.created_at.isoformat(),
    }


def _decision(version: ModelVersion) -> dict[str, Any] | None:
    """Return who let the version answer the first time, and why."""
    entry = (
        AuditEntry.objects.filter(
            action="model_version.activate",
            target_type=version._meta.label_lower,
            target_id=str(version.pk),
        )
        .select_related("actor")
        .order_by("sequence")
        .first()
    )
    if entry is None:
        return None
    by = str(entry.actor) if entry.actor else None
    return {"by": by, "automatic": by is None, "at": entry.at.isoformat(), "reason": entry.reason}
