"""The operations whose arithmetic can be watched, and what each of their windows reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.layers.base import Layer, Weight
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window
from cnnkit.spec.graph import Node

MOST_TERMS: Final = 20_000
"""Products of one window: more are no picture any more."""

_SUMS: Final = (
    "conv",
    "depthwise_conv",
    "separable_conv",
    "transposed_conv",
    "locally_connected",
)
_POOLS: Final = {
    "max_pool": "maximum",
    "global_max_pool": "maximum",
    "adaptive_max_pool": "maximum",
    "mean_pool": "mean",
    "global_mean_pool": "mean",
    "adaptive_mean_pool": "mean",
}


class Tap(NamedTuple):
    """One cell that a window reads along an axis: its index in the input, and in the kernel."""

    cell: int
    kernel: int


@dataclass(frozen=True)
class WatchedOperation:
    """An operation that can be watched: its node, and the shapes round it."""

    node: Node
    input: Shape
    output: Shape
    weights: tuple[Weight, ...]

    @property
    def layer(self) -> Layer:
        """The operation's layer."""
        return self.node.layer

    @property
    def sums(self) -> bool:
        """Whether it adds up products."""
        return self.layer.kind not in _POOLS

    @property
    def how(self) -> str:
        """``sum`` of products, ``maximum`` or ``mean``."""
        return _POOLS.get(self.layer.kind, "sum")

    @property
    def padding(self) -> list[list[int]]:
        """The cells before and after, an axis each."""
        windows = self.node.effect.windows
        if not windows or not all(isinstance(window, Window) for window in windows):
            return [[0, 0] for _ in self.input[:-1]]
        return [[window.before, window.after] for window in windows]

    @property
    def mode(self) -> str | None:
        """What the padding holds; None of a pool, where it holds nothing."""
        return getattr(self.layer, "padding_mode", None)

    def taps(self, axis: int, position: int) -> list[Tap]:
        """What an output cell reads along an axis."""
        effect = self.node.effect
        if effect.windows:
            window = effect.windows[axis]
            if isinstance(window, TransposedWindow):
                first = position + window.before
                return [
                    Tap(cell, (first - cell * window.stride) // window.dilation)
                    for cell in window.reads(position)
                    if 0 <= cell < window.extent
                ]
            start = position * window.stride - window.before
            return [Tap(start + k * window.dilation, k) for k in range(window.size)]
        assert effect.reach is not None  # noqa: S101 - a pool without windows has a reach
        reach = effect.reach[axis]
        if reach.uneven is not None:
            cells = reach.uneven.reads(position)
        else:
            start = int(position * reach.stride - reach.before)
            cells = range(start, start + int(reach.size))
        return [Tap(cell, k) for k, cell in enumerate(cells)]


def operation_of(analysis: Analysis | None, found: LayerAnalysis | None) -> WatchedOperation | None:
    """The first operation of a layer that can be watched; None where there is none."""
    if analysis is None or found is None or found.children:
        return None
    for index in found.nodes:
        node = analysis.graph.nodes[index]
        shape = analysis.graph.shape(node.inputs[0]) if node.inputs else None
        if shape is None or node.output is None or len(shape) < 2:
            continue
        if node.layer.kind in _POOLS:
            known = bool(node.effect.windows or node.effect.reach)
        else:
            known = node.layer.kind in _SUMS and bool(node.effect.windows)
        if not known:
            continue
        owner = node if node.shares is None else analysis.graph.nodes[node.shares]
        operation = WatchedOperation(node, shape, node.output, owner.effect.weights)
        taps = [operation.taps(axis, 0) for axis in range(len(shape) - 1)]
        channels = operation.weights[0].shape[-2] if operation.sums else 1
        if math.prod(map(len, taps)) * channels <= MOST_TERMS:
            return operation
    return None


def inside(cell: Sequence[int], shape: Shape) -> bool:
    """Whether a cell is one of the map itself, not of its padding."""
    return all(0 <= index < extent for index, extent in zip(cell, shape, strict=False))
