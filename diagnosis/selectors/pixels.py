"""A frame's stored values as the viewer takes them: what they mean, then the values themselves."""

import json
import sys
from typing import Any

import numpy as np

from diagnosis.models import Instance
from diagnosis.selectors.images import stored_file
from mlcore.engine.imaging.decode import decode_stored_values
from mlcore.engine.types import LookupTable, StoredFrame, Window

ALIGNMENT = 8
"""The values begin at a multiple of this many bytes, so that the browser can lay an array over them."""


def frame_content(instance: Instance, *, frame: int) -> bytes:
    """Return one frame without loss, for a viewer that applies window and level itself.

    Four bytes hold the length of the JSON that follows, padded with spaces; then come
    the values, row by row, little endian. Nothing is compressed: the decoder in the
    browser stays trivial, and the way over a hospital's network is shorter than deflating.

    Raises:
        ImageError: the frame does not exist.
        StoredFileMissing: the file is gone.
    """
    stored = decode_stored_values(stored_file(instance.content_key), frame=frame)
    facts = json.dumps(frame_facts(stored, instance=instance)).encode()
    facts += b" " * (-(4 + len(facts)) % ALIGNMENT)
    values = np.ascontiguousarray(stored.pixels)
    if sys.byteorder == "big":
        values = values.byteswap()
    return len(facts).to_bytes(4, "little") + facts + values.tobytes()


def frame_facts(stored: StoredFrame, *, instance: Instance) -> dict[str, Any]:
    """Return what the values mean and how they are shown at first (PS3.3 C.11)."""
    rows, columns = stored.pixels.shape[:2]
    source = stored.spacing_source
    return {
        "rows": rows,
        "columns": columns,
        "samples": 3 if stored.pixels.ndim == 3 else 1,
        "type": stored.pixels.dtype.name,
        "bits": stored.bits_stored,
        "inverted": stored.photometric_interpretation == "MONOCHROME1",
        "slope": stored.rescale_slope,
        "intercept": stored.rescale_intercept,
        "hounsfield": instance.series.modality == "CT",
        "window": _window(Window(stored.window_center, stored.window_width, stored.voi_lut_function)),
        "windows": [_window(window) for window in stored.windows],
        "table": _table(stored.voi_table),
        "spacing": stored.pixel_spacing,
        "spacing_source": source.value if source else "",
        "frame": stored.frame_index,
        "frames": stored.frame_count,
    }


def _window(window: Window) -> dict[str, Any]:
    return {"center": window.center, "width": window.width, "function": window.function}


def _table(table: LookupTable | None) -> dict[str, Any] | None:
    if table is None:
        return None
    return {"first": table.first, "bits": table.bits, "entries": table.entries.tolist()}
