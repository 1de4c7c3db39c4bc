"""Numbers as people read them and as SVG needs them."""

import pytest
from django.utils import translation

from diagnosis.templatetags.reading import action_words, bar, distance, interval, percent


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0 %"), (0.004, "below 1 %"), (0.434, "43 %"), (0.999, "above 99 %"), (1.0, "100 %"), (None, "–")],
)
def test_a_probability_never_looks_more_certain_than_it_is(value: float | None, words: str) -> None:
    assert percent(value) == words


def test_svg_gets_points_whatever_the_language() -> None:
    with translation.override("de"):
        assert bar(0.4321) == "43.21"
        assert distance(0.1234) == "0,123"
    assert bar(7.0) == "100.00"
    assert bar(None) == "0.00"


def test_an_interval_that_was_not_measured_is_left_out() -> None:
    assert interval([0.94, 0.98]) == "(94–98)"
    assert interval(None) == ""


def test_an_act_without_words_of_its_own_is_still_readable() -> None:
    assert action_words("review.sign") == "signed a review"
    assert action_words("study.some_new_act") == "study: some new act"
