from __future__ import annotations

import pytest

from mlcore.engine.errors import EmptyFile, UnknownFormat
from mlcore.engine.imaging.formats import detect_format
from mlcore.engine.types import ImageFormat
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (picture(gradient()), ImageFormat.PNG),
        (picture(gradient(), format="JPEG"), ImageFormat.JPEG),
        (picture(gradient(), format="TIFF"), ImageFormat.TIFF),
        (b"MM\x00*", ImageFormat.TIFF),
        (b"II+\x00\x08\x00", ImageFormat.TIFF),
        (dicom("CT_small.dcm"), ImageFormat.DICOM),
        (dicom("ExplVR_LitEndNoMeta.dcm"), ImageFormat.DICOM),
        (dicom("ExplVR_BigEndNoMeta.dcm"), ImageFormat.DICOM),
        (dicom("MR_small_implicit.dcm")[132:], ImageFormat.DICOM),
    ],
)
def test_the_first_bytes_tell_the_format(data, format):
    assert detect_format(data) is format


def test_a_data_set_in_implicit_vr_without_meta_information_is_dicom():
    data = b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100"
    assert detect_format(data) is ImageFormat.DICOM


def test_a_preamble_may_hold_anything():
    assert detect_format(b"\x89PNG\r\n\x1a\n".ljust(128, b"\0") + b"DICM") is ImageFormat.DICOM
    assert detect_format(b"MZ".ljust(128, b"\0") + b"DICM") is ImageFormat.DICOM


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"GIF89a", "GIF"),
        (b"BM\x36\x00", "BMP"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "video"),
        (b"\x00\x00\x00\x18ftypheic", "HEIF"),
        (b"\x00\x00\x00\x18ftypmp42", "video"),
        (b"\x5c\x01\x00\x00" + b"\0" * 344, "NIfTI"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"<!DOCTYPE html><html><body>Log in</body>", "web page"),
        (b"\n  <html>", "web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"Dear colleague,\r\nplease find the image attached.", "text"),
        ("Röntgen Thorax".encode(), "text"),
        (b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", "encrypted"),
        (b"\0" * 600, "zeros"),
        (bytes(range(128, 256)), "not of a format"),
        (b"\x89PNG", "not of a format"),
        (b"\xff", "not of a format"),
    ],
)
def test_what_is_not_read_is_named(data, words):
    with pytest.raises(UnknownFormat, match=words) as refusal:
        detect_format(data)
    assert refusal.value.mend.endswith(".")


def test_an_empty_file_is_said_to_be_empty():
    with pytest.raises(EmptyFile):
        detect_format(b"")


def test_no_word_of_the_file_gets_into_the_message():
    with pytest.raises(UnknownFormat) as refusal:
        detect_format(b"Patient: Jane Doe, born 1950-01-01")
    assert "Jane" not in str(refusal.value)
