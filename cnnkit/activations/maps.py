"""What each layer makes of one input, and the filters that it does it with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.layers.convolution import Convolution
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.network import Network
    from cnnkit.spec.graph import Graph


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
    """

    path: str
    kind: str
    input: Shape
    maps: NDArray[np.float32]
    filters: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None

    @property
    def output(self) -> Shape:
        """The shape that goes out."""
        return self.maps.shape


def layer_maps(network: Network, graph: Graph, x: NDArray[np.float32]) -> list[LayerMaps]:
    """The output of each operation for one input, in the order of the network.

    Args:
        network: The network, with the weights it is to have.
        graph: The graph that it was built from.
        x: The input, of the shape of one example.
    """
    outputs = network.activations(jnp.asarray(x[None]))
    found = []
    for node in graph.nodes:
        if node.path not in outputs:  # a side output is there in training only
            continue
        filters = bias = None
        if isinstance(node.layer, Convolution) and node.layer.shares_weights:
            module: Any = reduce(getattr, node.path.split("."), network)
            filters = np.asarray(module.kernel[...], np.float32)
            if len(node.effect.weights) > 1:
                bias = np.asarray(module.bias[...], np.float32)
        shape = graph.shape(node.inputs[0]) or ()
        # Inside an `each` the slices are the examples of the batch.
        maps = np.asarray(outputs[node.path], np.float32).reshape(node.output or ())
        found.append(LayerMaps(node.path, node.layer.title, shape, maps, filters, bias))
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
