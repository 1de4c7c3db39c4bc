"""Keep what the decoding libraries have to say out of the caller's way."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mlcore.engine.errors import ImageTooLarge, UnreadableImage

_pydicom = logging.getLogger("pydicom")
_DECODERS = frozenset(
    {"builtins", "struct", "zlib", "binascii", "numpy", "pydicom", "PIL", "tifffile", "simplejpeg"}
    | {"pylibjpeg", "openjpeg", "_openjpeg", "jpeg_ls", "_CharLS", "rle", "pyo3_runtime"}
)
"""Packages whose exceptions mean that a file is damaged."""

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
    except BaseException as error:
        if _means_damage(error):
            raise _damaged(what) from None
        raise


def _means_damage(error: BaseException) -> bool:
    """Whether an exception is a decoder's; one in Rust panics past `Exception`."""
    package = type(error).__module__.partition(".")[0]
    return package in _DECODERS and (isinstance(error, Exception) or package == "pyo3_runtime")


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
