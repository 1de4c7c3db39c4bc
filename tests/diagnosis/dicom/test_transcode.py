"""Slow pixel data is stored anew without a pixel changing."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

from diagnosis.dicom.deidentify import deidentify
from diagnosis.dicom.transcode import is_slow, transcode
from mlcore.engine.imaging.decode import decode_image, decode_samples, inspect_image


def stored(name: str) -> bytes:
    return deidentify(Path(get_testdata_file(name)).read_bytes(), key=b"a key for the tests").content


@pytest.mark.parametrize("name", ["RG1_J2KR.dcm", "RG3_J2KR.dcm", "MR_small_jp2klossless.dcm"])
def test_every_pixel_value_and_every_gray_shown_stays_the_same(name):
    content = stored(name)
    samples = decode_samples(content)
    quick = transcode(content, samples=samples)
    assert inspect_image(quick).transfer_syntax_uid == ExplicitVRLittleEndian
    assert np.array_equal(decode_samples(quick), samples)
    before, after = decode_image(content), decode_image(quick)
    assert np.array_equal(before.pixels, after.pixels)
    assert before.pixel_spacing == after.pixel_spacing


def test_the_same_file_becomes_the_same_bytes():
    content = stored("MR_small_jp2klossless.dcm")
    assert transcode(content, samples=decode_samples(content)) == transcode(
        content, samples=decode_samples(content)
    )


def test_a_lossy_file_that_would_grow_too_much_stays_as_it_is():
    content = stored("MR2_J2KI.dcm")
    assert transcode(content, samples=decode_samples(content)) == content


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_RLE.dcm", "US1_J2KR.dcm"])
def test_files_that_are_quick_or_in_color_are_left_alone(name):
    assert not is_slow(inspect_image(stored(name)))


def test_a_single_gray_jpeg_2000_frame_is_slow_and_its_multi_frame_twin_is_not():
    assert is_slow(inspect_image(stored("MR_small_jp2klossless.dcm")))
    assert not is_slow(inspect_image(stored("emri_small_jpeg_2k_lossless.dcm")))
