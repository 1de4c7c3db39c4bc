"""Adopt a change control plan; the one before stays on record."""

from collections.abc import Collection, Mapping

from django.db import transaction

from accounts.models import User
from medimaging.common.errors import ApplicationError, NotAllowed
from mlcore import plans
from mlcore.models import ChangeKind, ChangePlan, ExaminationType, LimitName


class InvalidPlan(ApplicationError):
    """What was given is no plan."""

    code = "invalid_plan"


@transaction.atomic
def adopt_plan(
    examination_type: ExaminationType,
    *,
    by: User,
    reason: str,
    changes: Collection[str],
    automatic: Collection[str] = (),
    limits: Mapping[str, float] | None = None,
    impacts: Mapping[str, tuple[str, str]] | None = None,
) -> ChangePlan:
    """Let a new plan be in force from now on; candidates are measured under it before they are promoted.

    Raises:
        NotAllowed: the user is no administrator.
        InvalidPlan: a kind of change or a limit does not exist, or is out of range.
    """
    if not by.is_superuser:
        raise NotAllowed("Only an administrator decides what may change.")
    if not reason.strip():
        raise InvalidPlan("A plan needs a reason.", mend="Say why it takes the place of the one before.")
    if not set(automatic) <= set(changes):
        raise InvalidPlan(
            "Only a change that the plan covers may be promoted by itself.", mend="Let the plan cover it too."
        )
    given = limits or {}
    for name, value in given.items():
        if name not in LimitName.values or not 0 <= value <= 1:
            raise InvalidPlan(f"{name} is no limit between 0 and 1.", mend="Correct it.")
    if not set(changes) <= set(ChangeKind.values):
        raise InvalidPlan(
            "A kind of change does not exist.", mend=f"Choose from {', '.join(ChangeKind.values)}."
        )
    plans.plan_in_force(examination_type)
    ExaminationType.objects.select_for_update().get(pk=examination_type.pk)
    return plans.enter_plan(
        examination_type,
        by=by,
        reason=reason.strip()[:500],
        changes={kind: kind in set(automatic) for kind in ChangeKind if kind in set(changes)},
        limits={LimitName(name): value for name, value in given.items()},
        impacts={ChangeKind(kind): texts for kind, texts in (impacts or {}).items()},
    )
