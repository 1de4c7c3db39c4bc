"""What the page of models shows: each examination type's versions over time, and what is being learned."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from diagnosis.models import Condition
from diagnosis.selectors.auroc_plot import Plot, plot_of
from mlcore.models import ExaminationType, GateReport, ModelState, ModelVersion, TrainingRun
from mlcore.models.training import OPEN_STATES
from mlcore.selectors.datasets import LearningStatus, learning_status

RUNS_SHOWN = 10


@dataclass(frozen=True)
class ClassFigures:
    """What a version was measured to do for one condition, at its operating point."""

    name: str
    point: dict[str, Any]
    auroc: float | None
    auroc_interval: tuple[float, float] | None
    ece: float | None


@dataclass(frozen=True)
class VersionView:
    """One model version with its figures and the last that the gate said of it."""

    version: ModelVersion
    classes: list[ClassFigures]
    gate: GateReport | None

    @property
    def is_active(self) -> bool:
        """Tell whether it answers now."""
        return self.version.state == ModelState.ACTIVE

    @property
    def auroc(self) -> float | None:
        """Return the mean over its conditions."""
        return self.version.metrics.get("auroc")


@dataclass(frozen=True)
class TypeView:
    """One examination type: its versions, the newest first, and how its learning goes."""

    examination_type: ExaminationType
    versions: list[VersionView]
    plot: Plot | None
    learning: LearningStatus
    runs: list[TrainingRun]

    @property
    def active(self) -> ModelVersion | None:
        """Return the version that answers now."""
        return next((view.version for view in self.versions if view.is_active), None)

    @property
    def open_run(self) -> TrainingRun | None:
        """Return the training that waits or runs."""
        return next((run for run in self.runs if run.state in OPEN_STATES), None)

    @property
    def may_roll_back(self) -> bool:
        """Tell whether a version answered before the active one."""
        active = self.active
        return active is not None and any(
            view.version.state == ModelState.RETIRED and view.version.version < active.version
            for view in self.versions
        )


def models_page() -> list[TypeView]:
    """Gather the page; the number of queries does not grow with the versions."""
    names = condition_names()
    versions: dict[int, list[ModelVersion]] = defaultdict(list)
    for version in ModelVersion.objects.order_by("-version"):
        versions[version.examination_type_id].append(version)
    gates = _latest_gates()
    return [
        _type_view(kind, versions[kind.pk], gates=gates, names=names)
        for kind in ExaminationType.objects.all()
    ]


def version_view(version: ModelVersion) -> VersionView:
    """Return one version as its own page shows it."""
    report = version.gate_reports.select_related("incumbent", "dataset_version").order_by("-created_at")
    return VersionView(version, class_figures(version, names=condition_names()), report.first())


def condition_names() -> dict[tuple[int, str], str]:
    """Return what conditions are called, by examination type and code."""
    rows = Condition.objects.values_list("examination_type_id", "code", "name")
    return {(kind, code): name for kind, code, name in rows}


def class_figures(version: ModelVersion, *, names: dict[tuple[int, str], str]) -> list[ClassFigures]:
    """Return the figures of each condition that the version answers for."""
    return [_figures(version, code, names=names) for code in version.classes or version.operating_points]


def _figures(version: ModelVersion, code: str, *, names: dict[tuple[int, str], str]) -> ClassFigures:
    metrics, point = version.metrics, version.operating_points.get(code)
    low, high = metrics.get(f"{code}_auroc_low"), metrics.get(f"{code}_auroc_high")
    return ClassFigures(
        name=names.get((version.examination_type_id, code), code),
        point=point if isinstance(point, dict) else {},
        auroc=metrics.get(f"{code}_auroc"),
        auroc_interval=(low, high) if low is not None and high is not None else None,
        ece=metrics.get(f"{code}_ece"),
    )


def _type_view(
    kind: ExaminationType,
    versions: Iterable[ModelVersion],
    *,
    gates: dict[object, GateReport],
    names: dict[tuple[int, str], str],
) -> TypeView:
    views = [VersionView(one, class_figures(one, names=names), gates.get(one.pk)) for one in versions]
    runs = kind.training_runs.select_related("dataset_version", "requested_by", "candidate")
    return TypeView(
        examination_type=kind,
        versions=views,
        plot=plot_of([view.version for view in reversed(views)]),
        learning=learning_status(kind),
        runs=list(runs.order_by("-requested_at")[:RUNS_SHOWN]),
    )


def _latest_gates() -> dict[object, GateReport]:
    reports = GateReport.objects.defer("criteria", "figures").order_by("created_at")
    return {report.candidate_id: report for report in reports}
