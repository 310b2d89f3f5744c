"""The layers of a lecture in NumPy alone, for networks whose weights the spec gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cnnkit import layers
from cnnkit.errors import MissingExtraError
from cnnkit.layers.base import Layer
from cnnkit.layers.weighted import Weighted
from cnnkit.layers.window import Window
from cnnkit.spec.graph import Graph, Node

Maps = NDArray[np.float32]

_MODES = {"reflect": "reflect", "circular": "wrap"}


def outputs(graph: Graph, x: Maps) -> dict[str, Maps]:
    """The output of each operation for one input, by its path.

    Args:
        graph: The network.
        x: The input, of the shape of one example.

    Raises:
        MissingExtraError: A layer has random weights, or is of a kind that needs JAX.
    """
    found: list[Maps] = []
    for node in graph.nodes:
        function = _FUNCTIONS.get(type(node.layer))
        if function is None or len(node.inputs) != 1:
            raise _needed(f"{node.path}, {node.layer.title},")
        (source,) = node.inputs
        y = function(node, x if source < 0 else found[source])
        found.append(np.asarray(y, np.float32))
    return {node.path: y for node, y in zip(graph.nodes, found, strict=True)}


def weights(node: Node) -> tuple[Maps, Maps | None]:
    """The weights that the spec gives a layer, and its biases, where it has some.

    Raises:
        MissingExtraError: The spec gives none: they are random.
    """
    layer = node.layer
    if not isinstance(layer, Weighted) or layer.weights is None or layer.weight_norm != "none":
        raise _needed(f"{node.path}, whose weights are not those of the spec,")
    kernel = np.asarray(layer.weights, np.float32)
    if not layer.has_bias:
        return kernel, None
    given = layer.bias if isinstance(layer.bias, tuple) else np.zeros(kernel.shape[-1])
    return kernel, np.asarray(given, np.float32)


def padded(x: Maps, windows: Sequence[Window], mode: str) -> Maps:
    """A map with the cells that its padding adds.

    The mode is one of a convolution's, or a pool's: its padding holds ``nothing``, which is NaN
    here, or is ``counted`` as zeros. What ``rounding: ceil`` reaches beyond the padding holds zeros
    for a convolution, and nothing for a pool.
    """
    sides = [*((window.before, window.reached) for window in windows), (0, 0)]
    over = [*((0, window.overhang) for window in windows), (0, 0)]
    if mode in ("zeros", "counted", "nothing"):
        x = np.pad(x, sides, constant_values=np.nan if mode == "nothing" else 0.0)
    else:
        how: Any = _MODES.get(mode, "edge")
        x = np.pad(x, sides, mode=how)
    return np.pad(x, over, constant_values=np.nan if mode in ("counted", "nothing") else 0.0)


def filling(pool: Layer | None) -> str:
    """What the padding of a pool holds: it counts where the pool says so."""
    return "counted" if isinstance(pool, layers.MeanPool) and pool.count_padding else "nothing"


def _windows(node: Node) -> tuple[Window, ...]:
    return tuple(each for each in node.effect.windows if isinstance(each, Window))


def _patches(x: Maps, windows: Sequence[Window], mode: str) -> Maps:
    """All windows of a map, ``[*output, C, *kernel]``."""
    axes = tuple(range(len(windows)))
    spread = tuple(window.dilated for window in windows)
    views = sliding_window_view(padded(x, windows, mode), spread, axes)
    starts = tuple(slice(0, w.output * w.stride, w.stride) for w in windows)
    cells = tuple(slice(None, None, window.dilation) for window in windows)
    return views[(*starts, slice(None), *cells)]


def _convolve(node: Node, x: Maps) -> Maps:
    layer = cast("layers.Conv", node.layer)
    kernel, bias = weights(node)
    rank, groups = len(node.effect.windows), layer.groups
    patches = np.moveaxis(_patches(x, _windows(node), layer.padding_mode), rank, -1)
    flat = patches.reshape(*patches.shape[:rank], -1, groups, x.shape[-1] // groups)
    filters = kernel.reshape(-1, kernel.shape[-2], groups, kernel.shape[-1] // groups)
    y: Maps = np.einsum("...kgc,kcgf->...gf", flat, filters)
    y = y.reshape(*y.shape[:rank], -1)
    return y if bias is None else y + bias


def _dense(node: Node, x: Maps) -> Maps:
    kernel, bias = weights(node)
    return x @ kernel if bias is None else x @ kernel + bias


def _max_pool(node: Node, x: Maps) -> Maps:
    windows = _windows(node)
    patches = _patches(x, windows, "nothing")
    return np.asarray(np.nanmax(patches, axis=_last(windows)))


def _mean_pool(node: Node, x: Maps) -> Maps:
    windows = _windows(node)
    return np.asarray(np.nanmean(_patches(x, windows, filling(node.layer)), axis=_last(windows)))


def _last(windows: Sequence[Window]) -> tuple[int, ...]:
    return tuple(range(-len(windows), 0))


def _softmax(node: Node, x: Maps) -> Maps:
    if x.ndim != 1:
        raise _needed(f"{node.path}, a softmax of a map,")
    powers = np.exp(x - x.max())
    return np.asarray(powers / powers.sum())


def _leaky_relu(node: Node, x: Maps) -> Maps:
    slope = cast("layers.LeakyRelu", node.layer).slope
    return np.where(x >= 0, x, np.float32(slope) * x)


def _elu(node: Node, x: Maps) -> Maps:
    alpha = cast("layers.Elu", node.layer).alpha
    return np.where(x >= 0, x, np.float32(alpha) * np.expm1(np.minimum(x, 0)))


def _spatial(x: Maps) -> tuple[int, ...]:
    return tuple(range(x.ndim - 1))


# What each function casts its layer to is the kind that it stands beside.
_FUNCTIONS: Mapping[type[Layer], Callable[[Node, Maps], Maps]] = MappingProxyType(
    {
        layers.Conv: _convolve,
        layers.Dense: _dense,
        layers.Dropout: lambda _, x: x,
        layers.Elu: _elu,
        layers.Flatten: lambda node, x: x.reshape(node.output or ()),
        layers.GlobalMaxPool: lambda node, x: x.max(_spatial(x)).reshape(node.output or ()),
        layers.GlobalMeanPool: lambda node, x: x.mean(_spatial(x)).reshape(node.output or ()),
        layers.LeakyRelu: _leaky_relu,
        layers.MaxPool: _max_pool,
        layers.MeanPool: _mean_pool,
        layers.Relu: lambda _, x: np.maximum(x, 0),
        layers.Sigmoid: lambda _, x: np.reciprocal(1 + np.exp(-x)),
        layers.Softmax: _softmax,
        layers.Tanh: lambda _, x: np.tanh(x),
    }
)


def _needed(what: str) -> MissingExtraError:
    return MissingExtraError(
        f"{what} needs jax, which is not installed: pip install 'cnnkit[train]'; NumPy alone is "
        "enough where the spec gives all weights, of convolutions, pools and dense layers"
    )
