"""Compiles a Keras graph for serving, and gets the graph back from what was compiled.

The compiled network (LiteRT) holds its weights as float16 and calculates in
float32. What is compiled are weights that were rounded first, so that the graph
and the compiled network are the same numbers, and no weight is stored twice.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.errors import ArtifactError
from mlcore.engine.inference.runtime import ANSWER, ATTRIBUTE
from mlcore.engine.networks.attribution import attribution_of

Arrays = dict[str, NDArray[Any]]


def round_weights(model: Any) -> None:
    """Round every weight of the model to float16, in place."""
    model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])


def compile_network(model: Any, *, attributed: tuple[str, ...] = ()) -> bytes:
    """A LiteRT network for one image at a time, with the model's named outputs.

    Where layers to be `attributed` are named, it can say as well how much of a score hangs
    on each place of them (`attribution_of`); both share the weights.
    """
    import keras
    import tensorflow as tf

    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(ANSWER, lambda image: model(image, training=False), input_signature=[image])
    keys = [ANSWER]
    if attributed:
        copy, attribute = attribution_of(model, attributed)
        direction = tf.TensorSpec((1, model.output["embedding"].shape[-1]), tf.float32, name="direction")
        archive.track(copy)
        archive.add_endpoint(ATTRIBUTE, attribute, input_signature=[image, direction])
        keys.append(ATTRIBUTE)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=keys)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def remaining_weights(model: Any, compiled: bytes) -> tuple[Arrays, dict[str, str]]:
    """What must be stored besides the compiled network to get the model back.

    Returns the weights that are not found in it, as float16 by their path, and for
    the others the name of the tensor that holds them.
    """
    held = _held(compiled)
    missing: Arrays = {}
    found: dict[str, str] = {}
    for weight in model.weights:
        value = np.asarray(weight, np.float16)
        layer = f"/{weight.path.split('/')[-2]}_1/"
        match = next((n for n in held if layer in n and _same(held[n], value)), None)
        if match is None:
            missing[weight.path] = value
        else:
            found[weight.path] = match
    return missing, found


def restore_weights(model: Any, *, compiled: bytes, stored: Arrays, found: dict[str, str]) -> None:
    """Set the weights of `model` from what `remaining_weights` returned; raise ArtifactError."""
    held = _held(compiled) if found else {}
    try:
        values = [
            stored[w.path] if w.path in stored else _turned(held[found[w.path]], tuple(w.shape))
            for w in model.weights
        ]
    except KeyError as error:
        raise ArtifactError("The model artifact does not hold all weights of its network.") from error
    model.set_weights([np.asarray(value, np.float32) for value in values])


def _held(compiled: bytes) -> Arrays:
    """The float16 kernels of a compiled network, by tensor name."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=compiled, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    kernels = [
        d for d in interpreter.get_tensor_details() if d["dtype"] == np.float16 and len(d["shape"]) == 4
    ]
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in kernels}


def _turned(tensor: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """LiteRT's order of axes, (out, h, w, in) or (1, h, w, channels), to that of Keras."""
    order = (1, 2, 3, 0)
    turned = tensor.transpose(order)
    return turned if turned.shape == shape else turned.reshape(shape)


def _same(tensor: NDArray[Any], value: NDArray[Any]) -> bool:
    return tensor.size == value.size and bool(np.array_equal(_turned(tensor, value.shape), value))
