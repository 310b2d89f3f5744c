"""The counts of other tools: each counts other things, and none of them prints which.

Every tool counts the multiply-accumulates of convolutions and dense layers once; they differ in
what else they add. The rules below are those of torchvision 0.29 (torch's ``FlopCounterMode``
halved), fvcore 0.1.5, thop 0.1.1, ptflops 0.7.5 (its default backend, ``aten``) and torchinfo
1.8.0, for a network in evaluation, so without side outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cnnkit.layers.base import Shape, total
from cnnkit.spec.graph import Graph, Node

_NORMS = ("layer_norm", "instance_norm", "group_norm")


@dataclass(frozen=True, slots=True)
class Convention:
    """How a tool counts: in one sentence, and as a function of a node and its input."""

    includes: str
    count: Callable[[Node, Shape], int]


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
    convention = CONVENTIONS[name]
    figure = sum(
        convention.count(node, graph.shape(node.inputs[0]) or ())
        for node in graph.nodes
        if not node.side and node.output is not None
    )
    return ConventionCount(name, figure, convention.includes)


def _macs(node: Node) -> int:
    return total(node.effect.macs)


def _size(node: Node) -> int:
    return math.prod(node.output or ())


def _affine(node: Node) -> bool:
    return any(weight.trainable for weight in node.effect.weights)


def _torchvision(node: Node, _: Shape) -> int:
    return _macs(node)


def _fvcore(node: Node, shape: Shape) -> int:
    kind, planar = node.layer.kind, len(shape) == 3
    if kind == "batch_norm":
        return (2 if _affine(node) else 1) * _size(node)
    if kind in _NORMS:
        return (5 if _affine(node) else 4) * _size(node)
    if kind in ("global_mean_pool", "adaptive_mean_pool") and planar:
        return math.prod(shape)
    if kind == "upsample" and planar:
        return (4 if getattr(node.layer, "method", "") == "linear" else 1) * _size(node)
    return _macs(node)


def _thop(node: Node, shape: Shape) -> int:
    kind, size = node.layer.kind, _size(node)
    if kind == "transposed_conv":  # counted as if each output cell read the whole kernel
        kernel = node.effect.weights[0].shape
        return size * math.prod(kernel[:-1])
    if kind == "batch_norm" or kind in ("layer_norm", "instance_norm"):
        return (4 if _affine(node) else 2) * size
    if kind == "prelu" or kind == "mean_pool":
        return size
    if kind == "softmax":
        return size // shape[-1] * (3 * shape[-1] - 1)
    if kind in ("global_mean_pool", "adaptive_mean_pool"):
        # The mean of the window's cells, and one division, for each output.
        return math.prod(shape) + size
    if kind == "upsample" and getattr(node.layer, "method", "") == "linear":
        return {2: 5, 3: 11}.get(len(shape), 0) * size
    if kind == "upsample":
        return size
    return _macs(node)


def _ptflops(node: Node, _: Shape) -> int:
    biased = any(weight.name == "bias" for weight in node.effect.weights)
    return _macs(node) + (_size(node) if biased else 0)


def _torchinfo(node: Node, _: Shape) -> int:
    own = sum(weight.size for weight in node.effect.weights if weight.trainable)
    if node.layer.kind == "scale":  # a bare parameter, which torchinfo's rule by name passes over
        return 0
    if node.layer.family == "convolution":
        return own * math.prod((node.output or ())[:-1])
    return own


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "torchvision": Convention(
            "multiply-accumulates of convolutions and dense layers, without biases",
            _torchvision,
        ),
        "fvcore": Convention(
            "the multiply-accumulates of convolutions and dense layers, 2 for each element of a "
            "batch norm, 5 of other norms, 1 for each input of a global or adaptive mean pool, "
            "1 or 4 for each output of an upsampling",
            _fvcore,
        ),
        "thop": Convention(
            "the multiply-accumulates of convolutions and dense layers, 4 for each element of a "
            "norm, 1 of a mean pool or PReLU, the additions and divisions of global mean pools and "
            "softmax, and of upsampling",
            _thop,
        ),
        "ptflops": Convention(
            "the multiply-accumulates of convolutions and dense layers, and one addition for each "
            "output of a layer with a bias",
            _ptflops,
        ),
        "torchinfo": Convention(
            "weights and biases times the output positions of convolutions, and once those of "
            "dense layers and norms",
            _torchinfo,
        ),
    }
)
"""How each tool counts, by its name."""
