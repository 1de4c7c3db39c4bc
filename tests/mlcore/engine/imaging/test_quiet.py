from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib

import pytest
from PIL.Image import DecompressionBombError
from pydicom.encaps import encapsulate
from pydicom.errors import BytesLengthException
from pydicom.misc import warn_and_log

from mlcore.engine.errors import ImageTooLarge, UnreadableImage
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.quiet import quiet, refusing_damage
from tests.mlcore.engine.imaging.test_decode import changed


def test_warnings_inside_are_ignored_and_outside_come_back():
    with quiet():
        warnings.warn("nobody hears this", stacklevel=1)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_threads_that_overlap_leave_the_filters_as_they_found_them():
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with quiet():
            inside.set()
            leave.wait(5)

    thread = threading.Thread(target=stay)
    with quiet():
        thread.start()
        inside.wait(5)
    with quiet():
        warnings.warn("still ignored: the thread is inside", stacklevel=1)
    leave.set()
    thread.join()
    assert list(warnings.filters) == before


def test_what_a_decoder_raises_becomes_an_error_without_its_words():
    with pytest.raises(UnreadableImage) as refusal, refusing_damage("PNG file"):
        raise KeyError("Jane Doe")
    assert str(refusal.value).startswith("The PNG file is truncated or damaged")
    assert refusal.value.__suppress_context__


class TimeLimitExceeded(Exception):
    """As a task queue raises it into whatever runs too long."""


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, TimeLimitExceeded])
def test_an_interruption_passes(interruption):
    with pytest.raises(interruption), refusing_damage("PNG file"):
        raise interruption


def test_a_decoder_that_panics_is_no_worse_than_one_that_raises():
    """RLE data that unpacks to more than its frame makes the decoder panic, past `Exception`."""
    frame = struct.pack("<16L", 2, 64, 66, *[0] * 13) + b"\x81\x07" + b"\x81\x07" * 400
    values = {"PixelData": encapsulate([frame]), "Rows": 8, "Columns": 8}
    with pytest.raises(UnreadableImage, match="damaged"):
        decode_image(changed("MR_small_RLE.dcm", **values))


@pytest.mark.parametrize(
    "error",
    [
        OSError(),
        RecursionError(),
        struct.error(),
        zlib.error(),
        BytesLengthException(),
        DecompressionBombError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_exceptions_of_every_decoder_mean_damage(error):
    with pytest.raises(UnreadableImage), refusing_damage("DICOM file"):
        raise error


def test_want_of_memory_is_said_to_be_that():
    with pytest.raises(ImageTooLarge), refusing_damage("TIFF file"):
        raise MemoryError


def test_what_pydicom_logs_stays_out_of_the_log(caplog):
    with quiet(), caplog.at_level(logging.DEBUG):
        warn_and_log("Invalid value for VR PN: 'Jane Doe'")
    assert "Jane" not in caplog.text
