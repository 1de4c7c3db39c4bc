"""Boxes as the page sends them: a list in JSON, one hidden field a condition."""

import json
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from diagnosis.selectors.boxes import NUMBERS
from diagnosis.services.verdicts import BoxInput, InvalidReview

LONGEST = 20_000


def read_boxes(sent: str) -> tuple[BoxInput, ...]:
    """Return the boxes of a sent field.

    Raises:
        InvalidReview: the field does not hold a list of boxes.
    """
    if not sent:
        return ()
    try:
        if len(sent) > LONGEST:
            raise ValueError
        return tuple(_box(box) for box in json.loads(sent))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidReview(
            _("The boxes of a finding were not understood."), mend=_("Reload the page and draw them again.")
        ) from error


def _box(sent: dict[str, Any]) -> BoxInput:
    numbers = {name: sent[name] for name in NUMBERS}
    if any(type(number) is not int or abs(number) > 2**31 for number in numbers.values()):
        raise ValueError
    return BoxInput(instance=UUID(sent["instance"]), **numbers)
