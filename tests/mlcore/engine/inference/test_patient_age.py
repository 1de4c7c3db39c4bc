"""An age outside of the validated range is refused in words; what is not known refuses nobody."""

from __future__ import annotations

import pytest

from mlcore.engine.inference.patient_age import check_age


@pytest.mark.parametrize(("age", "limit"), [(0, 1.0), (6, 5.0), (64, 5.0)])
def test_an_age_outside_is_refused_and_says_which_limit_it_passed(age, limit):
    withheld = check_age(age, validated=(1, 5))
    assert withheld is not None
    assert (withheld.measured, withheld.limit) == (float(age), limit)
    assert f"{age} years" in withheld.message


@pytest.mark.parametrize("age", [1, 3, 5, None])
def test_an_age_inside_or_unknown_is_not(age):
    assert check_age(age, validated=(1, 5)) is None


def test_a_model_that_states_no_range_refuses_no_age():
    assert check_age(64, validated=None) is None
