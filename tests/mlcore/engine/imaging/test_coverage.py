"""Every file of pydicom and pydicom-data is either decoded to known values or refused for a known reason.

The digests of `coverage.csv` were not made by the code under test. 'dcmtk' in
the column `reference` means that DCMTK's own decoders (dcmconv, dcmdrle,
dcmdjpeg, dcmdjpls) gave these pixels; a file name, that the pixels are those of
that file, whose digest is DCMTK's; 'gdcm', that GDCM's JPEG 2000 decoder gave them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pydicom.uid
import pytest

from mlcore.engine.errors import ImageError, UnsupportedImage
from mlcore.engine.imaging.decode import DEFAULT_LIMITS, decode_image, decode_stored_values, inspect_image
from mlcore.engine.imaging.dicom_codecs import decode_frame
from mlcore.engine.imaging.dicom_file import read_dicom
from mlcore.engine.imaging.dicom_header import READ_TRANSFER_SYNTAXES, dicom_header
from mlcore.engine.imaging.quiet import quiet
from tests.mlcore.engine.imaging.samples import DECODED, REFUSED, dicom, dicom_names, gradient

DOCUMENT = Path(__file__).parents[4] / "docs" / "formats.md"
MADE = {
    "jpeg_lossless_process_14.dcm": ("JPEGLossless", 0),
    "htj2k_lossless.dcm": ("HTJ2KLossless", 0),
    "htj2k_lossless_rpcl.dcm": ("HTJ2KLosslessRPCL", 0),
    "htj2k_lossy.dcm": ("HTJ2K", 80),
}
"""Encoded from `samples.gradient` with DCMTK and OpenJPH, for want of a sample; and the largest error."""
EXAMPLES = {
    ("JPEG-lossy.dcm", 0, (420, 140)): 244,
    ("JPGExtended.dcm", 0, (230, 120)): 95,
    ("JPEG-LL.dcm", 0, (400, 127)): 68,
    ("JPGLosslessP14SV1_1s_1f_8b.dcm", 0, (600, 512)): 45,
    ("MR_small_RLE.dcm", 0, (63, 63)): 862,
    ("MR_small_bigendian.dcm", 0, (0, 31)): 422,
    ("MR_small_jpeg_ls_lossless.dcm", 0, (60, 35)): 2053,
    ("emri_small_jpeg_2k_lossless.dcm", 9, (63, 61)): 227,
    ("J2K_pixelrep_mismatch.dcm", 0, (0, 0)): -2000,
    ("image_dfl.dcm", 0, (300, 255)): 138,
    ("liver.dcm", 1, (256, 256)): 1,
}


def stored(name: str) -> list[np.ndarray]:
    dataset = read_dicom(dicom(name), limits=DEFAULT_LIMITS)
    header = dicom_header(dataset)
    with quiet():
        return [decode_frame(dataset, header=header, index=i) for i in range(header.frame_count)]


@pytest.mark.parametrize("row", DECODED, ids=lambda row: row["file"])
def test_a_file_decodes_to_the_values_another_decoder_gives(row):
    header = inspect_image(dicom(row["file"]))
    assert pydicom.uid.UID(header.transfer_syntax_uid).keyword == row["transfer_syntax"]
    assert header.photometric_interpretation == row["photometric_interpretation"]
    assert (header.bits_stored, header.frame_count) == (int(row["bits_stored"]), int(row["frames"]))
    values = np.stack(stored(row["file"])).astype("<i4")
    assert hashlib.sha256(values.tobytes()).hexdigest()[:16] == row["digest"]


@pytest.mark.parametrize("row", DECODED, ids=lambda row: row["file"])
def test_a_file_becomes_a_picture(row):
    image = decode_image(dicom(row["file"]))
    color = row["photometric_interpretation"] not in ("MONOCHROME1", "MONOCHROME2")
    assert image.pixels.shape == (image.rows, image.columns, 3)[: 3 if color else 2]
    assert image.pixels.dtype == np.float32
    assert 0 <= image.pixels.min() < image.pixels.max() <= 1


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["file"])
def test_a_file_without_a_readable_image_is_refused_for_its_reason(row):
    with pytest.raises(ImageError) as refusal:
        decode_image(dicom(row["file"]))
    assert refusal.value.code == row["code"]
    assert refusal.value.message.endswith(".")
    assert refusal.value.mend.endswith(".")


@pytest.mark.parametrize(("where", "value"), EXAMPLES.items(), ids=lambda item: str(item))
def test_single_values_are_those_that_pydicom_documents(where, value):
    name, frame, position = where
    assert stored(name)[frame][position] == value


def test_lossless_twins_are_equal_value_by_value():
    for compressed, plain in (("RG1_J2KR.dcm", "RG1_UNCR.dcm"), ("emri_small_RLE.dcm", "emri_small.dcm")):
        assert all(map(np.array_equal, stored(compressed), stored(plain)))


def test_no_file_is_left_out_of_the_tables():
    assert {row["file"] for row in DECODED + REFUSED} == set(dicom_names())


@pytest.mark.parametrize("name", MADE)
def test_a_file_made_for_a_transfer_syntax_without_sample_gives_its_source_back(name):
    transfer_syntax, tolerance = MADE[name]
    data = (Path(__file__).parent / "data" / name).read_bytes()
    assert pydicom.uid.UID(inspect_image(data).transfer_syntax_uid).keyword == transfer_syntax
    error = decode_stored_values(data).pixels.astype(int) - gradient(dtype="uint16", top=4095)
    assert np.abs(error).max() <= tolerance


def test_every_transfer_syntax_that_is_read_is_proved():
    proved = {row["transfer_syntax"] for row in DECODED} | {keyword for keyword, _ in MADE.values()}
    assert proved == {uid.keyword for uid in READ_TRANSFER_SYNTAXES}


def test_the_document_shows_the_same_tables():
    lines = set(DOCUMENT.read_text().splitlines())
    for row in DECODED:
        cells = (f"`{row['file']}`", *(row[key] for key in list(row)[1:5]), row["reference"])
        assert f"| {' | '.join(cells)} |" in lines
    for row in REFUSED:
        assert f"| `{row['file']}` | `{row['code']}` | {row['reason']} |" in lines


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "TINY_ALPHA/DICOMDIR"])
def test_the_table_of_contents_of_a_disc_is_told_apart_from_its_images(name):
    with pytest.raises(UnsupportedImage, match="DICOMDIR"):
        decode_image(dicom(f"dicomdirtests/{name}"))


def test_a_file_without_extension_is_read_by_its_bytes():
    assert decode_image(dicom("dicomdirtests/77654033/CR1/6154")).rows == 16
