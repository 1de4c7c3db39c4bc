"""Keep what the decoding libraries have to say out of the caller's way."""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image
from pydicom.errors import InvalidDicomError

from mlcore.engine.errors import ImageTooLarge, UnreadableImage

_pydicom = logging.getLogger("pydicom")
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    InvalidDicomError,
    Image.DecompressionBombError,
)
"""What the decoding libraries raise for damaged files, as far as ten thousands of damaged files showed."""

_lock = threading.Lock()
_depth = 0
_caught: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings, and what pydicom logs, while any thread is inside.

    Both quote values of the file, which may identify a patient.
    `warnings.catch_warnings` swaps state of the whole process, so threads that
    overlap would restore each other's filters; only the first in and the last
    out touch them here.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


@contextmanager
def refusing_damage(what: str) -> Iterator[None]:
    """Turn what a decoder raises into an error fit for the person who sent the file.

    The original exception is dropped on purpose: its text may quote the file.
    Errors of the engine pass, and so does what comes from outside the decoder,
    such as a limit of time that is raised into it.
    """
    try:
        with quiet():
            yield
    except MemoryError:
        raise ImageTooLarge(
            f"The {what} needs more memory than there is to decode.", mend="Send a smaller image."
        ) from None
    except _DAMAGE:
        raise _damaged(what) from None
    except BaseException as error:
        # A decoder written in Rust panics past `Exception`; its class cannot be imported.
        if type(error).__name__ == "PanicException":
            raise _damaged(what) from None
        raise


def _damaged(what: str) -> UnreadableImage:
    return UnreadableImage(f"The {what} is truncated or damaged and could not be decoded.")


def _enter() -> None:
    global _depth, _caught
    with _lock:
        if _depth == 0:
            _caught = warnings.catch_warnings()
            _caught.__enter__()
            warnings.simplefilter("ignore")
            _pydicom.setLevel(logging.CRITICAL + 1)
        _depth += 1


def _leave() -> None:
    global _depth, _caught
    with _lock:
        _depth -= 1
        if _depth == 0 and _caught is not None:
            _caught.__exit__(None, None, None)
            _pydicom.setLevel(logging.NOTSET)
            _caught = None
