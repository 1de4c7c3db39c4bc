from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import pytest

from mlcore.engine.errors import ImageTooLarge, UnreadableImage, UnsupportedImage
from mlcore.engine.imaging.decode import DEFAULT_LIMITS, decode_image, inspect_image
from mlcore.engine.imaging.dicom_file import MAX_SEQUENCE_BYTES, read_dicom
from tests.mlcore.engine.imaging.samples import dicom
from tests.mlcore.engine.imaging.test_decode import changed


def meta(transfer_syntax: str) -> bytes:
    uid = transfer_syntax.encode() + b"\0" * (len(transfer_syntax) % 2)
    element = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(uid)) + uid
    return b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(element)) + element


def test_a_deflated_data_set_is_inflated_and_still_says_how_it_came():
    dataset = read_dicom(dicom("image_dfl.dcm"), limits=DEFAULT_LIMITS)
    assert dataset.file_meta.TransferSyntaxUID.is_deflated
    assert len(dataset.PixelData) == 512 * 512


def test_a_deflated_bomb_is_stopped_at_the_limit():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()
    with pytest.raises(ImageTooLarge, match="unpacks"):
        read_dicom(meta("1.2.840.10008.1.2.1.99") + bomb, limits=replace(DEFAULT_LIMITS, max_bytes=10**6))


def test_a_deflated_data_set_cut_in_the_middle_is_truncated():
    data = dicom("image_dfl.dcm")
    with pytest.raises(UnreadableImage, match="ends early"):
        read_dicom(data[: len(data) // 2], limits=DEFAULT_LIMITS)


def test_a_file_of_countless_elements_is_given_up():
    elements = b"".join(struct.pack("<HHI", 0x0009 + 2 * (i >> 16), i & 0xFFFF, 0) for i in range(600_000))
    with pytest.raises(ImageTooLarge, match="elements"):
        read_dicom(meta("1.2.840.10008.1.2") + elements, limits=DEFAULT_LIMITS)


def test_countless_elements_in_a_sequence_of_undefined_length_are_given_up_too():
    start = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    elements = b"".join(struct.pack("<HHI", 0x0009 + 2 * (i >> 16), i & 0xFFFF, 0) for i in range(600_000))
    with pytest.raises(ImageTooLarge, match="elements"):
        read_dicom(meta("1.2.840.10008.1.2") + start + elements, limits=DEFAULT_LIMITS)


def test_a_sequence_of_defined_length_is_bounded_before_it_is_parsed():
    size = MAX_SEQUENCE_BYTES + 8
    sequence = struct.pack("<HHI", 0x0028, 0x3010, size) + bytes(size)
    data = dicom("MR_small_implicit.dcm")
    place = data.index(b"\x28\x00\x02\x00")
    with pytest.raises(ImageTooLarge, match="sequence"):
        decode_image(data[:place] + sequence + data[place:])


def test_nesting_without_end_is_damage_and_no_crash():
    opened = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(UnreadableImage):
        read_dicom(meta("1.2.840.10008.1.2") + opened * 5000, limits=DEFAULT_LIMITS)


def test_a_file_without_transfer_syntax_gets_the_one_it_is_in():
    dataset = read_dicom(dicom("ExplVR_BigEndNoMeta.dcm"), limits=DEFAULT_LIMITS)
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.2"
    data = dicom("MR_small_implicit.dcm")
    assert decode_image(data[data.index(b"\x08\x00\x08\x00") :]).rows == 64


@pytest.mark.parametrize(
    ("transfer_syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.100", "video"),
        ("1.2.840.10008.1.2.4.102", "video"),
        ("1.2.840.10008.1.2.4.107", "video"),
        ("1.2.840.10008.1.2.4.94", "JPIP"),
        ("1.2.840.10008.1.2.4.52", "JPEG Extended"),
        ("1.2.3.4.5", "unknown transfer syntax"),
    ],
)
def test_a_transfer_syntax_that_is_not_read_is_named(transfer_syntax, words):
    data = dicom("CT_small.dcm")
    body = data[132 + 12 + struct.unpack("<I", data[140:144])[0] :]
    with pytest.raises(UnsupportedImage, match=words):
        inspect_image(meta(transfer_syntax) + body)


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"BitsStored": 17}, UnsupportedImage, "16 bits"),
        ({"BitsAllocated": 12}, UnreadableImage, "bits"),
        ({"BitsStored": 0}, UnreadableImage, "bits"),
        ({"SamplesPerPixel": 3}, UnreadableImage, "samples"),
        ({"PhotometricInterpretation": "HSV"}, UnsupportedImage, "photometric"),
        ({"Rows": None}, UnreadableImage, "Rows"),
        ({"Rows": 4000}, UnreadableImage, "fewer pixels"),
        ({"NumberOfFrames": 3}, UnreadableImage, "fewer pixels"),
        ({"NumberOfFrames": 0}, UnreadableImage, "no frame"),
        ({"PixelData": None}, UnreadableImage, "no pixel data"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_with_its_reason(values, error, words):
    with pytest.raises(error, match=words):
        inspect_image(changed("CT_small.dcm", **values))


@pytest.mark.parametrize(
    "name", ["RG1_J2KI.dcm", "JPEG-LL.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_rle.dcm"]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_compressed_file_cut_in_the_middle_is_refused_by_its_header(name, share):
    data = dicom(name)
    with pytest.raises(UnreadableImage):
        inspect_image(data[: int(len(data) * share)])


def test_a_codestream_of_another_size_than_the_header_is_refused():
    with pytest.raises(UnreadableImage, match="another size"):
        inspect_image(changed("JPEG-LL.dcm", Rows=2048))


def test_fewer_frames_than_declared_are_missed():
    with pytest.raises(UnreadableImage, match="truncated"):
        inspect_image(changed("emri_small_jpeg_ls_lossless.dcm", NumberOfFrames=11))
