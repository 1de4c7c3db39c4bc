"""Boxes as the page's script takes them."""

import json
from collections.abc import Iterable

from diagnosis.models import FindingBox

NUMBERS = ("frame_index", "left", "top", "width", "height")


def written_boxes(boxes: Iterable[FindingBox]) -> str:
    """Return boxes as the page's script takes them."""
    return json.dumps(
        [
            {"instance": str(box.instance_id), **{name: getattr(box, name) for name in NUMBERS}}
            for box in boxes
        ]
    )
