"""The counts of other tools: each counts other things, and none of them prints which.

Every tool counts the multiply-accumulates of convolutions and dense layers once; they differ in
what else they add. The rules below are those of torchvision 0.29 (torch's ``FlopCounterMode``
halved), fvcore 0.1.5, thop 0.1.1, ptflops 0.7.5 (its default backend, ``aten``) and torchinfo
1.8.0, for a network in evaluation, so without side outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, cast

from cnnkit.layers.shape import Shape, total
from cnnkit.spec.graph import Graph, Node

if TYPE_CHECKING:
    from cnnkit.layers.recurrence import Recurrent

Count: TypeAlias = Callable[[Node, Shape], int]
"""What a tool counts for a node, from the shape that comes in."""


@dataclass(frozen=True, slots=True)
class Convention:
    """How a tool counts.

    Attributes:
        includes: What it counts, in one sentence.
        count: Its count of a node.
        kinds: Its counts of the kinds that it has a rule of its own for.
    """

    includes: str
    count: Count
    kinds: Mapping[str, Count] = field(default_factory=dict)

    def of(self, node: Node, shape: Shape) -> int:
        """The count of a node."""
        return self.kinds.get(node.layer.kind, self.count)(node, shape)


@dataclass(frozen=True, slots=True)
class ConventionCount:
    """What a tool would print for a network."""

    name: str
    count: int
    includes: str


def count_as(graph: Graph, name: str) -> ConventionCount:
    """The figure that the tool ``name`` gives for a network.

    Raises:
        KeyError: There is no such convention.
    """
    convention, run = CONVENTIONS[name], graph.as_run
    figure = sum(
        math.prod(whole.slices) * convention.of(node, run.shape(node.inputs[0]) or ())
        for whole, node in zip(graph.nodes, run.nodes, strict=True)
        if not node.side and node.output is not None
    )
    return ConventionCount(name, figure, convention.includes)


def _macs(node: Node, _: Shape = ()) -> int:
    return total(node.effect.macs)


def _size(node: Node) -> int:
    return math.prod(node.output or ())


def _affine(node: Node) -> bool:
    return any(weight.trainable or weight.frozen for weight in node.effect.weights)


def _nothing(node: Node, _: Shape) -> int:
    del node
    return 0


def _each_output(node: Node, _: Shape) -> int:
    return _size(node)


def _fvcore_batch_norm(node: Node, _: Shape) -> int:
    return (2 if _affine(node) else 1) * _size(node)


def _fvcore_norm(node: Node, _: Shape) -> int:
    return (5 if _affine(node) else 4) * _size(node)


def _fvcore_pool(node: Node, shape: Shape) -> int:
    return math.prod(shape) if len(shape) == 3 else _macs(node)


def _fvcore_upsample(node: Node, shape: Shape) -> int:
    if len(shape) != 3:
        return _macs(node)
    return (4 if getattr(node.layer, "method", "") == "linear" else 1) * _size(node)


def _thop_transposed(node: Node, _: Shape) -> int:
    """As if each output cell read the whole kernel."""
    kernel = node.effect.weights[0].shape
    return _size(node) * math.prod(kernel[:-1])


def _thop_norm(node: Node, _: Shape) -> int:
    return (4 if _affine(node) else 2) * _size(node)


def _thop_softmax(node: Node, shape: Shape) -> int:
    return _size(node) // shape[-1] * (3 * shape[-1] - 1)


def _thop_pool(node: Node, shape: Shape) -> int:
    """The mean of the window's cells, and one division, for each output."""
    return math.prod(shape) + _size(node)


def _thop_upsample(node: Node, shape: Shape) -> int:
    if getattr(node.layer, "method", "") == "linear":
        return {2: 5, 3: 11}.get(len(shape), 0) * _size(node)
    return _size(node)


def _ptflops(node: Node, _: Shape) -> int:
    biased = any(weight.name == "bias" for weight in node.effect.weights)
    return _macs(node) + (_size(node) if biased else 0)


def _torchinfo(node: Node, _: Shape) -> int:
    own = sum(each.size for each in node.effect.weights if each.trainable or each.frozen)
    if node.layer.family == "convolution":
        return own * math.prod((node.output or ())[:-1])
    return own


def _torchinfo_relative_bias(node: Node, _: Shape) -> int:
    own = sum(weight.size for weight in node.effect.weights)
    return own * (node.output or (0,))[-1]


BARE = ("scale", "position_embedding", "class_token")


def _thop_recurrent(node: Node, shape: Shape) -> int:
    """Each gate with its additions, and four operations of each unit, in each step."""
    layer, (length, channels) = cast("Recurrent", node.layer), shape
    units = layer.units
    gate = units * (channels + units) + units + 2 * units * layer.bias
    return length * layer.ways * (layer.gates * gate + 4 * units)


def _ptflops_gru(node: Node, shape: Shape) -> int:
    """Its two products of each step are dense layers with biases."""
    biases = [each.size for each in node.effect.weights if each.name.endswith("bias")]
    return _macs(node) + shape[0] * sum(biases)


def _torchinfo_recurrent(node: Node, shape: Shape) -> int:
    return shape[0] * sum(weight.size for weight in node.effect.weights)


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "torchvision": Convention(
            "multiply-accumulates of convolutions and dense layers, without biases",
            _macs,
            {"lstm": _nothing},  # one operation of torch, which has no rule
        ),
        "fvcore": Convention(
            "the multiply-accumulates of convolutions and dense layers, 2 for each element of a "
            "batch norm, 5 of other norms, 1 for each input of a global or adaptive mean pool, "
            "1 or 4 for each output of an upsampling",
            _macs,
            {
                "batch_norm": _fvcore_batch_norm,
                "layer_norm": _fvcore_norm,
                "instance_norm": _fvcore_norm,
                "group_norm": _fvcore_norm,
                "global_mean_pool": _fvcore_pool,
                "adaptive_mean_pool": _fvcore_pool,
                "upsample": _fvcore_upsample,
                "dot_product_attention": _nothing,
                "lstm": _nothing,
                "gru": _nothing,
            },
        ),
        "thop": Convention(
            "the multiply-accumulates of convolutions and dense layers, 4 for each element of a "
            "norm, 1 of a mean pool or PReLU, the additions and divisions of global mean pools and "
            "softmax, and of upsampling",
            _macs,
            {
                "transposed_conv": _thop_transposed,
                "batch_norm": _thop_norm,
                "layer_norm": _thop_norm,
                "instance_norm": _thop_norm,
                "prelu": _each_output,
                "mean_pool": _each_output,
                "softmax": _thop_softmax,
                "global_mean_pool": _thop_pool,
                "adaptive_mean_pool": _thop_pool,
                "upsample": _thop_upsample,
                "dot_product_attention": _nothing,
                "lstm": _thop_recurrent,
                "gru": _thop_recurrent,
            },
        ),
        "ptflops": Convention(
            "the multiply-accumulates of convolutions and dense layers, and one addition for each "
            "output of a layer with a bias",
            _ptflops,
            {"lstm": _nothing, "gru": _ptflops_gru},
        ),
        "torchinfo": Convention(
            "weights and biases times the output positions of convolutions, and once those of "
            "dense layers and norms",
            _torchinfo,
            # A bare parameter its rule by name passes over; `relative_bias` it takes for a bias.
            {
                **dict.fromkeys(BARE, _nothing),
                "dot_product_attention": _torchinfo_relative_bias,
                "lstm": _torchinfo_recurrent,
                "gru": _torchinfo_recurrent,
            },
        ),
    }
)
"""How each tool counts, by its name."""
