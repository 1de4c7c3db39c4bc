from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlcore.engine.errors import UnreadableImage
from mlcore.engine.imaging import gdcm_plugin
from mlcore.engine.imaging.decode import decode_image, decode_stored_values
from tests.mlcore.engine.imaging.samples import dicom, gradient

DATA = Path(__file__).parent / "data"


def damaged() -> bytes:
    """Return a file, found by fuzzing, whose frame makes GDCM throw where nobody catches."""
    return (DATA / "jpeg_lossless_that_aborts.dcm").read_bytes()


def test_a_frame_that_ends_gdcms_process_does_not_end_this_one():
    script = Path(gdcm_plugin.__file__).with_name("gdcm_process.py")
    data = damaged()
    frame = data[data.index(b"\xff\xd8\xff") : data.rindex(b"\xff\xd9") + 2]
    arguments = ["1.2.840.10008.1.2.4.57", "MONOCHROME2", "80", "60", "1", "16", "12", "0", "0"]
    done = subprocess.run([sys.executable, "-I", str(script), *arguments], input=frame, capture_output=True)
    assert done.returncode < 0
    with pytest.raises(UnreadableImage):
        decode_image(data)


def test_a_frame_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(gdcm_plugin, "TIMEOUT_SECONDS", 0.001)
    with pytest.raises(UnreadableImage):
        decode_image(dicom("JPEG-LL.dcm"))


def test_a_sound_frame_comes_back_whole():
    stored = decode_stored_values((DATA / "jpeg_lossless_process_14.dcm").read_bytes())
    assert np.array_equal(stored.pixels, gradient(dtype="uint16", top=4095))


def test_a_second_registration_changes_nothing():
    before = gdcm_plugin.JPEGLosslessDecoder.available_plugins
    gdcm_plugin.register()
    assert gdcm_plugin.JPEGLosslessDecoder.available_plugins == before
