"""What each layer makes of one input, and the filters that it does it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.layers.base import Layer
from cnnkit.layers.convolution import Convolution
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window

if TYPE_CHECKING:
    from cnnkit.network import Network
    from cnnkit.spec.graph import Graph, Node


@dataclass(frozen=True)
class LayerMaps:
    """The output of one operation.

    Attributes:
        path: Its path.
        kind: Its kind.
        input: The shape of its first input.
        maps: Its output, ``[*spatial, C]``.
        filters: Its filters, ``[*kernel, channels of a group, filters]``, of a convolution.
        bias: Their biases, where it has some.
        values: Its first input, ``[*spatial, C]``.
        layer: The layer.
        windows: How it slides over each spatial axis, where it does.
    """

    path: str
    kind: str
    input: Shape
    maps: NDArray[np.float32]
    filters: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None
    values: NDArray[np.float32] | None = None
    layer: Layer | None = None
    windows: tuple[Window, ...] = ()

    @property
    def output(self) -> Shape:
        """The shape that goes out."""
        return self.maps.shape


Filters = tuple[NDArray[np.float32], NDArray[np.float32] | None]
"""The filters of a convolution, ``[*kernel, channels of a group, filters]``, and their biases."""


def layer_maps(network: Network, graph: Graph, x: NDArray[np.float32]) -> list[LayerMaps]:
    """The output of each operation for one input, in the order of the network.

    Args:
        network: The network, with the weights it is to have.
        graph: The graph that it was built from.
        x: The input, of the shape of one example.
    """
    import jax.numpy as jnp

    def filters_of(node: Node) -> Filters:
        module: Any = reduce(getattr, node.path.split("."), network)
        kernel = np.asarray(module.kernel[...], np.float32)
        has_bias = len(node.effect.weights) > 1
        return kernel, np.asarray(module.bias[...], np.float32) if has_bias else None

    outputs = network.activations(jnp.asarray(x[None]))
    # Inside an `each` the slices are the examples of the batch.
    found = {
        node.path: np.asarray(outputs[node.path], np.float32).reshape(node.output or ())
        for node in graph.nodes
        if node.path in outputs
    }
    return maps_of(graph, x, found, filters_of)


def maps_of(
    graph: Graph,
    x: NDArray[np.float32],
    outputs: Mapping[str, NDArray[np.float32]],
    filters_of: Callable[[Node], Filters],
) -> list[LayerMaps]:
    """What is shown of each operation, of its output and of what it works with.

    Args:
        graph: The network.
        x: The input, of the shape of one example.
        outputs: The output of each operation by its path.
        filters_of: The weights of a convolution.
    """
    found = []
    for node in graph.nodes:
        if node.path not in outputs:  # a side output is there in training only
            continue
        filters = bias = None
        if isinstance(node.layer, Convolution) and node.layer.shares_weights:
            filters, bias = filters_of(node)
        source = node.inputs[0]
        found.append(
            LayerMaps(
                node.path,
                node.layer.title,
                graph.shape(source) or (),
                outputs[node.path],
                filters,
                bias,
                x if source < 0 else outputs[graph.nodes[source].path],
                node.layer,
                tuple(each for each in node.effect.windows if isinstance(each, Window)),
            )
        )
    return found


def chosen(layers: list[LayerMaps], paths: list[str]) -> list[LayerMaps]:
    """The layers at some paths and those inside them; all of them where none is named.

    Raises:
        UsageError: There is no layer at a path.
    """
    if not paths:
        return layers
    found = []
    for path in paths:
        inside = [each for each in layers if f"{each.path}.".startswith(f"{path}.")]
        if not inside:
            near = did_you_mean(path, [each.path for each in layers])
            advice = f"did you mean {near}?" if near else f"the first is {layers[0].path}"
            raise UsageError(f"no layer has the path {path}; {advice}")
        found += [each for each in inside if each not in found]
    return found
