"""Reads and exchanges the head of a compiled network, without TensorFlow.

Every network that ends in `with_head` holds its head in one convolution, `maps`.
Giving it other numbers, or more outputs, is a change of a few tensors of the
compiled file (LiteRT's FlatBuffer); the backbone stays what it is to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.errors import ArtifactError
from mlcore.engine.types import FloatArray

FILE_IDENTIFIER = b"TFL3"
LAYER = "/maps_1/"
"""Part of the name of every tensor of the head's convolution."""
FLOAT32, FLOAT16 = 0, 1
"""Types of tensors, as LiteRT numbers them."""


@dataclass(frozen=True)
class Head:
    """A linear head on the pooled last feature map."""

    kernel: FloatArray
    """(features, classes)"""
    bias: FloatArray
    """(classes,)"""

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """(n, features) to (n, classes)."""
        return np.asarray(embeddings @ self.kernel + self.bias, np.float32)


def read_head(compiled: bytes) -> Head:
    """The head of a compiled network; raise ArtifactError when it has none that can be exchanged."""
    graph = _Graph(compiled)
    kernel = graph.values(graph.kernel)
    return Head(kernel=kernel.reshape(len(kernel), -1).T.copy(), bias=graph.values(graph.bias))


def exchange_head(compiled: bytes, head: Head) -> bytes:
    """The network with another head, rounded to what the file holds; raise ArtifactError.

    The number of features stays; the number of classes may change.
    """
    graph = _Graph(compiled)
    features = graph.tensors[graph.kernel].shape[-1]
    if head.kernel.shape != (features, len(head.bias)):
        raise ArtifactError("The new head does not fit the network.")
    count = len(head.bias)
    graph.put(graph.kernel, head.kernel.T.reshape(count, 1, 1, features))
    graph.put(graph.bias, head.bias)
    graph.resize(count)
    return graph.pack()


def rounded(head: Head) -> Head:
    """The head as a compiled network holds it, in float16."""
    return Head(*(np.asarray(part, np.float16).astype(np.float32) for part in (head.kernel, head.bias)))


class _Graph:
    """The one subgraph of a compiled network, as objects."""

    def __init__(self, compiled: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(compiled), 0))
        self.tensors: list[Any] = self.model.subgraphs[0].tensors
        self.operators: list[Any] = self.model.subgraphs[0].operators
        stored = [
            i for i, t in enumerate(self.tensors) if LAYER in self._name(t) and self._data(t) is not None
        ]
        kernels = [i for i in stored if len(self.tensors[i].shape) == 4]
        biases = [i for i in stored if len(self.tensors[i].shape) == 1]
        if len(kernels) != 1 or len(biases) != 1:
            raise ArtifactError(
                "The head of this network cannot be exchanged.", mend="Train the whole network instead."
            )
        self.kernel, self.bias = kernels[0], biases[0]

    def values(self, index: int) -> FloatArray:
        """The stored numbers of a tensor, in its shape."""
        tensor = self.tensors[index]
        data = np.asarray(self._data(tensor), np.uint8).tobytes()
        held = np.frombuffer(data, self._kind(tensor)).reshape(tensor.shape)
        return np.asarray(held, np.float32)

    def put(self, index: int, values: NDArray[Any]) -> None:
        """Store other numbers, in the type the tensor has."""
        tensor = self.tensors[index]
        data = np.ascontiguousarray(values, self._kind(tensor)).tobytes()
        self.model.buffers[tensor.buffer].data = np.frombuffer(data, np.uint8)

    def resize(self, count: int) -> None:
        """Give the head's tensors and all that follow from them `count` classes."""
        weights = {self.kernel, self.bias}
        if self.tensors[self.kernel].type == FLOAT16:
            weights |= self._followed(weights)
        for index in weights:
            self._set_length(index, axis=0, length=count)
        maps = self._followed(weights) - weights
        for index in maps | self._followed(maps):
            self._set_length(index, axis=-1, length=count)

    def _set_length(self, index: int, *, axis: int, length: int) -> None:
        shape = np.array(self.tensors[index].shape, np.int32)
        shape[axis] = length
        self.tensors[index].shape = shape

    def _followed(self, indices: set[int]) -> set[int]:
        """Outputs of the operators that read one of the tensors; for 16 bits those that widen them."""
        reached: set[int] = set()
        for operator in self.operators:
            if indices & set(map(int, operator.inputs)):
                reached |= set(map(int, operator.outputs))
        return reached

    def pack(self) -> bytes:
        """The file."""
        import flatbuffers

        builder = flatbuffers.Builder(1024 * 1024)
        builder.Finish(self.model.Pack(builder), FILE_IDENTIFIER)
        return bytes(builder.Output())

    def _data(self, tensor: Any) -> Any:
        return self.model.buffers[tensor.buffer].data

    @staticmethod
    def _name(tensor: Any) -> str:
        name = tensor.name
        return name.decode() if isinstance(name, bytes) else str(name)

    @staticmethod
    def _kind(tensor: Any) -> type[np.float16] | type[np.float32]:
        if tensor.type not in (FLOAT16, FLOAT32):
            raise ArtifactError("The head of this network is not stored as floating point numbers.")
        return np.float16 if tensor.type == FLOAT16 else np.float32
