from __future__ import annotations

import pytest

from mlcore.engine.errors import UnreadableImage
from mlcore.engine.imaging.codestream import jpeg_segments, read_jpeg, read_jpeg2000
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture


def stream(name: str, *, magic: bytes) -> bytes:
    data = dicom(name)
    return data[data.index(magic) :]


def test_a_jpeg_declares_size_components_and_depth():
    declared = read_jpeg(picture(gradient(30, 50), format="JPEG"))
    assert (declared.rows, declared.columns, declared.components, declared.precision) == (30, 50, 1, 8)
    assert (declared.marker, declared.scans, declared.ended) == (0xC0, 1, True)


def test_the_scans_of_a_progressive_jpeg_are_counted():
    declared = read_jpeg(picture(gradient(), format="JPEG", progressive=True))
    assert declared.marker == 0xC2
    assert declared.scans > 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("JPEG-LL.dcm", (1024, 256, 1, 0xC3)),
        ("JPGExtended.dcm", (1024, 256, 1, 0xC1)),
        ("MR_small_jpeg_ls_lossless.dcm", (64, 64, 1, 0xF7)),
    ],
)
def test_the_frame_header_of_each_jpeg_family_is_found(name, expected):
    declared = read_jpeg(stream(name, magic=b"\xff\xd8\xff"))
    assert (declared.rows, declared.columns, declared.components, declared.marker) == expected


def test_the_end_of_a_jpeg_cut_in_the_middle_is_missed():
    data = picture(gradient(200, 300), format="JPEG")
    assert not read_jpeg(data[: len(data) // 2]).ended


def test_a_jpeg_2000_declares_size_components_depth_and_tiles():
    declared = read_jpeg2000(stream("US1_J2KR.dcm", magic=b"\xff\x4f\xff\x51"))
    assert (declared.rows, declared.columns, declared.components, declared.precision) == (480, 640, 3, 8)
    assert declared.tiles >= 1


def test_a_segment_that_ends_in_fill_bytes_does_not_hide_the_next():
    plain = picture(gradient(), format="JPEG")
    comment = b"\xff\xfe\x00\x06\xff\xff\xff\xff"
    marked = plain[:2] + comment + plain[2:]
    assert [s.marker for s in jpeg_segments(marked)] == [0xFE] + [s.marker for s in jpeg_segments(plain)]


@pytest.mark.parametrize("read", [read_jpeg, read_jpeg2000])
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff\xd9", b"\xff\x4f\xff\x51\x00", b"\xff" * 50, b"\0" * 50]
)
def test_a_stream_without_header_is_damage(read, data):
    with pytest.raises(UnreadableImage):
        read(data)


def test_an_impossible_size_is_damage():
    data = bytearray(stream("US1_J2KR.dcm", magic=b"\xff\x4f\xff\x51"))
    data[8:12] = bytes(4)
    with pytest.raises(UnreadableImage, match="impossible"):
        read_jpeg2000(bytes(data))
