"""Store slow pixel data in a transfer syntax that is quick to read, without changing a pixel value.

JPEG 2000 takes fifty times as long to decode as plain values take to read, and an image is decoded at its
analysis and each time it is looked at, so it is paid once, on the way in.
"""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.filewriter import dcmwrite
from pydicom.pixels.utils import pixel_dtype
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEG2000Lossless

from mlcore.engine.types import ImageHeader

SLOW = frozenset({JPEG2000, JPEG2000Lossless})
LARGEST_GROWTH = 8
"""A file that would grow beyond this many times its size stays as it is; so small, it is quick."""


def is_slow(header: ImageHeader) -> bool:
    """Tell whether an image would be read much faster after `transcode`: one gray JPEG 2000 frame."""
    return header.transfer_syntax_uid in SLOW and header.frame_count == 1 and header.samples_per_pixel == 1


def transcode(content: bytes, *, samples: NDArray[np.generic]) -> bytes:
    """Return the de-identified DICOM file with its pixel data as plain values, little endian (PS3.5 8.1).

    RLE would save a tenth of the room on a radiograph and cost a quarter of a
    second. `samples` is (rows, columns), what the pixel data decodes to; the
    caller has it already. Returns `content` unchanged where the file would grow
    too much.
    """
    dataset = dcmread(BytesIO(content))
    stored = samples.astype(pixel_dtype(dataset), casting="same_kind", copy=False)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.set_pixel_data(
        stored, dataset.PhotometricInterpretation, dataset.BitsStored, generate_instance_uid=False
    )
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    quick = file.getvalue()
    return quick if len(quick) <= LARGEST_GROWTH * len(content) else content
