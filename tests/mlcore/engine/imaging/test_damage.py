"""Whatever is done to a file, it is read or refused: nothing else is raised and no warning escapes."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from diagnosis.dicom.deidentify import deidentify
from mlcore.engine.errors import ImageError
from mlcore.engine.imaging.decode import decode_image, decode_stored_values, inspect_image
from mlcore.engine.imaging.encode import sanitize_image
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture

KEY = b"a key of at least sixteen bytes"
COLOR = np.dstack([gradient(), gradient()[::-1], gradient()[:, ::-1]])


def tiff(compression: str) -> bytes:
    target = BytesIO()
    Image.fromarray(gradient()).save(target, "TIFF", compression=compression)
    return target.getvalue()


def pages() -> bytes:
    target = BytesIO()
    tifffile.imwrite(target, np.zeros((3, 20, 20), np.uint16), photometric="minisblack", compression="zlib")
    return target.getvalue()


FILES = {
    "png": picture(COLOR),
    "png of 16 bits": picture(gradient(dtype="uint16", top=65535)),
    "jpeg": picture(COLOR, format="JPEG"),
    "progressive jpeg": picture(COLOR, format="JPEG", progressive=True),
    "tiff": picture(gradient(), format="TIFF"),
    "tiff in LZW": tiff("tiff_lzw"),
    "tiff in JPEG": tiff("jpeg"),
    "tiff of pages": pages(),
    **{
        name: dicom(name)
        for name in (
            "MR_small.dcm",
            "MR_small_implicit.dcm",
            "MR_small_bigendian.dcm",
            "MR_small_RLE.dcm",
            "MR_small_jp2klossless.dcm",
            "MR_small_jpeg_ls_lossless.dcm",
            "SC_rgb_jls_lossy_line.dcm",
            "SC_rgb_dcmtk_+eb+cy+n2.dcm",
            "SC_rgb_gdcm_KY.dcm",
            "JPEG2000.dcm",
            "image_dfl.dcm",
            "vlut_04.dcm",
        )
    },
}
READERS = (
    inspect_image,
    decode_image,
    decode_stored_values,
    sanitize_image,
    lambda data: deidentify(data, key=KEY),
)


def read_or_refuse(data: bytes) -> None:
    for read in READERS:
        with suppress(ImageError):
            read(data)


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(draw=st.data())
def test_damage_is_read_or_refused(name, draw):
    data = bytearray(FILES[name])
    for _ in range(draw.draw(st.integers(1, 6))):
        # Most damage that matters is in the first bytes, where the headers are.
        place = draw.draw(st.integers(0, min(len(data), 2000) - 1) | st.integers(0, len(data) - 1))
        kind = draw.draw(st.sampled_from(["flip", "overwrite", "remove", "insert", "cut"]))
        if kind == "flip":
            data[place] ^= 1 << draw.draw(st.integers(0, 7))
        elif kind == "overwrite":
            data[place : place + 4] = draw.draw(
                st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
            )
        elif kind == "remove":
            del data[place : place + draw.draw(st.integers(1, 64))]
        elif kind == "insert":
            data[place:place] = draw.draw(st.binary(min_size=1, max_size=32))
        else:
            del data[max(place, 200) :]
    read_or_refuse(bytes(data))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    start=st.sampled_from(
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", bytes(128) + b"DICM", b""]
    ),
    rest=st.binary(max_size=400),
)
def test_garbage_behind_any_mark_is_refused(start, rest):
    read_or_refuse(start + rest)


@pytest.mark.parametrize("name", FILES)
def test_every_cut_near_the_start_and_the_end_is_read_or_refused(name):
    data = FILES[name]
    for length in (*range(0, 300, 7), *range(len(data) - 40, len(data), 5)):
        read_or_refuse(data[:length])
