"""How a picture is to be rendered (PS3.18 8.3.5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from diagnosis.dicomweb.query import InvalidQuery
from mlcore.engine.types import Window

DEFAULT_QUALITY = 90
LARGEST_SIDE = 16_384
_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


@dataclass(frozen=True)
class Rendering:
    """What the query asks for."""

    max_side: int | None = None
    window: Window | None = None
    quality: int = DEFAULT_QUALITY


def parse_rendering(params: Mapping[str, str]) -> Rendering:
    """Read `viewport`, `window` and `quality`.

    Raises:
        InvalidQuery: one of them cannot be understood.
    """
    return Rendering(
        max_side=_viewport(params.get("viewport", "")),
        window=_window(params.get("window", "")),
        quality=_quality(params.get("quality", "")),
    )


def _viewport(text: str) -> int | None:
    if not text:
        return None
    sizes = text.split(",")
    if len(sizes) != 2 or not all(size.isascii() and size.isdecimal() for size in sizes):
        raise InvalidQuery(
            "'viewport' is a width and a height in pixels.",
            mend="Write viewport=512,512; cut-outs are not made.",
        )
    side = min(int(size[:9]) for size in sizes)
    if not 1 <= side <= LARGEST_SIDE:
        raise InvalidQuery(f"'viewport' has sides of 1 to {LARGEST_SIDE} pixels.")
    return side


def _window(text: str) -> Window | None:
    if not text:
        return None
    center, _, rest = text.partition(",")
    width, _, function = rest.partition(",")
    try:
        window = Window(
            center=float(center), width=float(width), function=_FUNCTIONS[function.lower() or "linear"]
        )
    except (ValueError, KeyError) as error:
        raise InvalidQuery(
            "'window' is a center, a width and a function.", mend="Write window=40,400,linear."
        ) from error
    if not (abs(window.center) < 1e6 and 0 < window.width < 1e6):
        raise InvalidQuery("'window' has a center or a width that makes no picture.")
    return window


def _quality(text: str) -> int:
    if not text:
        return DEFAULT_QUALITY
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:4]) <= 100:
        raise InvalidQuery("'quality' is a whole number from 1 to 100.")
    return int(text)
