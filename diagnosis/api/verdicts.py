"""Turn verdicts as they are sent into verdicts as the services take them."""

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.models import User
from diagnosis.models import Condition, Study
from diagnosis.services.verdicts import BoxInput, VerdictInput
from medimaging.common.errors import ApplicationError


class UnknownCondition(ApplicationError):
    """A verdict names a condition that the examination type does not have."""

    code = "unknown_condition"
    mend = "See /api/v1/conditions for the codes, or propose the condition there."


def named_verdicts(sent: Iterable[Mapping[str, Any]], *, study: Study, by: User) -> list[VerdictInput]:
    """Return the verdicts with their conditions found by code.

    Raises:
        UnknownCondition: a code is not one that the reader may use on the study.
    """
    rows = list(sent)
    known = {
        condition.code: condition
        for condition in Condition.objects.selectable_by(by).filter(
            examination_type=study.examination_type_id, code__in=[row["condition"] for row in rows]
        )
    }
    if any(row["condition"] not in known for row in rows):
        raise UnknownCondition("A condition is not one that you may use on this study.")
    return [
        VerdictInput(
            known[row["condition"]],
            row["verdict"],
            row["note"],
            tuple(BoxInput(**box) for box in row["boxes"]),
            row["disagreement_reason"],
        )
        for row in rows
    ]
