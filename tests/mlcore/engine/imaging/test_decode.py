from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from mlcore.engine.errors import UnreadableImage, UnsupportedImage
from mlcore.engine.imaging.decode import decode_image, decode_stored_values, inspect_image
from mlcore.engine.types import ImageFormat
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture


def changed(name: str, **values) -> bytes:
    """Return a sample with attributes set, or removed where the value is None."""
    dataset = pydicom.dcmread(BytesIO(dicom(name)))
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    target = BytesIO()
    dataset.save_as(target)
    return target.getvalue()


def test_the_radiograph_is_shown_with_its_window_and_black_as_zero():
    """RG1 is MONOCHROME1 with center 15000 and width 30000, LINEAR by default."""
    image = decode_image(dicom("RG1_UNCR.dcm"))
    stored = decode_stored_values(dicom("RG1_UNCR.dcm"))
    expected = 1 - np.clip((stored.pixels - 14999.5) / 29999 + 0.5, 0, 1)
    assert np.abs(image.pixels - expected).max() < 1e-6
    assert (image.rows, image.columns, image.bits_stored) == (1955, 1841, 15)
    assert image.photometric_interpretation == "MONOCHROME1"
    assert image.pixel_spacing is None
    assert (stored.window_center, stored.window_width, stored.voi_lut_function) == (15000, 30000, "LINEAR")
    assert stored.photometric_interpretation == "MONOCHROME1"


def test_a_computed_tomogram_is_rescaled():
    stored = decode_stored_values(dicom("CT_small.dcm"))
    assert stored.pixels.dtype == np.int16
    assert (stored.rescale_slope, stored.rescale_intercept) == (1, -1024)
    assert stored.pixel_spacing == (0.661468, 0.661468)


def test_a_window_out_of_the_file_is_used_and_its_function_too():
    data = changed("CT_small.dcm", WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID")
    stored = decode_stored_values(data)
    values = stored.pixels.astype(float) - 1024
    assert stored.voi_lut_function == "SIGMOID"
    assert np.abs(decode_image(data).pixels - 1 / (1 + np.exp(-4 * (values - 40) / 400))).max() < 1e-6


def test_the_first_of_several_windows_is_used():
    data = changed("CT_small.dcm", WindowCenter=[40, 500], WindowWidth=[400, 2000])
    assert decode_stored_values(data).window_width == 400


@pytest.mark.parametrize("width", [0, -5])
def test_an_impossible_window_is_replaced_by_one_that_suits(width):
    stored = decode_stored_values(changed("CT_small.dcm", WindowCenter=40, WindowWidth=width))
    assert stored.window_width > 500


def test_a_rescale_slope_of_zero_is_damage():
    with pytest.raises(UnreadableImage, match="slope"):
        decode_image(changed("CT_small.dcm", RescaleSlope=0))


def test_monochrome1_and_monochrome2_are_negatives_of_each_other():
    positive = decode_image(dicom("MR_small.dcm")).pixels
    negative = decode_image(changed("MR_small.dcm", PhotometricInterpretation="MONOCHROME1")).pixels
    assert negative == pytest.approx(1 - positive)


def lookup_table(entries: np.ndarray, *, first: int, bits: int) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries.astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    return Sequence([item])


def test_a_modality_table_takes_the_place_of_the_rescale():
    table = lookup_table(np.arange(4096)[::-1], first=0, bits=12)
    data = changed("RG3_UNCR.dcm", ModalityLUTSequence=table, WindowCenter=None, WindowWidth=None)
    plain = decode_stored_values(dicom("RG3_UNCR.dcm")).pixels
    stored = decode_stored_values(data)
    assert np.array_equal(stored.pixels, 4095 - plain)
    assert (stored.rescale_slope, stored.rescale_intercept) == (1, 0)


def test_a_voi_table_takes_the_place_of_the_window():
    table = lookup_table(np.linspace(65535, 0, 1024), first=0, bits=16)
    data = changed("RG3_UNCR.dcm", VOILUTSequence=table)
    plain = decode_stored_values(dicom("RG3_UNCR.dcm")).pixels
    assert np.abs(decode_image(data).pixels - plain / 1023).max() < 1e-4


def test_the_tables_of_real_files_are_applied():
    assert decode_stored_values(dicom("mlut_18.dcm")).pixels.max() == 65535
    assert 0.3 < decode_image(dicom("vlut_04.dcm")).pixels.mean() < 0.7


def test_a_damaged_table_is_damage():
    table = lookup_table(np.arange(10), first=0, bits=16)
    table[0].LUTDescriptor = [4096, 0, 16]
    with pytest.raises(UnreadableImage, match="lookup table"):
        decode_image(changed("RG3_UNCR.dcm", VOILUTSequence=table))


def group(**values) -> Dataset:
    """Return a functional group of sequences with one item each."""
    item = Dataset()
    for keyword, attributes in values.items():
        inner = Dataset()
        inner.update({tag: DataElement(tag, *pair) for tag, pair in attributes.items()})
        setattr(item, keyword, Sequence([inner]))
    return item


def test_in_an_enhanced_object_each_frame_has_its_own_window_and_all_share_a_spacing():
    windows = [
        group(FrameVOILUTSequence={0x00281050: ("DS", 100 + index), 0x00281051: ("DS", 50)})
        for index in range(10)
    ]
    shared = group(
        PixelMeasuresSequence={0x00280030: ("DS", [0.5, 0.25])},
        PixelValueTransformationSequence={0x00281052: ("DS", -7), 0x00281053: ("DS", 2)},
    )
    data = changed(
        "emri_small.dcm",
        PerFrameFunctionalGroupsSequence=Sequence(windows),
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )
    frames = [decode_stored_values(data, frame=index) for index in range(10)]
    assert [frame.window_center for frame in frames] == list(range(100, 110))
    assert {(frame.rescale_slope, frame.rescale_intercept) for frame in frames} == {(2, -7)}
    assert frames[0].pixel_spacing == (0.5, 0.25)


def test_without_a_choice_the_middle_frame_is_taken():
    image = decode_image(dicom("emri_small.dcm"))
    assert (image.frame_index, image.frame_count) == (5, 10)
    assert np.array_equal(image.pixels, decode_image(dicom("emri_small.dcm"), frame=5).pixels)
    assert not np.array_equal(image.pixels, decode_image(dicom("emri_small.dcm"), frame=4).pixels)


@pytest.mark.parametrize("frame", [-1, 10, 10_000])
def test_a_frame_that_does_not_exist_is_refused(frame):
    with pytest.raises(UnsupportedImage, match="10 frames") as refusal:
        decode_image(dicom("emri_small.dcm"), frame=frame)
    assert refusal.value.code == "no_such_frame"


def test_a_palette_becomes_color():
    image = decode_image(dicom("OT-PAL-8-face.dcm"))
    assert image.pixels.shape == (480, 640, 3)
    assert decode_stored_values(dicom("OT-PAL-8-face.dcm")).photometric_interpretation == "RGB"
    assert image.photometric_interpretation == "PALETTE COLOR"


def test_a_segmented_palette_is_the_same_in_both_byte_orders():
    little = decode_image(dicom("gdcm-US-ALOKA-16.dcm")).pixels
    big = decode_image(dicom("gdcm-US-ALOKA-16_big.dcm")).pixels
    assert np.array_equal(little, big)


def test_color_bars_come_out_in_their_colors_from_each_encoding():
    bars = {5: (255, 0, 0), 25: (0, 255, 0), 45: (0, 0, 255), 65: (0, 0, 0), 95: (255, 255, 255)}
    for name in ("SC_rgb_dcmtk_+eb+cr.dcm", "SC_ybr_full_422_uncompressed.dcm", "SC_rgb_rle.dcm"):
        pixels = decode_image(dicom(name)).pixels * 255
        for row, color in bars.items():
            assert pixels[row, 50] == pytest.approx(color, abs=6)


def test_sixteen_bits_of_color_are_reduced_to_eight():
    eight = decode_stored_values(dicom("SC_rgb.dcm")).pixels
    assert np.array_equal(decode_stored_values(dicom("SC_rgb_16bit.dcm")).pixels, eight)


def test_a_twelve_bit_png_in_sixteen_bits_is_not_shown_black():
    image = decode_image(picture(gradient(dtype="uint16", top=4095)))
    assert image.pixels.mean() == pytest.approx(0.5, abs=0.05)
    assert image.format is ImageFormat.PNG


def test_reading_the_header_decodes_nothing():
    header = inspect_image(dicom("RG1_J2KR.dcm"))
    assert (header.rows, header.columns, header.bits_stored, header.bits_allocated) == (1955, 1841, 15, 16)
    assert header.decoded_bytes == 1955 * 1841 * 2


def test_the_input_may_be_used_again():
    data = dicom("MR_small_RLE.dcm")
    assert np.array_equal(decode_image(data).pixels, decode_image(data).pixels)


def test_importing_the_engine_for_images_does_not_import_tensorflow_or_pyplot():
    code = (
        "import sys, mlcore.engine.imaging.decode, mlcore.engine.imaging.encode, diagnosis.dicom.deidentify;"
        "print({'tensorflow', 'keras', 'matplotlib.pyplot', 'django'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
