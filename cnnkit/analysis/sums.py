"""The figures of a graph's operations, summed up to each of them.

The figure of a layer is that of a range of operations, so it is the difference of two sums. A
column of sums is computed when it is first asked for: a check of shapes alone needs none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate

from cnnkit.layers.base import Effect, Operations
from cnnkit.layers.shape import total
from cnnkit.spec.graph import Graph

Column = list[int]
"""Of each operation, the sum over all before it; last the sum over all."""


class Sums:
    """The sums of each figure over the operations of a graph."""

    def __init__(self, graph: Graph) -> None:
        # Operations that say the same of the same shape share their effect, and its figures.
        self._keys = [id(node.effect) for node in graph.nodes]
        self._effects = {id(node.effect): node.effect for node in graph.nodes}

    @cached_property
    def neurons(self) -> Column:
        """Output elements that have connection weights."""
        return self._column(lambda effect: total(effect.neurons))

    @cached_property
    def parameters(self) -> Column:
        """Trainable weights and biases."""
        return self._column(lambda effect: _size(effect, trainable=True))

    @cached_property
    def state(self) -> Column:
        """Running statistics."""
        return self._column(lambda effect: _size(effect, trainable=False))

    @cached_property
    def macs(self) -> Column:
        """Multiply-accumulates."""
        return self._column(lambda effect: total(effect.macs))

    @cached_property
    def activations(self) -> Column:
        """Output elements."""
        return self._column(lambda effect: math.prod(effect.output) if effect.output else 0)

    @cached_property
    def operations(self) -> tuple[Column, ...]:
        """All other scalar operations, a column a kind."""
        return tuple(map(self._column, map(_nth_operation, range(len(Operations._fields)))))

    def _column(self, figure: Callable[[Effect], int]) -> Column:
        figures = {key: figure(effect) for key, effect in self._effects.items()}
        return list(accumulate(map(figures.__getitem__, self._keys), initial=0))


def _nth_operation(number: int) -> Callable[[Effect], int]:
    return lambda effect: effect.operations[number]


def _size(effect: Effect, *, trainable: bool) -> int:
    return sum(weight.size for weight in effect.weights if weight.trainable is trainable)
