"""Shaping of the spatial axes: pad, crop, upsample."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, NonNegativeInt, Strict, model_validator
from typing_extensions import override

from cnnkit.layers import fit
from cnnkit.layers.advice import map_problem, tried, written
from cnnkit.layers.base import Effect, Layer, Operations, Tensor, Trace, broken, keeps_shape
from cnnkit.layers.field import Expects, Extents, Factors, SavedName
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import (
    TransposedWindow,
    UpsampledWindow,
    centred,
    cut,
    enlarge,
    stretch,
)
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.shaping import Shaping
from cnnkit.layers.window import (
    PaddingMode,
    Sides,
    axis_names,
    per_axis,
    sides,
    slide,
    wrong_length,
)

CELLS = Expects(
    "a whole number of cells on each side, "
    "or a list of one for each axis, each a number or [before, after]"
)
Cells = Annotated[
    NonNegativeInt | Annotated[tuple[NonNegativeInt | Sides, ...], Strict(False)], CELLS
]


class Pad(Shaping):
    """Adds cells round the map: 32x32x3 with a padding of 2 → 36x36x3.

    ``channels`` adds channels of zeros before and after: 32x32x16 with 8 → 32x32x32, the
    shortcut without parameters of ResNet's option A and of PyramidNet.
    """

    kind = "pad"
    example = ("32x32x3", "pad: {padding: 2}")
    field_aliases: ClassVar = {"mode": "padding_mode"}

    padding: Cells = Field(
        0, description="cells on each side, an axis each, or [before, after] pairs"
    )
    channels: Annotated[
        NonNegativeInt | Sides,
        Expects("a whole number of channels on each side, or [before, after]"),
    ] = Field(0, description="channels of zeros on each side, or [before, after]")
    padding_mode: PaddingMode = Field("zeros", description="what the added cells hold")

    @property
    def channel_sides(self) -> tuple[int, int]:
        """The channels of zeros before and after."""
        added = self.channels
        return (added, added) if isinstance(added, int) else added

    @override
    def no_op(self, shape: Shape) -> str | None:
        return keeps_shape(self, shape)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        windows = map_problem(self, shape) or slide(shape[:-1], 1, 1, self.padding)
        if isinstance(windows, Problem):
            return broken(windows)
        if problems := fit.padding_problem(self, shape, windows, self.padding_mode):
            return broken(*problems)
        channels = shape[-1] + sum(self.channel_sides)
        output = (*(window.output for window in windows), channels)
        return Effect(output, reach=tuple(window.reach for window in windows))


class Crop(Shaping):
    """Cuts cells off the sides of the map, or off a map larger than a saved one.

    ``cells: 4`` turns 64x64x8 into 56x56x8. ``to: skip`` keeps the middle, as large as the
    tensor saved as ``skip``; of an odd number of cells one more goes after.
    """

    kind = "crop"
    example = ("64x64x8", "crop: {cells: 4}")
    field_aliases: ClassVar = {"cropping": "cells"}

    cells: Annotated[Cells | None, CELLS] = Field(
        None, description="cells off each side, an axis each, or [before, after] pairs"
    )
    to: Annotated[SavedName | None, Expects("the name of a saved tensor")] = Field(
        None, description="the saved tensor whose extents are kept"
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.cells is None) == (self.to is None):
            raise ValueError(
                "crop needs `cells`, a number off each side, or `to`, the name of a saved tensor"
                if self.to is None
                else "crop takes `cells` or `to`, not both"
            )
        return self

    def cells_off(self, extents: Shape, kept: Shape) -> tuple[tuple[int, int], ...]:
        """The cells cut off before and after, a pair for each spatial axis.

        Args:
            extents: The map's, without its channels.
            kept: What is left of them.
        """
        if self.cells is None:
            return tuple(map(centred, extents, kept))
        return sides(self.cells, len(extents)) or ()

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.to is not None else keeps_shape(self, shape)

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        return _sized(self, self.to, graph, x)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := map_problem(self, shape):
            return broken(problem)
        cells = self.cells
        if cells is None:
            reference = inputs[1]
            if problem := _larger(reference, shape, str(self.to)):
                return broken(problem)
            cells = tuple(map(centred, shape[:-1], reference[:-1]))
        windows = cut(shape[:-1], cells)
        if isinstance(windows, Problem):
            return broken(windows)
        if problem := _nothing_left(self, shape, windows):
            return broken(problem)
        output = (*(window.output for window in windows), shape[-1])
        return Effect(output, reach=tuple(window.reach for window in windows))


def _nothing_left(
    layer: Crop, shape: Shape, windows: tuple[TransposedWindow, ...]
) -> Problem | None:
    names = axis_names(len(windows))
    for axis, window in enumerate(windows):
        if window.output < 1:
            return Problem(
                "shape-mismatch",
                f"{window.before} + {window.after} cells off the {names[axis]} of "
                f"{window.extent} leave nothing",
                partial(_fewer_cells, layer, shape, windows),
                ("cells", axis),
            )
    return None


def _fewer_cells(layer: Crop, shape: Shape, windows: tuple[TransposedWindow, ...]) -> str:
    """The most cells off both sides of each axis of which nothing is left."""
    most = [(window.extent - 1) // 2 for window in windows]
    cells: int | list[int | tuple[int, int]] = min(most)
    if not isinstance(layer.cells, int):
        cells = [
            half if window.output < 1 else _side(window.before, window.after)
            for half, window in zip(most, windows, strict=True)
        ]
    if outcome := tried(layer, [shape], "shape-mismatch", cells=cells):
        return f"`cells: {written(cells)}`{outcome.gives}"
    return "fewer cells, or a larger map before it"


def _side(before: int, after: int) -> int | tuple[int, int]:
    """Cells before and after, as one number where they are alike."""
    return before if before == after else (before, after)


def _sized(layer: Layer, to: str | None, graph: Trace, x: Tensor) -> Tensor:
    """The output of a layer that reads the extents of the tensor saved as ``to``, if any."""
    if to is None:
        return graph.add(layer, x)
    reference = graph.saved(to, ("to",))
    return x._replace(shape=None) if reference is None else graph.add(layer, x, reference)


def _larger(reference: Shape, shape: Shape, name: str) -> Problem | None:
    """The problem of a tensor that a map cannot be cropped to."""
    if len(reference) != len(shape):
        return _other_axes("crop", reference, shape, name)
    names = axis_names(len(shape) - 1)
    for axis_name, extent, kept in zip(names, shape[:-1], reference[:-1], strict=True):
        if kept > extent:
            return Problem(
                "shape-mismatch",
                f"the {axis_name} of {extent} cannot be cropped to the {kept} of `{name}`",
                f"crop `{name}` instead, or enlarge the input first, with `pad` or `upsample`",
                ("to",),
            )
    return None


def _smaller(reference: Shape, shape: Shape, name: str, field: str = "to") -> Problem | None:
    """The problem of a tensor that a map cannot be enlarged to."""
    if len(reference) != len(shape):
        return _other_axes("upsample", reference, shape, name)
    names = axis_names(len(shape) - 1)
    for axis_name, extent, wanted in zip(names, shape[:-1], reference[:-1], strict=True):
        if wanted < extent:
            return Problem(
                "shape-mismatch",
                f"the {axis_name} of {extent} cannot be enlarged to the {wanted} of `{name}`",
                f"upsample `{name}` instead, or make the input smaller, with `crop` or a pool"
                if field == "to"
                else f"a `size` of at least {extent}; `crop` or a pool makes a map smaller",
                (field,),
            )
    return None


def _other_axes(verb: str, reference: Shape, shape: Shape, name: str) -> Problem:
    return Problem(
        "shape-mismatch",
        f"the input {show(shape)} and `{name}`, {show(reference)}, differ in their axes",
        f"{verb} to a tensor of as many axes",
        ("to",),
    )


class Upsample(Shaping):
    """Enlarges the map, with half-pixel centres: 16x16x8 by a factor of 2 → 32x32x8.

    ``factor`` is how many times the extent, 2 or 1.5; ``size`` gives the extents themselves, and
    ``to: skip`` those of the tensor saved as ``skip``. None of them is below the input's. The
    centre of output cell i of n, made from D cells, is at (i + 1/2)·D/n − 1/2. ``nearest`` repeats
    the cell there (PyTorch's ``nearest-exact``); ``linear`` weighs the two nearest cells of each
    axis (bilinear on a 2-D map): an output of n cells read counts n multiplications and n − 1
    additions.
    """

    kind = "upsample"
    example = ("16x16x8", "upsample: {factor: 2}")
    field_aliases: ClassVar = {
        "scale_factor": "factor",
        "scale": "factor",
        "interpolation": "method",
        "mode": "method",
    }

    factor: Annotated[
        Factors | None, Expects("a number of at least 1, or a list of one for each axis")
    ] = Field(None, description="how many times the extent, one number or one an axis")
    size: Annotated[
        Extents | None, Expects("a whole number above 0, or a list of one for each axis")
    ] = Field(None, description="the extents that are given, instead of a factor")
    to: Annotated[SavedName | None, Expects("the name of a saved tensor")] = Field(
        None, description="the saved tensor whose extents are given, instead of a factor"
    )
    method: Annotated[
        Literal["nearest", "linear"],
        Expects("`nearest` or `linear` (on a map of two axes bilinear)"),
    ] = Field("nearest", description="how new cells are made")

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        given = [each for each in (self.factor, self.size, self.to) if each is not None]
        if len(given) != 1:
            said = (
                "`factor`, how many times the extent, `size`, the extents, or `to`, the name of a"
            )
            few = "upsample needs" if not given else "upsample takes one of"
            raise ValueError(f"{few} {said} saved tensor")
        return self

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.to is not None else keeps_shape(self, shape)

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        return _sized(self, self.to, graph, x)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        windows = map_problem(self, shape) or self._windows(shape, *inputs[1:])
        if isinstance(windows, Problem):
            return broken(windows)
        output = (*(window.output for window in windows), shape[-1])
        read = math.prod(window.cells for window in windows)
        work = Operations(multiply=read, add=read - 1) if read > 1 else Operations()
        return Effect(
            output,
            operations=work.times(math.prod(output)),
            reach=tuple(window.reach for window in windows),
        )

    def _windows(
        self, shape: Shape, reference: Shape = ()
    ) -> tuple[UpsampledWindow, ...] | Problem:
        linear = self.method == "linear"
        if self.factor is not None:
            return enlarge(shape[:-1], self.factor, linear=linear)
        if self.size is not None:
            extents = per_axis(self.size, len(shape) - 1)
            if extents is None:
                given = self.size if isinstance(self.size, tuple) else ()
                return wrong_length("size", given, len(shape) - 1)
            problem = _smaller((*extents, 1), shape, "size", "size")
            return problem or stretch(shape[:-1], extents, linear=linear)
        problem = _smaller(reference, shape, str(self.to))
        return problem or stretch(shape[:-1], reference[:-1], linear=linear)
