"""A part of one axis: of the channels, or of any."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Self

from pydantic import Field, NonNegativeInt, model_validator
from typing_extensions import override

from cnnkit.layers.advice import changing, tried
from cnnkit.layers.axis import Axis, axis_problem, place_of
from cnnkit.layers.base import Effect, broken, keeps_shape
from cnnkit.layers.field import AxisField, Count, Expects
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import cut
from cnnkit.layers.shape import Shape
from cnnkit.layers.shaping import Shaping
from cnnkit.layers.window import axis_names


class Sliced(Shaping):
    """What stays of an axis, from ``start`` up to, but not, ``stop``."""

    field_aliases: ClassVar = {"begin": "start", "end": "stop"}

    start: Annotated[NonNegativeInt, Expects("a whole number")] = Field(
        0, description="the first index that stays"
    )
    stop: Annotated[Count | None, Expects("a whole number above 0")] = Field(
        None, description="the first index that is left out again; none where it is left out"
    )

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set & {"start", "stop"}:
            raise ValueError(f"{self.kind} needs `start`, the first index, or `stop`, or both")
        if self.stop is not None and self.start >= self.stop:
            raise ValueError(f"`start` (={self.start}) must be below `stop` (={self.stop})")
        return self

    @property
    def sliced_axis(self) -> Axis:
        """The axis of which a part stays."""
        return "channels"

    @override
    def no_op(self, shape: Shape) -> str | None:
        return keeps_shape(self, shape)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := axis_problem(self.sliced_axis, shape):
            return broken(problem)
        place = place_of(self.sliced_axis, shape)
        extent = shape[place]
        stop = extent if self.stop is None else self.stop
        for field, value, highest in (("stop", stop, extent), ("start", self.start, extent - 1)):
            if value > highest:
                return broken(
                    Problem(
                        "shape-mismatch",
                        f"`{field}` (={value}) is beyond the {_extent(shape, place)} of the input",
                        partial(_within, self, shape, field, highest),
                        (field,),
                    )
                )
        output = (*shape[:place], stop - self.start, *shape[place + 1 :])
        if place == len(shape) - 1:
            return Effect(output)
        cells = [(0, 0)] * (len(shape) - 1)
        cells[place] = (self.start, extent - stop)
        windows = cut(shape[:-1], cells)
        if isinstance(windows, Problem):
            return broken(windows)
        return Effect(output, reach=tuple(window.reach for window in windows))


class Slice(Sliced):
    """An axis from ``start`` up to, but not, ``stop``, counted from 0; else to its end.

    ``{axis: 0, stop: 4}`` keeps the first 4 rows of a map, ``{axis: channels, start: 4}`` all
    channels but the first 4.
    """

    kind = "slice"
    example = ("8x8x16", "slice: {axis: 0, start: 2, stop: 6}")
    field_aliases: ClassVar = {**Sliced.field_aliases, "dim": "axis"}

    axis: AxisField = Field("channels", description="the channels, or a spatial axis by number")

    @property
    @override
    def sliced_axis(self) -> Axis:
        return self.axis


class ChannelSlice(Sliced):
    """The channels from ``start`` up to, but not, ``stop``, counted from 0; else to the last."""

    kind = "channel_slice"
    example = ("8x8x16", "channel_slice: {start: 4, stop: 12}")


def _extent(shape: Shape, place: int) -> str:
    """An extent in words: ``16 channels``, ``height of 8``."""
    rank = len(shape) - 1
    return (
        f"{shape[-1]} channels" if place == rank else f"{axis_names(rank)[place]} of {shape[place]}"
    )


def _within(layer: Sliced, shape: Shape, field: str, highest: int) -> str:
    """The highest value of a field, where the other one leaves it any."""
    place = place_of(layer.sliced_axis, shape)
    of_channels = place == len(shape) - 1
    if tried(layer, [shape], "shape-mismatch", **changing(field, highest)):
        counted = "channels count" if of_channels else "an axis counts"
        return f"`{field}` is at most {highest}; {counted} from 0"
    indices = f"{shape[-1]} channels" if of_channels else "indices"
    return f"the {indices} are 0 to {shape[place] - 1}: give `start` and `stop` among them"
