"""The common end of every network: class maps, logits, embedding."""

from __future__ import annotations

from typing import Any


def with_head(
    *, inputs: Any, features: Any, layers: list[Any], class_count: int, dropout: float, name: str
) -> Any:
    """Close a graph on its last feature map and return the Keras model.

    `features` is (batch, h, w, c). Dropout takes whole channels, which on a
    pooled head is the same as dropout of the pooled vector.
    """
    import keras

    pooled = keras.layers.GlobalAveragePooling2D(name="embedding")(features)
    dropped = keras.layers.SpatialDropout2D(dropout, name="head_dropout")(features)
    maps = keras.layers.Conv2D(class_count, 1, name="maps", kernel_initializer="zeros")(dropped)
    logits = keras.layers.GlobalAveragePooling2D(name="logits")(maps)
    described = [keras.layers.GlobalAveragePooling2D(name=f"layer_{i}")(x) for i, x in enumerate(layers)]
    joined = keras.layers.Concatenate(name="layers")(described) if len(described) > 1 else described[0]
    outputs = {"logits": logits, "maps": maps, "embedding": pooled, "layers": joined}
    return keras.Model(inputs, outputs, name=name)
