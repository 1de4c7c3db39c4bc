"""Networks by architecture name.

Every builder returns a flat Keras graph with three named outputs, so that one
forward pass answers, explains and describes an image:

- `logits`: (batch, classes), the mean over space of the class maps
- `maps`: (batch, h, w, classes), what each place adds to the logit; for a head
  on global average pooling this is the class activation map (Zhou 2016,
  arXiv:1512.04150), exact and without a gradient
- `embedding`: (batch, features), the pooled last feature map
- `layers`: (batch, n), pooled earlier layers, for telling what kind of image it is
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mlcore.engine.errors import EngineError


class UnknownArchitecture(EngineError):
    """No network of that name is registered."""

    code = "unknown_architecture"
    mend = "Choose one of the architectures that are listed for training."


class NetworkBuilder(Protocol):
    """Makes an untrained network."""

    def __call__(self, *, input_size: int, class_count: int, dropout: float) -> Any: ...


@dataclass(frozen=True)
class Network:
    """One architecture: its builder and how its training begins."""

    name: str
    build: NetworkBuilder
    input_size: int
    """Side of the square input, in pixels, that the architecture is trained at by default."""
    initialize: Callable[[Any, Any], None] | None = None
    """Loads pretrained weights: (model, sample of inputs) -> None; absent: trained from scratch."""
    has_pretrained: Callable[[], bool] = lambda: True
    """Whether what `initialize` loads is on this machine; nothing is ever fetched."""
    least_input_size: int = 32
    is_graph: bool = True
    """A Keras graph, fitted by gradient descent; otherwise `build` returns an unfitted VisualWords."""
    pooled_head: bool = True
    """The logit is a linear head, `maps`, on the pooled last feature map."""
    attributed_layers: tuple[str, ...] = ()
    """Layers of several depths, by name, for the attribution by layers; absent: it is not offered."""
    losses: Callable[[Any, Any], Any] | None = None
    """(labels, logits) -> a loss of each; absent: cross-entropy with smoothed labels."""

    def initial_weights(self, *, pretrained: bool) -> str:
        """Where a run starts from: `imagenet` or `scratch`."""
        found = pretrained and self.initialize is not None and self.has_pretrained()
        return "imagenet" if found else "scratch"


_NETWORKS: dict[str, Network] = {}


def register_network(network: Network) -> Network:
    """Make a network available by its name."""
    _NETWORKS[network.name] = network
    return network


def architectures() -> tuple[str, ...]:
    """Names of all networks, sorted."""
    _load_builtin()
    return tuple(sorted(_NETWORKS))


def find_network(name: str) -> Network:
    """Return the network registered as `name`; raise UnknownArchitecture."""
    _load_builtin()
    if name not in _NETWORKS:
        raise UnknownArchitecture("There is no network of that name.")
    return _NETWORKS[name]


def _load_builtin() -> None:
    """Import the families that ship; each registers itself."""
    from mlcore.engine.networks import (  # noqa: F401
        alexnet,
        capsule,
        efficientnet_lite,
        googlenet,
        keras_applications,
        resnet,
        tiny_cnn,
        visual_words,
    )
