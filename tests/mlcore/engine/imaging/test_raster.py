from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from mlcore.engine.errors import ImageError, ImageTooLarge, UnreadableImage, UnsupportedImage
from mlcore.engine.imaging.decode import decode_image, decode_stored_values, inspect_image
from mlcore.engine.types import ImageLimits
from tests.mlcore.engine.imaging.samples import gradient, picture
from tests.mlcore.engine.imaging.test_png import chunk

COLOR = np.stack([gradient(), gradient()[::-1], gradient()[:, ::-1]], axis=-1)


def stored(data: bytes, **options) -> np.ndarray:
    return decode_stored_values(data, **options).pixels


def tiff(pixels: np.ndarray, **options) -> bytes:
    target = BytesIO()
    tifffile.imwrite(target, pixels, **options)
    return target.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("pixels", [gradient(), gradient(dtype="uint16", top=65535), COLOR])
def test_a_lossless_format_gives_its_pixels_back(format, pixels):
    decoded = stored(picture(pixels, format=format))
    assert decoded.dtype == pixels.dtype
    assert np.array_equal(decoded, pixels)


def test_a_jpeg_gives_its_pixels_back_nearly():
    assert np.abs(stored(picture(gradient(), format="JPEG", quality=95)).astype(int) - gradient()).max() <= 4


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("byteorder", "bigtiff"), [("<", False), (">", False), ("<", True)])
def test_tiff_is_read_in_both_byte_orders_and_as_bigtiff(compression, byteorder, bigtiff):
    pixels = gradient(dtype="uint16", top=4095)
    data = tiff(pixels, compression=compression, byteorder=byteorder, bigtiff=bigtiff)
    assert np.array_equal(stored(data), pixels)


def test_a_big_endian_bigtiff_is_refused_by_name():
    with pytest.raises(UnsupportedImage, match="BigTIFF"):
        decode_image(tiff(gradient(), bigtiff=True, byteorder=">"))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"])
def test_tiff_is_read_in_the_compressions_pillow_writes(compression):
    image = Image.fromarray(gradient())
    target = BytesIO()
    (image.convert("1") if compression == "group4" else image).save(target, "TIFF", compression=compression)
    assert decode_image(target.getvalue()).pixels.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_tiff_in_which_white_is_zero_is_turned_round(dtype):
    top = np.iinfo(dtype).max
    pixels = gradient(dtype=dtype, top=top)
    assert np.array_equal(stored(tiff(pixels, photometric="miniswhite")), top - pixels)


def test_signed_values_stay_signed():
    pixels = gradient(dtype="int16", top=3000) - np.int16(1000)
    decoded = stored(tiff(pixels))
    assert decoded.dtype == np.int16
    assert np.array_equal(decoded, pixels)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint32", "int32"])
def test_floating_point_and_32_bits_are_refused_with_a_reason(dtype):
    with pytest.raises(UnsupportedImage, match="floating-point, 32-bit"):
        decode_image(tiff(gradient(dtype=dtype)))


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK", "L"])
def test_every_mode_becomes_gray_or_rgb(mode):
    source = Image.fromarray(COLOR).convert(mode)
    for format in {"CMYK": ("JPEG", "TIFF"), "LA": ("PNG",)}.get(mode, ("PNG", "TIFF")):
        target = BytesIO()
        source.save(target, format)
        pixels = stored(target.getvalue())
        gray = mode in ("1", "L", "LA")
        assert pixels.shape == ((60, 80) if gray else (60, 80, 3))
        assert pixels.dtype == np.uint8


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_of_few_bits_reaches_from_black_to_white(bits):
    pixels = (gradient() >> (8 - bits)).astype(np.uint8)
    target = BytesIO()
    Image.fromarray(pixels * np.uint8(255 // (2**bits - 1))).save(target, "PNG", bits=bits)
    image = decode_image(target.getvalue())
    assert (image.pixels.min(), image.pixels.max()) == (0, 1)


def test_what_is_transparent_is_black():
    rgba = np.dstack([COLOR, np.full((60, 80), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    pixels = stored(picture(rgba))
    assert not pixels[:10].any()
    assert np.array_equal(pixels[10:], COLOR[10:])


def test_a_color_that_is_named_transparent_is_read():
    target = BytesIO()
    Image.fromarray(gradient()).save(target, "PNG", transparency=0)
    assert stored(target.getvalue()).shape == (60, 80)


def test_gray_in_a_color_file_becomes_gray():
    assert np.array_equal(stored(picture(np.dstack([gradient()] * 3))), gradient())


def test_an_interlaced_png_is_read():
    # Seven passes of a 2x2 image: Adam7 puts its pixels in passes 1, 6 and 7.
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1)
    rows = bytes([0, 10]) + bytes([0, 20]) + bytes([0, 30, 40])
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert stored(data).tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_an_exif_orientation_is_applied(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = gradient(64, 96)
    laid = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    options = {"quality": 100} if format == "JPEG" else {}
    data = picture(np.ascontiguousarray(laid), format=format, exif=exif, **options)
    assert np.abs(stored(data).astype(int) - upright).max() <= 3


def test_a_damaged_exif_block_does_not_matter():
    data = picture(gradient(), format="JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert stored(data).shape == (60, 80)


def test_of_several_pages_the_middle_one_is_taken_and_any_can_be_asked_for():
    pages = np.stack([gradient() // divisor for divisor in (1, 2, 3, 4, 5)])
    data = tiff(pages, photometric="minisblack")
    image = decode_image(data)
    assert (image.frame_index, image.frame_count) == (2, 5)
    assert np.array_equal(stored(data), pages[2])
    assert all(np.array_equal(stored(data, frame=index), pages[index]) for index in range(5))


def test_a_thumbnail_page_is_no_frame():
    target = BytesIO()
    with tifffile.TiffWriter(target) as writer:
        writer.write(gradient())
        writer.write(gradient()[::4, ::4], subfiletype=1)
    header = inspect_image(target.getvalue())
    assert (header.frame_count, header.rows) == (1, 60)


def test_too_many_pages_are_refused():
    with pytest.raises(ImageTooLarge, match="3 pages"):
        inspect_image(
            tiff(np.zeros((4, 8, 8), np.uint8), photometric="minisblack"), limits=ImageLimits(max_frames=3)
        )


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_jpeg_cut_in_the_middle_is_refused(options, share):
    noise = np.random.default_rng(0).integers(0, 255, (120, 160)).astype(np.uint8)
    data = picture(noise, format="JPEG", **options)
    with pytest.raises(UnreadableImage):
        decode_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.8, 0.99])
def test_a_file_cut_in_the_middle_is_refused(format, share):
    noise = np.random.default_rng(0).integers(0, 255, (120, 160)).astype(np.uint8)
    data = picture(noise, format=format)
    with pytest.raises(ImageError):
        decode_image(data[: int(len(data) * share)])


def test_bytes_after_the_end_do_not_matter():
    for format in ("PNG", "JPEG", "TIFF"):
        data = picture(gradient(), format=format)
        assert np.array_equal(stored(data + b"PK\x03\x04 and an archive"), stored(data))


@pytest.mark.parametrize(("marker", "precision"), [(0xC1, 12), (0xC3, 8), (0xC5, 8), (0xC0, 12)])
def test_rare_kinds_of_jpeg_are_refused_by_name(marker, precision):
    data = bytearray(picture(gradient(), format="JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = marker, precision
    with pytest.raises(UnsupportedImage, match="rare kind"):
        decode_image(bytes(data))


def test_a_jpeg_of_countless_scans_is_refused():
    data = picture(gradient(), format="JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnreadableImage, match="scans"):
        inspect_image(data[:-2] + scan * 200 + data[-2:])
