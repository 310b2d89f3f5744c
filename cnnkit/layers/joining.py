"""Several tensors made one: side by side, or element by element."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Literal

from typing_extensions import override

from cnnkit.layers.advice import tried
from cnnkit.layers.axis import Axis, axis_problem
from cnnkit.layers.base import BackwardReads, Effect, Layer, Operations, broken
from cnnkit.layers.kinds import layer_class
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import axis_names

Join = Literal["concat", "add", "subtract", "multiply", "divide", "mean", "maximum", "minimum"]


class Joined(Layer):
    """Several tensors made one; ``labels`` name them in messages.

    All have one shape, but for the axis of ``concat``, and for the factors of ``multiply``,
    which are spread over the largest input, in any order: 64 or 1x1x64 over the cells of 8x8x64,
    8x8x1 over its channels. That is numpy's broadcasting, a vector being a map of one cell, where
    one of the inputs has the shape that goes out. So are the divisors of ``divide`` over the
    first; ``subtract`` and ``divide`` take all others from the first.
    """

    family = "composition"
    storage = "in_place"  # a concatenation never finds an input that is large enough

    by: Join
    labels: tuple[str, ...]
    axis: Axis = "channels"

    @property
    @override
    def title(self) -> str:
        return self.by

    @property
    @override
    def gradient_reads(self) -> BackwardReads:
        return ("input",) if self.by in ("multiply", "divide", "maximum", "minimum") else ()

    @property
    def spreads(self) -> bool:
        """Whether one cell or channel may stand for many."""
        return self.by in _SPREADING

    @override
    def effect(self, *inputs: Shape) -> Effect:
        largest = max(inputs, key=_size) if self.by == "multiply" else inputs[0]
        if problem := self._problem(inputs, inputs.index(largest)):
            return broken(problem)
        if self.by == "concat":
            place = self._place
            length = sum(shape[place] for shape in inputs)
            output = [*largest]
            output[place] = length
            return Effect(tuple(output))
        cells, pairs = math.prod(largest), len(inputs) - 1
        work = {
            "add": Operations(add=cells * pairs),
            "subtract": Operations(add=cells * pairs),
            "divide": Operations(divide=cells * pairs),
            "minimum": Operations(compare=cells * pairs),
            "mean": Operations(add=cells * pairs, divide=cells),
            "multiply": Operations(multiply=cells * pairs),
            "maximum": Operations(compare=cells * pairs),
        }[self.by]
        return Effect(largest, operations=work)

    def _problem(self, inputs: tuple[Shape, ...], index: int) -> Problem | None:
        """The first input that does not fit number ``index``."""
        first = inputs[index]
        if problem := axis_problem(self.axis, first, self.labels[index]):
            return problem
        for label, shape in zip(self.labels, inputs, strict=True):
            if differing := _differing(first, shape, self.by, self._place):
                return Problem(
                    "shape-mismatch",
                    f"cannot {self.by} {show(first)} of {self.labels[index]} and {show(shape)} of "
                    f"{label}: {differing}",
                    _factors(first, self.by)
                    if self.spreads
                    else partial(_advice, first, shape, self),
                )
        return None

    @property
    def _place(self) -> int:
        """The place in a shape of the axis that a concatenation is along."""
        return -1 if self.axis == "channels" else self.axis


_SPREADING = ("multiply", "divide")


def _size(shape: Shape) -> tuple[int, int]:
    """A map is above a vector, which would be spread over it, and else the larger one."""
    return len(shape), math.prod(shape)


def _differing(first: Shape, other: Shape, by: Join, along: int) -> str:
    """Which axes differ, with both values: ``height 56 and 28``; empty where none does."""
    if by in _SPREADING and len(other) == 1:
        other = (*(1,) * (len(first) - 1), *other)
    if len(first) != len(other):
        return f"one has {len(first) - 1} spatial axes, the other {len(other) - 1}"
    names = [*axis_names(len(first) - 1), "channels"] if len(first) > 1 else ["channels"]
    pairs = list(zip(names, first, other, strict=True))
    if by == "concat":
        pairs.pop(along)
    fits = {1} if by in _SPREADING else set()
    differing = ", ".join(f"{name} {a} and {b}" for name, a, b in pairs if b not in fits | {a})
    return f"they differ in {differing}" if differing else ""


def _factors(shape: Shape, by: Join) -> str:
    """What a tensor can be multiplied or divided by."""
    *extents, channels = shape
    what = "factors" if by == "multiply" else "divisors"
    if not extents or channels == 1:
        return f"the {what} of {show(shape)} are {show(shape)} or 1"
    return (
        f"the {what} of {show(shape)} are {show(shape)}, {show([*extents, 1])} (one a cell) or "
        f"{channels} (one a channel); `upsample: {{to: NAME}}` gives a map the extents of another"
    )


def _advice(first: Shape, other: Shape, join: Joined) -> str:
    """A layer that gives the second tensor the first one's shape, where one does."""
    if join.axis != "channels":
        return "make all other axes of both agree; `axis: channels` joins the channels"
    by = join.by
    if len(first) != len(other):
        ranks = "bring both to one rank with `flatten`, `reshape` or a global pool"
        if by == "concat" or min(len(first), len(other)) > 1 or first[-1] != other[-1]:
            return ranks
        cell = [1] * (max(len(first), len(other)) - 1) + [first[-1]]
        return (
            f"{ranks}; `reshape: {{shape: {cell}}}` and then `upsample: {{to: NAME}}` lay a vector "
            "at each cell of a saved map"
        )
    channels = other[-1] if by == "concat" else first[-1]
    if len(first) == 1:
        fields: dict[str, Any] = {"units": channels}
        if _joins("dense", fields, first, other, by):
            return (
                f"`dense: {{units: {channels}}}` on the second would give it the first one's length"
            )
    cells = {"first": math.prod(first[:-1]), "second": math.prod(other[:-1])}
    for which, count in cells.items():
        if count == 1 < max(cells.values()):
            return f"`upsample: {{to: NAME}}` spreads the one cell of the {which} over a saved map"
    strides = [-(-b // a) for a, b in zip(first[:-1], other[:-1], strict=True)]
    fields = {"filters": channels, "kernel": 1}
    if set(strides) != {1}:
        fields["stride"] = strides[0] if len(set(strides)) == 1 else strides
    for more in ({}, {"padding": "same"}):
        if _joins("conv", fields | more, first, other, by):
            shown = ", ".join(f"{name}: {value}" for name, value in (fields | more).items())
            return f"`conv: {{{shown}}}` on the second would give it the first one's shape"
    return "make the strides and paddings of both agree, or `crop` the larger one"


def _joins(kind: str, fields: dict[str, Any], first: Shape, other: Shape, by: Join) -> bool:
    """Whether two tensors can be joined once a layer is applied to the second."""
    made = layer_class(kind).model_validate(fields).effect(other)
    if made.problems or made.output is None:
        return False
    pair = Joined(by=by, labels=("the first", "the second"))
    return tried(pair, [first, other], "shape-mismatch", [first, made.output]) is not None
