"""What the page of one model version shows: figures, what it changed, the gate, and who decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry
from diagnosis.selectors.models_page import VersionView, condition_names, version_view
from mlcore.models import ChangeKind, LimitName, ModelVersion, TrainingRun
from mlcore.selectors.change_report import change_report

MEASURES: dict[str, str | Promise] = {
    "auroc": _("AUROC"),
    "sensitivity": _("Sensitivity"),
    "specificity": _("Specificity"),
    "ece": _("Calibration error (ECE)"),
    "operating_point": _("Operating point"),
    "withheld": _("Withheld"),
}


@dataclass(frozen=True)
class Change:
    """One figure of one condition before and after."""

    condition: str
    measure: str | Promise
    before: float | None
    after: float | None


@dataclass(frozen=True)
class PowerRow:
    """How small a fall of one rate the test fold could show."""

    condition: str
    measure: str | Promise
    patients: int
    may_lose: int
    loss: float


@dataclass(frozen=True)
class PlannedRow:
    """A kind of change that the plan covers, and its impact."""

    name: str
    automatic: bool
    risk: str
    mitigation: str


@dataclass(frozen=True)
class LimitRow:
    """One limit of the plan's protocol."""

    name: str
    value: float


@dataclass(frozen=True)
class VersionPage:
    """The page of one model version."""

    view: VersionView
    report: dict[str, Any]
    changes: list[Change]
    power: list[PowerRow]
    planned: list[PlannedRow]
    limits: list[LimitRow]
    decisions: list[AuditEntry]
    run: TrainingRun | None


def version_page(version: ModelVersion) -> VersionPage:
    """Gather the page from rows that are never edited."""
    names = condition_names()
    report = change_report(version)
    found = report["gate"]["by_condition"] if report["gate"] else {}
    named = {names.get((version.examination_type_id, code), code): both for code, both in found.items()}
    entries = AuditEntry.objects.filter(target_type=version._meta.label_lower, target_id=str(version.pk))
    return VersionPage(
        view=version_view(version),
        report=report,
        changes=before_and_after(named),
        power=_power(report["gate"], kind=version.examination_type_id, names=names),
        planned=_planned(report["plan"]),
        limits=_limits(report["plan"]),
        decisions=list(entries.select_related("actor").order_by("-sequence")[:50]),
        run=TrainingRun.objects.filter(candidate=version).select_related("dataset_version").first(),
    )


def _power(
    gate: Mapping[str, Any] | None, *, kind: int, names: Mapping[tuple[int, str], str]
) -> list[PowerRow]:
    rows = []
    for one in gate["power"] if gate else []:
        measure, _, code = one["name"].partition(".")
        found = PowerRow(
            names.get((kind, code), code), MEASURES[measure], one["patients"], one["may_lose"], one["loss"]
        )
        rows.append(found)
    return rows


def _planned(plan: Mapping[str, Any] | None) -> list[PlannedRow]:
    """Return parts one and three of the plan that a version was measured under."""
    return [
        PlannedRow(
            name=str(ChangeKind(row["change"]).label),
            automatic=row["automatic"],
            **plan["impacts"].get(row["change"], {"risk": "", "mitigation": ""}),
        )
        for row in (plan["changes"] if plan else [])
        if plan
    ]


def _limits(plan: Mapping[str, Any] | None) -> list[LimitRow]:
    """Return part two."""
    found = plan["limits"] if plan else {}
    return [LimitRow(str(LimitName(name).label), value) for name, value in found.items()]


def before_and_after(found: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> list[Change]:
    """Return a row for each condition and measure that the gate has figures of."""
    return [
        Change(
            condition, words, both.get("incumbent", {}).get(measure), both.get("candidate", {}).get(measure)
        )
        for condition, both in found.items()
        for measure, words in MEASURES.items()
        if any(measure in figures for figures in both.values())
    ]
