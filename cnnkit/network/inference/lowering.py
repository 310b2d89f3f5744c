"""What a node of the graph is at inference, in the instructions of the extension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit import layers
from cnnkit.layers.joining import Joined
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window
from cnnkit.network.kernels.onednn.inference import Instruction, Post, Windows
from cnnkit.spec.graph import Graph, Node

Arrays = Mapping[str, NDArray[np.float32]]

MOST_AXES = 4
"""Axes of an example at the most: three spatial ones and the channels."""


class LoweringSite(NamedTuple):
    """A node that is lowered.

    Attributes:
        node: The node.
        inputs: The shapes that come in.
        path: Where its weights are: its own path, or that of the node that it shares them with.
        arrays: The weights of the network, folded.
    """

    node: Node
    inputs: tuple[Shape, ...]
    path: str
    arrays: Arrays

    def array(self, name: str) -> NDArray[np.float32] | None:
        """Its weight of a name, where it has one."""
        return self.arrays.get(f"{self.path}.{name}")


Lowering = Callable[[LoweringSite], Instruction | None]


def lowered(graph: Graph, index: int, arrays: Arrays) -> Instruction | None:
    """The instruction of a node, its values numbered as the nodes are; None where there is none."""
    node = graph.nodes[index]
    shapes = tuple(graph.shape(source) or () for source in node.inputs)
    if any(not 1 <= len(shape) <= MOST_AXES for shape in (*shapes, node.output or ())):
        return None
    owner = node if node.shares is None else graph.nodes[node.shares]
    site = LoweringSite(node, shapes, owner.path, arrays)
    if isinstance(node.layer, Joined):
        made = _joined(site)
    elif post := function_of(node.layer):
        made = _instruction(site, "function", posts=[post])
    else:
        lowering = _LOWERINGS.get(node.layer.kind)
        made = lowering(site) if lowering else None
    if made is not None:
        made.output = index
    return made


def is_identity(node: Node) -> bool:
    """Whether a node gives at inference what comes in."""
    return node.layer.family == "regularization" or node.layer.kind == "linear"


def function_of(layer: Any) -> Post | None:
    """An activation as oneDNN has it."""
    make = _FUNCTIONS.get(layer.kind)
    return make(layer) if make else None


_FUNCTIONS: Mapping[str, Callable[[Any], Post]] = {
    "relu": lambda _: Post("relu"),
    "leaky_relu": lambda layer: Post("relu", layer.slope),
    "relu6": lambda _: Post("clip", 0.0, 6.0),
    "hard_tanh": lambda layer: Post("clip", layer.minimum, layer.maximum),
    "elu": lambda layer: Post("elu", layer.alpha),
    "silu": lambda _: Post("swish", 1.0),
    "quick_gelu": lambda _: Post("swish", 1.702),
    "sigmoid": lambda _: Post("logistic"),
    "tanh": lambda _: Post("tanh"),
    "gelu": lambda layer: Post("gelu_tanh" if layer.approximate else "gelu"),
    "hard_silu": lambda _: Post("hard_swish", 1 / 6, 0.5),
    "hard_sigmoid": lambda _: Post("hard_sigmoid", 1 / 6, 0.5),
    "mish": lambda _: Post("mish"),
    "softplus": lambda _: Post("soft_relu", 1.0),
}


def _instruction(site: LoweringSite, kind: str, **fields: Any) -> Instruction:
    return Instruction(kind, -1, tuple(site.node.inputs), **fields)


def _windows(site: LoweringSite) -> tuple[Window, ...]:
    return tuple(each for each in site.node.effect.windows if isinstance(each, Window))


def _slid(windows: tuple[Window, ...]) -> Windows:
    return Windows(
        tuple(each.size for each in windows),
        tuple(each.stride for each in windows),
        tuple(each.before for each in windows),
        tuple(each.reached + each.overhang for each in windows),
        tuple(each.dilation for each in windows),
    )


def _convolution(site: LoweringSite) -> Instruction | None:
    layer: Any = site.node.layer
    if layer.padding_mode != "zeros":
        return None
    return _instruction(
        site,
        "convolution",
        groups=layer.groups if isinstance(layer, layers.Conv) else site.inputs[0][-1],
        windows=_slid(_windows(site)),
        weights=site.array("kernel"),
        bias=site.array("bias"),
    )


def _dense(site: LoweringSite) -> Instruction:
    return _instruction(site, "dense", weights=site.array("kernel"), bias=site.array("bias"))


def _batch_norm(site: LoweringSite) -> Instruction:
    """What was not folded: a factor and a shift of each channel."""
    layer: Any = site.node.layer
    mean, variance = (np.float64(site.arrays[f"{site.path}.{n}"]) for n in ("mean", "variance"))
    scale, shift = site.array("scale"), site.array("shift")
    factor = (1.0 if scale is None else scale) / np.sqrt(variance + layer.epsilon)
    moved = (0.0 if shift is None else shift) - mean * factor
    return _instruction(
        site, "affine", weights=factor.astype(np.float32), bias=moved.astype(np.float32)
    )


def _pad(site: LoweringSite) -> Instruction | None:
    """Channels of zeros, as a convolution that picks the channels: it can take a sum in."""
    layer: Any = site.node.layer
    rank, channels = len(site.inputs[0]) - 1, site.inputs[0][-1]
    if not rank or site.node.output != (*site.inputs[0][:-1], channels + sum(layer.channel_sides)):
        return None
    ones, none = (1,) * rank, (0,) * rank
    picked = np.pad(np.eye(channels, dtype=np.float32), ((0, 0), layer.channel_sides))
    return _instruction(
        site, "convolution", windows=Windows(ones, ones, none, none, ones), weights=picked
    )


def _pool(site: LoweringSite) -> Instruction | None:
    windows = _windows(site)
    slid = _slid(windows)
    layer: Any = site.node.layer
    # oneDNN has no window that lies in the padding altogether.
    blind = any(max(each.before, each.reached + each.overhang) >= each.size for each in windows)
    if blind or set(slid.dilation) != {1}:
        return None
    algorithm = "max" if layer.kind == "max_pool" else "mean_of_input"
    if algorithm != "max" and layer.count_padding:
        if any(each.overhang for each in windows):
            return None
        algorithm = "mean_of_padded"
    return _instruction(site, "pool", algorithm=algorithm, windows=slid)


def _global_mean(site: LoweringSite) -> Instruction:
    return _instruction(site, "global_mean")


_LOWERINGS: Mapping[str, Lowering] = {
    "conv": _convolution,
    "depthwise_conv": _convolution,
    "dense": _dense,
    "batch_norm": _batch_norm,
    "max_pool": _pool,
    "mean_pool": _pool,
    "global_mean_pool": _global_mean,
    "pad": _pad,
}


def _joined(site: LoweringSite) -> Instruction | None:
    layer: Any = site.node.layer
    output = site.node.output
    if layer.by == "concat":
        return _instruction(site, "concatenation") if layer.axis == "channels" else None
    if len(site.inputs) != 2 or layer.by in ("mean", "divide"):
        return None  # a quotient has no bound
    made = _instruction(site, "binary", algorithm=layer.by)
    first, second = site.inputs
    if first != output and layer.by == "multiply":
        first, second = second, first
        made.inputs = made.inputs[::-1]
    factors = (output or ())[-1:]
    spread = second == factors or second == (1,) * (len(first) - 1) + factors
    return made if first == output and (second == first or spread) else None
