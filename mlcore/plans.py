"""The change control plan in force: what it lets change, within which limits, and what it does not cover."""

from collections.abc import Mapping
from dataclasses import replace

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import audit
from medimaging.common.errors import Conflict
from mlcore.engine.evaluation.limits import Limits
from mlcore.models import (
    ChangeKind,
    ChangePlan,
    ExaminationType,
    GateReport,
    ImpactAssessment,
    LimitName,
    ModelVersion,
    PlannedChange,
    ProtocolLimit,
    TrainingKind,
    TrainingRun,
)

IMPACTS: Mapping[str, tuple[str, str]] = {
    ChangeKind.NEW_HEAD: (
        "Wrong or one-sided labels move the answers for conditions that were answered well.",
        "New labels are held against what all other images teach; the head is pulled toward the old one; "
        "every condition is measured on test images that never change sides.",
    ),
    ChangeKind.NEW_WEIGHTS: (
        "Old conditions are forgotten, and images are withheld or let in that were not before.",
        "Training learns from all data, old and new; AUROC, rates, flips and withheld images are measured "
        "against the model that answers.",
    ),
    ChangeKind.NEW_ARCHITECTURE: (
        "The same, and answers take longer or maps point elsewhere.",
        "The same measurements, and an administrator looks at the candidate before it answers.",
    ),
    ChangeKind.NEW_CONDITION: (
        "Readers see a finding whose quality nobody here has seen yet.",
        "Its AUROC has a least value as the lower end of its interval; an administrator decides.",
    ),
    ChangeKind.MADE_ELSEWHERE: (
        "It learned from data that this installation does not know.",
        "It is measured on this installation's test images; an administrator decides.",
    ),
}
"""What the software's own plan says of each kind of change: risk and mitigation."""
AUTOMATIC = frozenset({ChangeKind.NEW_HEAD, ChangeKind.NEW_WEIGHTS})


class TooLittleMeasured(Conflict):
    """The test fold is too small to let the candidate through without anybody looking at it."""

    code = "too_little_measured"
    mend = gettext_lazy("Look at its gate report, then activate or reject it.")


class NotPlanned(Conflict):
    """The candidate changes what the plan in force does not cover."""

    code = "change_not_planned"
    mend = gettext_lazy(
        "Adopt a change control plan that covers it, or leave the model that answers in place."
    )


def plan_in_force(examination_type: ExaminationType) -> ChangePlan:
    """Return the newest plan; an examination type without one begins with the software's own."""
    newest = examination_type.change_plans.order_by("-number").first()
    if newest is not None:
        return newest
    with transaction.atomic():
        ExaminationType.objects.select_for_update().get(pk=examination_type.pk)
        newest = examination_type.change_plans.order_by("-number").first()
        return newest or enter_plan(
            examination_type,
            by=None,
            reason="The plan that the software begins with.",
            changes={kind: kind in AUTOMATIC for kind in ChangeKind},
            limits={},
            impacts={},
        )


@transaction.atomic
def enter_plan(
    examination_type: ExaminationType,
    *,
    by: User | None,
    reason: str,
    changes: Mapping[ChangeKind, bool],
    limits: Mapping[LimitName, float],
    impacts: Mapping[ChangeKind, tuple[str, str]],
) -> ChangePlan:
    """Enter all three parts; what `limits` and `impacts` leave out is as the software has it."""
    latest = examination_type.change_plans.aggregate(latest=Max("number"))["latest"] or 0
    plan = ChangePlan.objects.create(
        examination_type=examination_type, number=latest + 1, adopted_by=by, reason=reason
    )
    usual = Limits()
    given = {name: limits.get(name, getattr(usual, name)) for name in LimitName}
    ProtocolLimit.objects.bulk_create(
        ProtocolLimit(plan=plan, name=name, value=value) for name, value in given.items()
    )
    for kind, automatic in changes.items():
        planned = PlannedChange.objects.create(plan=plan, change=kind, automatic=automatic)
        risk, mitigation = impacts.get(kind, IMPACTS[kind])
        ImpactAssessment.objects.create(planned_change=planned, risk=risk, mitigation=mitigation)
    details = {
        "number": plan.number,
        "changes": {str(kind): automatic for kind, automatic in changes.items()},
        "limits": {str(name): value for name, value in given.items()},
    }
    audit.record("change_plan.adopt", by=by, target=plan, reason=reason, details=details)
    return plan


def limits_of(plan: ChangePlan) -> Limits:
    """Return the limits that the plan's protocol gives the gate."""
    given = {row.name: row.value for row in plan.limits.all()}
    return replace(Limits(), **given)  # type: ignore[arg-type]


def changes_of(candidate: ModelVersion, *, incumbent: ModelVersion) -> list[ChangeKind]:
    """Return what the candidate differs in."""
    found = [_made_by(candidate, incumbent=incumbent)]
    if set(candidate.classes) - set(incumbent.classes):
        found.append(ChangeKind.NEW_CONDITION)
    return found


def require_planned(
    candidate: ModelVersion, *, incumbent: ModelVersion, plan: ChangePlan, automatic: bool
) -> None:
    """Raise NotPlanned for changes that the plan does not cover, or does not let pass by themselves."""
    planned = {row.change: row for row in plan.changes.filter(impact__isnull=False)}
    changes = changes_of(candidate, incumbent=incumbent)
    missing = [str(kind.label).lower() for kind in changes if kind not in planned]
    if missing:
        raise NotPlanned(
            _("Change control plan %(number)d does not cover: %(missing)s.")
            % {"number": plan.number, "missing": ", ".join(missing)}
        )
    asking = [str(kind.label).lower() for kind in changes if not planned[kind].automatic]
    if automatic and asking:
        raise NotPlanned(
            _("Under change control plan %(number)d an administrator decides about: %(asking)s.")
            % {"number": plan.number, "asking": ", ".join(asking)},
            mend=_("Look at its gate report, then activate or reject it."),
        )


def require_power(report: GateReport, *, plan: ChangePlan) -> None:
    """Raise TooLittleMeasured where the test fold would miss a loss that the plan wants found."""
    limit = limits_of(plan).automatic_loss
    stated = report.figures.get("power")
    if stated is None:
        raise TooLittleMeasured(_("How small a loss the test fold can show was not worked out."))
    worst = max(stated, key=lambda one: float(one["loss"]), default=None)
    if worst is not None and worst["loss"] > limit:
        raise TooLittleMeasured(
            _(
                "On %(patients)d test patients a fall of %(rate)s by less than %(loss).1f points would "
                "often be missed; only where %(limit).1f points are found is it promoted by itself."
            )
            % {
                "patients": worst["patients"],
                "rate": worst["name"],
                "loss": 100 * worst["loss"],
                "limit": 100 * limit,
            }
        )


def _made_by(candidate: ModelVersion, *, incumbent: ModelVersion) -> ChangeKind:
    run = TrainingRun.objects.filter(candidate=candidate).first()
    if run is None:
        return ChangeKind.MADE_ELSEWHERE
    if candidate.architecture != incumbent.architecture:
        return ChangeKind.NEW_ARCHITECTURE
    return ChangeKind.NEW_HEAD if run.kind == TrainingKind.QUICK else ChangeKind.NEW_WEIGHTS
