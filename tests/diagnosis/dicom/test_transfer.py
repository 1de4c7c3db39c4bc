"""A file keeps its pixels in every transfer syntax it is brought into."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from diagnosis.dicom.deidentify import deidentify
from diagnosis.dicom.transfer import (
    CannotTranscode,
    in_transfer_syntax,
    make_native,
    native_frame,
    transfer_syntax_of,
)
from mlcore.engine.imaging.decode import DEFAULT_LIMITS, decode_image
from tests.mlcore.engine.imaging.samples import DECODED, dicom

KEY = b"a key of at least sixteen bytes"
SLOW = {"RG1_J2KR.dcm", "RG1_J2KI.dcm", "color3d_jpeg_baseline.dcm"}
NAMES = sorted({row["file"] for row in DECODED} - SLOW)
LIMITS = DEFAULT_LIMITS


def stored(name: str) -> bytes:
    return deidentify(dicom(name), key=KEY, limits=LIMITS).content


def same_pixels(one: bytes, other: bytes) -> bool:
    first, second = (decode_image(content, limits=LIMITS) for content in (one, other))
    return np.array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_decompressed_without_changing_a_pixel(name: str) -> None:
    content = stored(name)
    target = ExplicitVRLittleEndian if NAMES.index(name) % 2 else ImplicitVRLittleEndian
    native = in_transfer_syntax(content, target=target, limits=LIMITS)
    assert transfer_syntax_of(native) == target
    assert same_pixels(native, content)
    assert dcmread(DicomBytesIO(native)).SOPInstanceUID == dcmread(DicomBytesIO(content)).SOPInstanceUID


@pytest.mark.parametrize(
    "name", ["RG1_UNCR.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "SC_rgb_jpeg_gdcm.dcm"]
)
def test_a_file_is_compressed_without_changing_a_pixel(name: str) -> None:
    content = stored(name)
    packed = in_transfer_syntax(content, target=RLELossless, limits=LIMITS)
    assert transfer_syntax_of(packed) == RLELossless
    assert same_pixels(packed, content)


def test_a_file_in_the_transfer_syntax_asked_for_is_returned_as_it_is() -> None:
    content = stored("MR_small_RLE.dcm")
    assert in_transfer_syntax(content, target=RLELossless, limits=LIMITS) is content


def test_nothing_is_compressed_into_a_transfer_syntax_that_is_not_written() -> None:
    with pytest.raises(CannotTranscode):
        in_transfer_syntax(stored("MR_small.dcm"), target=JPEG2000Lossless, limits=LIMITS)
    with pytest.raises(CannotTranscode):
        in_transfer_syntax(stored("MR_small.dcm"), target=UID("1.2.3"), limits=LIMITS)


def test_what_would_fill_the_memory_is_not_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnosis.dicom.transfer.LARGEST_NATIVE_BYTES", 1000)
    with pytest.raises(CannotTranscode):
        in_transfer_syntax(stored("MR_small_RLE.dcm"), target=ExplicitVRLittleEndian, limits=LIMITS)


@pytest.mark.parametrize("name", ["emri_small.dcm", "liver.dcm", "SC_rgb_rle_2frame.dcm"])
def test_frames_are_cut_out_of_native_pixels(name: str) -> None:
    dataset = dcmread(DicomBytesIO(stored(name)))
    make_native(dataset)
    count = int(dataset.NumberOfFrames)
    frames = [native_frame(dataset, index=index) for index in range(count)]
    whole = dataset.pixel_array
    if dataset.BitsAllocated == 1:
        for frame, expected in zip(frames, whole, strict=True):
            assert np.array_equal(
                np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[: expected.size],
                expected.ravel(),
            )
    else:
        assert b"".join(frames) == dataset.PixelData[: sum(map(len, frames))]
        assert len(frames[0]) == whole[0].nbytes
