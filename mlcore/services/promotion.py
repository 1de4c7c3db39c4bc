"""Decide which model answers: promote what passed the gate, roll back to what answered before."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from mlcore.models import ChangePlan, ExaminationType, GateReport, ModelState, ModelVersion
from mlcore.plans import NotPlanned, plan_in_force, require_planned, require_power
from mlcore.selectors import active_version
from mlcore.selectors.training import dataset_version_of, latest_gate_report
from mlcore.services.registry import activate_version


class GateNotPassed(Conflict):
    """The candidate was not found to be as good as the model that answers."""

    code = "gate_not_passed"
    mend = gettext_lazy(
        "Look at the criteria of its gate report, then train again; there is no way around the gate."
    )


class NothingBefore(Conflict):
    """No earlier version answered."""

    code = "nothing_to_roll_back_to"
    mend = gettext_lazy("Promote a candidate instead.")


@transaction.atomic
def promote(version: ModelVersion, *, by: User | None, reason: str) -> ModelVersion:
    """Let `version` answer from now on; `by` is None where the examination type promotes by itself.

    A candidate must have passed the gate against the very model that answers now, under
    the change control plan in force, and change only what that plan covers. Where no
    model answers there is nothing to compare with, and the gate asks of every condition
    what it asks of a new one. A retired version passed when it was promoted, and may come back.

    Raises:
        GateNotPassed: the candidate did not, or was held against another incumbent.
        NotPlanned: it changes what the plan does not cover.
        TooLittleMeasured: nobody decides, and the test fold would miss too large a loss.
    """
    examination_type = ExaminationType.objects.select_for_update().get(pk=version.examination_type_id)
    _require_decider(by)
    version.refresh_from_db()
    incumbent = active_version(examination_type)
    if version.state == ModelState.CANDIDATE:
        _require_promotable(version, incumbent=incumbent, automatic=by is None)
    details = _grounds(version, incumbent, latest_gate_report(version))
    return activate_version(version, by=by, reason=reason, details=details)


def obstacle(candidate: ModelVersion, *, automatic: bool = False) -> ApplicationError | None:
    """Return what stands against promoting the candidate, by an administrator or by itself, or None."""
    incumbent = active_version(candidate.examination_type)
    try:
        _require_promotable(candidate, incumbent=incumbent, automatic=automatic)
    except ApplicationError as error:
        return error
    return None


@transaction.atomic
def roll_back(examination_type: ExaminationType, *, by: User, reason: str) -> ModelVersion:
    """Let the version answer again that did before the one that answers now.

    Its artifact is the same file, so its answers are the same to the last bit.
    """
    ExaminationType.objects.select_for_update().get(pk=examination_type.pk)
    _require_decider(by)
    active = active_version(examination_type)
    if active is None:
        raise NothingBefore(_("No model is active for this examination type."))
    earlier = version_before(active)
    if earlier is None:
        raise NothingBefore(_("No earlier model has answered for this examination type."))
    return activate_version(
        earlier, by=by, reason=reason, details=_grounds(earlier, active, latest_gate_report(earlier))
    )


def version_before(active: ModelVersion) -> ModelVersion | None:
    """Return the version that a roll-back gives back.

    It is the one that `active` took over from. Where `active` itself came back by a
    roll-back, that one is newer and was found wanting, so it is the next older one.
    """
    retired = ModelVersion.objects.filter(
        examination_type=active.examination_type_id, state=ModelState.RETIRED
    ).exclude(pk=active.pk)
    taken_over = retired.filter(retired_at=active.activated_at, version__lt=active.version).first()
    return taken_over or retired.filter(version__lt=active.version).order_by("-version").first()


def _require_decider(by: User | None) -> None:
    if by is not None and not by.is_superuser:
        raise NotAllowed(_("Only an administrator decides which model answers."))


def _require_promotable(candidate: ModelVersion, *, incumbent: ModelVersion | None, automatic: bool) -> None:
    report = latest_gate_report(candidate)
    if report is None:
        raise GateNotPassed(
            _("This candidate was never measured at the gate."),
            mend=_("Have it measured at the gate first."),
        )
    _require_passed(report, incumbent=incumbent)
    plan = plan_in_force(candidate.examination_type)
    _require_measured_under(plan, report)
    if incumbent is not None:
        require_planned(candidate, incumbent=incumbent, plan=plan, automatic=automatic)
        if automatic:
            require_power(report, plan=plan)
    elif automatic:
        raise NotPlanned(
            _("The first model of an examination type is let through by an administrator."),
            mend=_("Look at its gate report, then activate or reject it."),
        )


def _require_passed(report: GateReport, *, incumbent: ModelVersion | None) -> None:
    if report.incumbent_id != (incumbent.pk if incumbent else None):
        raise GateNotPassed(
            _("Another model answers now than the one this candidate was held against."),
            mend=_("Have it measured at the gate again, or train again."),
        )
    if report.passed:
        return
    missed = ", ".join(str(one["name"]) for one in report.criteria if not one["passed"])
    if incumbent is None:
        raise GateNotPassed(
            _("No model answers yet, and this one does not reach what the gate asks of a first: %(missed)s.")
            % {"missed": missed},
            mend=_(
                "Sign or import more images, or train longer or another network; there is no way around "
                "the gate."
            ),
        )
    raise GateNotPassed(_("This candidate did not pass the gate: %(missed)s.") % {"missed": missed})


def _require_measured_under(plan: ChangePlan, report: GateReport) -> None:
    if report.change_plan_id != plan.pk:
        raise GateNotPassed(
            _("Another change control plan is in force than the one this candidate was measured under."),
            mend=_("Have it measured at the gate again."),
        )


def _grounds(
    version: ModelVersion, incumbent: ModelVersion | None, report: GateReport | None
) -> dict[str, Any]:
    """Return what the decision rests on, for the audit trail."""
    learned = {
        "after": dataset_version_of(version),
        "before": dataset_version_of(incumbent) if incumbent else None,
    }
    return {
        "gate_report": str(report.pk) if report else None,
        "change_plan": str(report.change_plan_id) if report and report.change_plan_id else None,
        "datasets": {name: str(found.pk) if found else None for name, found in learned.items()},
    }
