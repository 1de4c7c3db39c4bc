from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.imaging.grayscale import (
    Grayscale,
    LookupTable,
    Window,
    apply_window,
    shown,
    window_for,
)


def test_a_linear_window_follows_the_formula_of_the_standard():
    window = Window(center=2048, width=4096)
    values = np.array([-1.0, 0.0, 2047.5, 4095.0, 9999.0])
    assert apply_window(values, window=window) == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-6)


def test_the_examples_of_the_standard_for_narrow_windows_hold():
    """PS3.3 C.11.2.1.2.1: c=0, w=100 begins at -50.5 + 0.5; width 1 is a threshold."""
    assert apply_window(np.array([-50.0, 49.0]), window=Window(center=0, width=100)) == pytest.approx([0, 1])
    step = apply_window(np.array([-1.0, -0.5, 0.0]), window=Window(center=0, width=1))
    assert step.tolist() == [0, 0, 1]


def test_an_exact_window_reaches_its_ends_half_a_width_from_the_center():
    window = Window(center=100, width=50, function="LINEAR_EXACT")
    assert apply_window(np.array([75.0, 100.0, 125.0]), window=window) == pytest.approx([0, 0.5, 1])


def test_a_sigmoid_window_is_half_at_its_center_and_never_overflows():
    window = Window(center=0, width=10, function="SIGMOID")
    values = apply_window(np.array([-1e9, -2.5, 0.0, 2.5, 1e9]), window=window)
    assert values == pytest.approx([0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-1)), 1], abs=1e-6)


def test_rescale_comes_before_the_window():
    stored = np.array([[0, 1024, 2048]], dtype=np.int16)
    grayscale = Grayscale(
        bits_stored=12, slope=1, intercept=-1024, window=Window(center=0, width=2048, function="LINEAR_EXACT")
    )
    assert shown(stored, grayscale=grayscale)[0] == pytest.approx([0, 0.5, 1])


def test_monochrome1_is_shown_as_its_negative():
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    positive = shown(stored, grayscale=Grayscale(bits_stored=8))
    negative = shown(stored, grayscale=Grayscale(bits_stored=8, inverted=True))
    assert negative == pytest.approx(1 - positive)
    assert positive[0, 0] == 0
    assert positive[-1, -1] == 1


def test_eight_bits_without_window_keep_their_range_even_when_they_do_not_use_it():
    stored = np.array([[100, 150]], dtype=np.uint8)
    assert shown(stored, grayscale=Grayscale(bits_stored=8))[0] == pytest.approx([100 / 255, 150 / 255])


def test_a_few_hot_pixels_do_not_darken_a_deep_image():
    stored = np.random.default_rng(1).integers(1000, 2000, (100, 100)).astype(np.uint16)
    stored[0, :20] = 65535
    window = window_for(stored, grayscale=Grayscale(bits_stored=16))
    assert 1000 <= window.center - window.width / 2 < 1020
    assert 1980 < window.center + window.width / 2 <= 2000


def test_padding_does_not_count_in_the_window():
    stored = np.full((100, 100), -2000, dtype=np.int16)
    stored[40:60, 40:60] = np.arange(400).reshape(20, 20)
    grayscale = Grayscale(bits_stored=16, padding=(-2000, -2000))
    assert window_for(stored, grayscale=grayscale).center == pytest.approx(200, abs=5)
    assert window_for(stored, grayscale=Grayscale(bits_stored=16)).center < -500


def test_an_image_of_padding_alone_or_of_one_value_is_still_shown():
    flat = np.full((5, 5), 7, dtype=np.uint16)
    for grayscale in (Grayscale(bits_stored=16), Grayscale(bits_stored=16, padding=(7, 7))):
        pixels = shown(flat, grayscale=grayscale)
        assert pixels.shape == (5, 5)
        assert np.isfinite(pixels).all()


def test_a_negative_slope_turns_the_values_round_and_not_the_window():
    stored = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    window = window_for(stored, grayscale=Grayscale(bits_stored=16, slope=-2, intercept=5))
    assert window.width == pytest.approx(2 * 9900, rel=0.01)
    assert shown(stored, grayscale=Grayscale(bits_stored=16, slope=-2))[0, 0] == 1


def test_a_table_extends_its_ends():
    table = LookupTable(first=10, entries=np.array([5, 6, 7], dtype=np.uint16), bits=8)
    assert table.look_up(np.array([0, 10, 11, 12, 99])).tolist() == [5, 5, 6, 7, 7]


def test_a_voi_table_takes_the_place_of_the_window():
    entries = np.array([255, 0, 128], dtype=np.uint16)
    grayscale = Grayscale(
        bits_stored=8,
        voi_table=LookupTable(first=0, entries=entries, bits=8),
        window=Window(center=1, width=2),
    )
    stored = np.array([[0, 1, 2]], dtype=np.uint8)
    assert shown(stored, grayscale=grayscale)[0] == pytest.approx([1, 0, 128 / 255])


def test_the_input_is_left_as_it_is():
    stored = np.arange(100, dtype=np.uint16).reshape(10, 10)
    before = stored.copy()
    stored.setflags(write=False)
    shown(stored, grayscale=Grayscale(bits_stored=16))
    assert np.array_equal(stored, before)
