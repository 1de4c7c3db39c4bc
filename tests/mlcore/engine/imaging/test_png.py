from __future__ import annotations

import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mlcore.engine.errors import UnreadableImage, UnsupportedImage
from mlcore.engine.imaging.png import essential_png, png_size
from tests.mlcore.engine.imaging.samples import gradient, picture


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def after_header(data: bytes, *chunks: bytes) -> bytes:
    return data[:33] + b"".join(chunks) + data[33:]


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image)


def test_the_header_gives_size_depth_and_color_type():
    assert png_size(picture(gradient(7, 9, dtype="uint16", top=65535))) == (7, 9, 16, 0)


def test_only_what_makes_the_pixels_is_kept():
    info = PngInfo()
    info.add_text("Patient", "Jane Doe")
    info.add_text("Comment", "Jane Doe" * 100, zip=True)
    data = picture(gradient(), pnginfo=info, dpi=(300, 300), icc_profile=b"a profile") + b"after the end"
    kept = essential_png(data)
    assert not any(word in kept for word in (b"tEXt", b"zTXt", b"pHYs", b"iCCP", b"Jane", b"after"))
    assert np.array_equal(pixels(kept), gradient())


def test_the_frames_of_an_animation_are_left_out():
    frames = [Image.fromarray(gradient() // divisor) for divisor in (1, 2, 3)]
    target = BytesIO()
    frames[0].save(target, "PNG", save_all=True, append_images=frames[1:])
    kept = essential_png(target.getvalue())
    assert b"acTL" in target.getvalue()
    assert not any(word in kept for word in (b"acTL", b"fcTL", b"fdAT"))
    assert np.array_equal(pixels(kept), gradient())


def test_a_checksum_that_does_not_match_is_damage():
    data = bytearray(picture(gradient()))
    data[data.index(b"IDAT") + 20] ^= 1
    with pytest.raises(UnreadableImage, match="checksum"):
        essential_png(bytes(data))


@pytest.mark.parametrize("kept_bytes", [40, 60, -12, -1])
def test_a_file_that_ends_early_is_truncated(kept_bytes):
    with pytest.raises(UnreadableImage, match="truncated"):
        essential_png(picture(gradient())[:kept_bytes])


@pytest.mark.parametrize("kept_bytes", [8, 20, 32])
def test_a_file_that_ends_in_its_header_is_truncated(kept_bytes):
    with pytest.raises(UnreadableImage, match="truncated"):
        png_size(picture(gradient())[:kept_bytes])


def test_an_unknown_critical_chunk_is_refused_and_an_unknown_other_one_dropped():
    plain = picture(gradient())
    with pytest.raises(UnsupportedImage):
        essential_png(after_header(plain, chunk(b"EVIL", b"x")))
    assert essential_png(after_header(plain, chunk(b"evIl", b"x"))) == plain


def test_a_large_exif_block_is_dropped():
    exif = chunk(b"eXIf", b"II*\x00" + b"\0" * 100_000)
    assert b"eXIf" not in essential_png(after_header(picture(gradient()), exif))


@pytest.mark.parametrize(("offset", "value"), [(24, 3), (25, 5), (26, 1), (27, 1), (28, 2)])
def test_a_header_that_png_does_not_have_is_refused(offset, value):
    data = bytearray(picture(gradient()))
    data[offset] = value
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(UnreadableImage, match="header"):
        png_size(bytes(data))
