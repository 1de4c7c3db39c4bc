from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mlcore.engine.errors import UnreadableImage
from mlcore.engine.imaging.decode import decode_image, decode_stored_values
from mlcore.engine.imaging.jpeg import decode_jpeg, essential_jpeg
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture
from tests.mlcore.engine.imaging.test_decode import changed

NOISE = np.random.default_rng(0).integers(0, 255, (200, 300)).astype(np.uint8)
COLOR = np.dstack([gradient(), gradient()[::-1], gradient()[:, ::-1]])


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}]
)
@pytest.mark.parametrize("pixels", [NOISE, COLOR], ids=["gray", "color"])
def test_the_pixels_are_those_that_pillow_decodes(pixels, options):
    data = picture(pixels, format="JPEG", **options)
    with Image.open(BytesIO(data)) as image:
        expected = np.asarray(image)
    for stream in (data, essential_jpeg(data)):
        assert np.array_equal(decode_jpeg(stream, components=1 if pixels.ndim == 2 else 3), expected)


def test_only_what_makes_the_pixels_is_kept():
    data = picture(NOISE, format="JPEG", comment=b"Jane Doe", icc_profile=b"Jane Doe", exif=b"Exif\0\0II*\0")
    dressed = data[:2] + segment(0xED, b"Jane Doe") + b"\xff\xff\xff" + data[2:] + b"Jane Doe"
    kept = essential_jpeg(dressed)
    assert b"Jane" not in kept
    assert b"Exif" in kept
    assert np.array_equal(decode_jpeg(kept, components=1), decode_jpeg(data, components=1))


def test_the_mark_that_names_the_color_space_is_kept():
    data = picture(COLOR, format="JPEG", keep_rgb=True)
    assert np.abs(decode_stored_values(data).pixels.astype(int) - COLOR).max() <= 8


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_missing_pixels_are_noticed_even_when_the_end_mark_is_there(share):
    data = picture(NOISE, format="JPEG")
    with pytest.raises(UnreadableImage):
        decode_image(data[: int(len(data) * share)] + b"\xff\xd9")


def test_damaged_pixels_in_a_dicom_frame_are_noticed():
    pixels = bytearray(changed("SC_rgb_dcmtk_+eb+cy+n2.dcm"))
    scan = pixels.index(b"\xff\xda")
    end = pixels.index(b"\xff\xd9", scan)
    middle = (scan + end) // 2
    pixels[middle : end - 2] = b"\xff\xd9" * ((end - 2 - middle) // 2) + bytes((end - 2 - middle) % 2)
    with pytest.raises(UnreadableImage):
        decode_image(bytes(pixels))
    assert decode_image(dicom("SC_rgb_dcmtk_+eb+cy+n2.dcm")).rows == 100


def test_a_cmyk_picture_of_white_is_white():
    target = BytesIO()
    Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(target, "JPEG")
    assert decode_stored_values(target.getvalue()).pixels.min() >= 250
