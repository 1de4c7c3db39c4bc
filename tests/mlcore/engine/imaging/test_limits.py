from __future__ import annotations

import io
from dataclasses import replace

import pydicom
import pytest

from mlcore.engine.errors import EmptyFile, ImageTooLarge, UnreadableImage
from mlcore.engine.imaging.decode import inspect_image
from mlcore.engine.types import ImageLimits
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture

LIMITS = ImageLimits()
FILES = {
    "png": picture(gradient()),
    "jpeg": picture(gradient(), format="JPEG"),
    "tiff": picture(gradient(), format="TIFF"),
    "dicom": dicom("CT_small.dcm"),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_file_larger_than_allowed_is_refused_before_it_is_parsed(data):
    with pytest.raises(ImageTooLarge, match="file is larger"):
        inspect_image(data, limits=replace(LIMITS, max_bytes=len(data) - 1))
    inspect_image(data, limits=replace(LIMITS, max_bytes=len(data)))


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_an_image_of_too_many_pixels_is_refused(data):
    header = inspect_image(data)
    pixels = header.rows * header.columns
    with pytest.raises(ImageTooLarge, match="megapixels"):
        inspect_image(data, limits=replace(LIMITS, max_pixels_per_frame=pixels - 1))
    inspect_image(data, limits=replace(LIMITS, max_pixels_per_frame=pixels))


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_an_image_that_takes_too_much_memory_is_refused(data):
    size = inspect_image(data).decoded_bytes
    with pytest.raises(ImageTooLarge, match="decoded"):
        inspect_image(data, limits=replace(LIMITS, max_decoded_bytes=size - 1))
    inspect_image(data, limits=replace(LIMITS, max_decoded_bytes=size))


def test_too_many_frames_are_refused():
    data = dicom("emri_small.dcm")
    with pytest.raises(ImageTooLarge, match="9 frames"):
        inspect_image(data, limits=replace(LIMITS, max_frames=9))
    assert inspect_image(data, limits=replace(LIMITS, max_frames=10)).frame_count == 10


def test_an_empty_file_is_refused():
    with pytest.raises(EmptyFile):
        inspect_image(b"")


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_a_side_of_zero_is_refused(keyword):
    dataset = pydicom.dcmread(io.BytesIO(dicom("CT_small.dcm")))
    setattr(dataset, keyword, 0)
    target = io.BytesIO()
    dataset.save_as(target)
    with pytest.raises(UnreadableImage, match="zero"):
        inspect_image(target.getvalue())
