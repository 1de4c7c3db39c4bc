"""Withholds an answer when the patient's recorded age is one that the model was not validated on."""

from __future__ import annotations

from mlcore.engine.types import Withheld, WithheldReason


def check_age(age_years: int | None, *, validated: tuple[int, int] | None) -> Withheld | None:
    """Why there is no answer, or None; what is not known or not stated refuses nobody.

    `validated` are the youngest and the oldest age, both included. Ages are completed years.
    """
    if age_years is None or validated is None:
        return None
    youngest, oldest = validated
    if youngest <= age_years <= oldest:
        return None
    message = (
        f"The patient's recorded age is {age_years} years; this model was validated on patients of "
        f"{youngest} to {oldest} years, so no result is shown."
    )
    limit = youngest if age_years < youngest else oldest
    return Withheld(
        WithheldReason.OUT_OF_DISTRIBUTION, message, measured=float(age_years), limit=float(limit)
    )
