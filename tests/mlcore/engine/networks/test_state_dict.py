from __future__ import annotations

import io
import pickle  # noqa: TID251 - writes what must be refused
import struct

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mlcore.engine.errors import ArtifactError
from mlcore.engine.networks import efficientnet_lite
from mlcore.engine.networks.state_dict import TORCH_MAGIC, imagenet_state_dict, read_state_dict

EGYPTIAN_CAT, TABBY = 285, 281


def test_a_photograph_of_a_cat_is_called_a_cat_by_the_imagenet_weights():
    state = imagenet_state_dict()
    model = efficientnet_lite.build_efficientnet_lite0(
        input_size=224, class_count=1, dropout=0.0, batch_norm=True
    )
    efficientnet_lite.load_imagenet(model)
    gray = np.asarray(Image.fromarray(skimage.data.chelsea()).convert("L").resize((224, 224)), np.float32)

    embedding = np.asarray(model((gray[None, ..., None] - 127) / 128)["embedding"])
    scores = embedding @ state["_fc.weight"].T + state["_fc.bias"]

    assert np.argmax(scores) in (EGYPTIAN_CAT, TABBY)


def test_every_parameter_of_the_published_network_is_read():
    state = imagenet_state_dict()

    learned = [k for k in state if not k.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    published = sum(state[k].size for k in learned)
    assert published == 4_652_008


class _Malice:
    def __reduce__(self):
        return eval, ("1 + 1",)


def _pickled(*parts: object) -> bytes:
    return b"".join(pickle.dumps(part, protocol=2) for part in parts)


def test_code_in_a_weights_file_is_not_run():
    with pytest.raises(ArtifactError, match="asks for code"):
        read_state_dict(_pickled(TORCH_MAGIC, 1001, {}, _Malice(), []))


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(ArtifactError, match="not a PyTorch state dict"):
        read_state_dict(_pickled(1234))
    with pytest.raises(ArtifactError, match="damaged"):
        read_state_dict(b"")


class _Tensor:
    """Pickles as torch does: a rebuild call on a persistent storage."""

    def __init__(self, key: str, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.parts = (key, offset, size, stride)


def _state_file(tensor: _Tensor, values: np.ndarray) -> bytes:
    """A state dict of one tensor `w`, opcode by opcode."""
    key, offset, size, stride = tensor.parts

    def number(value: int) -> bytes:
        return b"K" + bytes([value])

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(number(v) for v in values) + b"t"

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    storage = (
        b"("
        + text("storage")
        + b"ctorch\nFloatStorage\n"
        + text(key)
        + text("cpu")
        + number(6)
        + b"Nt"
        + b"Q"
    )
    call = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(size) + numbers(stride)
    )
    body = b"\x80\x02}" + text("w") + call + b"\x89Nt" + b"R" + b"s."
    head = _pickled(TORCH_MAGIC, 1001, {})
    return head + body + _pickled([key]) + struct.pack("<q", values.size) + values.tobytes()


def test_a_tensor_that_is_stored_transposed_comes_out_the_right_way():
    values = np.arange(6, dtype="<f4")

    state = read_state_dict(_state_file(_Tensor("0", 0, (2, 3), (1, 2)), values))

    np.testing.assert_array_equal(state["w"], values.reshape(3, 2).T)


def test_a_tensor_that_reaches_past_its_storage_is_refused():
    values = np.arange(6, dtype="<f4")

    with pytest.raises(ArtifactError, match="does not hold"):
        read_state_dict(_state_file(_Tensor("0", 1, (2, 3), (3, 1)), values))


def test_a_truncated_weights_file_is_refused():
    data = _state_file(_Tensor("0", 0, (2, 3), (3, 1)), np.arange(6, dtype="<f4"))

    with pytest.raises(ArtifactError, match="truncated"):
        read_state_dict(io.BytesIO(data).read(len(data) - 4))
