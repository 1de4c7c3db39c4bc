"""Teach pydicom to decode lossless and extended JPEG with GDCM, in a process of its own.

pydicom's own GDCM plugin refuses 12 bits, and runs GDCM where a damaged frame
ends the process that reads it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydicom.pixels.decoders.base import (
    DecodeRunner,
    JPEGExtended12BitDecoder,
    JPEGLosslessDecoder,
    JPEGLosslessSV1Decoder,
)
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

from mlcore.engine.errors import UnreadableImage

PLUGIN = "gdcm_process"
TIMEOUT_SECONDS = 60

_SCRIPT = Path(__file__).with_name("gdcm_process.py")

DECODER_DEPENDENCIES = dict.fromkeys((JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1), ("gdcm>=3.0.10",))


def is_available(uid: str) -> bool:
    """Tell pydicom which transfer syntaxes this module decodes."""
    return uid in DECODER_DEPENDENCIES


def register() -> None:
    """Make the plugin known to pydicom's decoders; a second call changes nothing."""
    for decoder in (JPEGExtended12BitDecoder, JPEGLosslessDecoder, JPEGLosslessSV1Decoder):
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, "_decode_frame"))


def _decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    planar = runner.planar_configuration if runner.samples_per_pixel > 1 else 0
    numbers = (
        runner.columns,
        runner.rows,
        runner.samples_per_pixel,
        runner.bits_allocated,
        runner.bits_stored,
        runner.pixel_representation,
        planar,
    )
    words = (str(runner.transfer_syntax), str(runner.photometric_interpretation), *map(str, numbers))
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_SCRIPT), *words],
            input=src,
            capture_output=True,
            check=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.SubprocessError:
        raise UnreadableImage("The compressed pixels of the DICOM file are damaged.") from None
    return done.stdout
