"""Attention: positions that read each other, weighed by how well they match.

A query, a key and a value of each position are 1x1 convolutions of the map; so is what is made of
the outcome. Their products are multiplications that are counted with the MACs, as torchvision's
table counts them: of N positions that read M each, N·M·units for the scores and as many for the
means of the values.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Annotated, ClassVar, Self

from pydantic import Field, NonNegativeInt, Strict, model_validator
from typing_extensions import override

from cnnkit.layers.advice import divisors, map_problem, tried, undivided
from cnnkit.layers.base import Effect, Layer, Operations, Tensor, Trace, Weight, broken
from cnnkit.layers.convolution import Conv
from cnnkit.layers.field import Count, Expects, Extents, Flag, Rate, SavedName
from cnnkit.layers.learner import ALIASES, Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import PartitionWindow
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import per_axis, wrong_length

Shift = Annotated[
    NonNegativeInt | Annotated[tuple[NonNegativeInt, ...], Strict(False)],
    Expects("a whole number, or a list of one for each axis"),
]
WindowField = Annotated[
    Extents | None, Expects("a whole number above 0, or a list of one for each axis")
]


class DotProductAttention(Learner):
    """softmax(Q·Kᵀ/√d + bias)·V of each head, d its channels (Vaswani et al., 2017).

    The inputs are maps of queries, keys and values, whose channels are split into ``heads``. With
    a ``window`` the positions of each window read those of the same one (Liu et al., 2021). No
    spec writes it: it is the middle of ``attention``.
    """

    kind = "dot_product_attention"
    family = "attention"
    backward_reads = ("input",)  # the scores are computed again

    heads: int
    window: int | tuple[int, ...] | None = None
    shift: int | tuple[int, ...] = 0
    relative_bias: bool = False
    dropout: float = 0.0

    @property
    @override
    def sees_all(self) -> bool:
        return self.window is None

    @property
    @override
    def random(self) -> bool:
        return self.dropout > 0

    def partition(self, extents: Shape) -> tuple[PartitionWindow, ...] | Problem:
        """The windows of each axis of the queries; one of all its cells where none is given.

        Where a window is as large as the map there is no other that a shift could reach into, and
        it is left out, as in Swin's own code.
        """
        sizes = extents if self.window is None else per_axis(self.window, len(extents))
        if sizes is None:
            return wrong_length("window", self.window, len(extents))  # type: ignore[arg-type]
        shifts = per_axis(self.shift, len(extents))
        if shifts is None:
            return wrong_length("shift", self.shift, len(extents))  # type: ignore[arg-type]
        return tuple(
            PartitionWindow(extent, size, shift if size < extent else 0)
            for extent, size, shift in zip(extents, sizes, shifts, strict=True)
        )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        queries, keys, _ = inputs
        *_, units = queries
        if units % self.heads:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"the {units:,} channels of the queries must be divisible by `heads` "
                    f"(={self.heads})",
                    partial(_heads, self, inputs),
                    ("heads",),
                )
            )
        windows = self.partition(queries[:-1])
        if isinstance(windows, Problem):
            return broken(windows)
        sizes = tuple(window.size for window in windows)
        if problem := undivided(self, inputs, sizes, "window"):
            return broken(problem)
        cells = math.prod(queries[:-1])
        read = math.prod(keys[:-1] if self.window is None else sizes)
        scores = self.heads * cells * read
        shifted = any(window.shift for window in windows)
        weights: tuple[Weight, ...] = ()
        if self.relative_bias:
            table = (*(2 * size - 1 for size in sizes), self.heads)
            weights = (Weight("relative_bias", table),)
        product = (self.heads, cells, read, units // self.heads)
        return Effect(
            queries,
            weights=weights,
            macs=(product, product),
            operations=Operations(
                add=self.heads * cells * (read - 1) + scores * (self.relative_bias + shifted),
                multiply=cells * units,
                divide=scores,
                exponential=scores,
            ),
            reach=None if self.sees_all else tuple(window.reach for window in windows),
            scratch=scores,
        )


class Attention(Learner):
    """Each position gets the mean of the values of others, weighed by query and key, head by head.

    Multi-head attention (Vaswani et al., 2017) over all positions of a map or sequence:
    ``query``, ``key``, ``value`` and ``output`` are 1x1 convolutions, 4·C·units weights and
    3·units + C biases. With ``window: 7`` the positions of each window of 7x7 read each other;
    ``shift: 3`` moves the windows by 3 cells, and what so comes into one from both ends of the map
    stays apart (Swin, Liu et al., 2021). ``relative_bias`` adds to the score of two positions a
    learnt number for their distance along each axis, a head each. With ``context`` keys and values
    come from a saved tensor.
    """

    kind = "attention"
    family = "attention"
    example = ("14x14x64", "attention: {heads: 4}")
    field_aliases: ClassVar = {
        **ALIASES,
        "num_heads": "heads",
        "embed_dim": "units",
        "dim": "units",
        "use_bias": "bias",
        "qkv_bias": "bias",
        "window_size": "window",
        "shift_size": "shift",
        "dropout_rate": "dropout",
        "attention_dropout": "dropout",
        "attn_drop": "dropout",
    }

    heads: Count = Field(description="parts that the channels of queries and keys are split into")
    units: Annotated[Count | None, Expects("a whole number above 0")] = Field(
        None, description="channels of queries, keys and values; by default those that come in"
    )
    bias: Flag = Field(True, description="biases in all four projections")
    window: WindowField = Field(
        None, description="extent of windows whose positions read each other; else all do"
    )
    shift: Shift = Field(0, description="cells that the windows are moved by")
    relative_bias: Flag = Field(
        False, description="add a learnt number for the distance of two positions"
    )
    dropout: Rate = Field(0.0, description="the part of the weights that training drops")
    context: Annotated[SavedName | None, Expects("the name of a saved tensor")] = Field(
        None, description="the saved tensor that keys and values come from"
    )

    @model_validator(mode="after")
    def _of_windows(self) -> Self:
        shifts = self.shift if isinstance(self.shift, tuple) else (self.shift,)
        if self.window is None and any(shifts):
            raise ValueError("`shift` moves windows: give their extent as `window`")
        if self.window is not None:
            sizes = self.window if isinstance(self.window, tuple) else (self.window,)
            if max(shifts, default=0) >= max(sizes, default=1):
                raise ValueError(
                    f"`shift` (={max(shifts)}) must be below `window` (={max(sizes)}): windows "
                    "moved by their own extent are the same ones"
                )
        if self.context is not None and (self.window is not None or self.relative_bias):
            field = "relative_bias" if self.window is None else "window"
            raise ValueError(
                f"`{field}` is about the positions of one map: leave it or `context` out"
            )
        return self

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        context = x
        if self.context is not None:
            saved = graph.saved(self.context, ("context",))
            context = saved or x._replace(shape=None)
        if x.shape is None or context.shape is None:
            return x._replace(shape=None)
        for shape, field in ((x.shape, ()), (context.shape, ("context",))):
            if problem := _no_positions(self, shape, field):
                graph.problem(problem)
                return x._replace(shape=None)
        units = self.units or x.shape[-1]
        query = graph.add(_projection(units, self.bias, self.learnt), x, label="query")
        key = graph.add(_projection(units, self.bias, self.learnt), context, label="key")
        value = graph.add(_projection(units, self.bias, self.learnt), context, label="value")
        product = DotProductAttention(
            heads=self.heads,
            window=self.window,
            shift=self.shift,
            relative_bias=self.relative_bias,
            dropout=self.dropout,
            learnt=self.learnt,
        )
        y = graph.add(product, query, key, value, label="attend")
        return graph.add(_projection(x.shape[-1], self.bias, self.learnt), y, label="output")


@lru_cache(maxsize=256)  # the layers of one network are mostly alike
def _projection(filters: int, bias: bool, learnt: bool) -> Conv:
    return Conv(filters=filters, kernel=1, bias=bias, learnt=learnt)


def _no_positions(layer: Layer, shape: Shape, field: tuple[str, ...]) -> Problem | None:
    """The problem of a vector, which has one position."""
    what = f"`{vars(layer)['context']}`" if field else "the input"
    advice = (
        "put it before what makes the vector; a map becomes a sequence by "
        "`flatten: {keep_channels: true}`"
    )
    problem = map_problem(layer, shape, advice)
    if problem is None or not field:
        return problem
    return Problem(
        problem.rule,
        f"attention reads the positions of a map, {what} is a vector of {shape[0]}",
        "save the map before what makes the vector",
        field,
    )


def _heads(layer: DotProductAttention, inputs: tuple[Shape, ...]) -> str:
    """The numbers of heads that divide the channels."""
    units = inputs[0][-1]
    good = [
        str(each) for each in divisors(units) if tried(layer, inputs, "shape-mismatch", heads=each)
    ]
    return f"heads that divide {units:,} channels: {', '.join(good)}"
