"""A tensor cut into parts that have names."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, Strict, model_validator
from typing_extensions import override

from cnnkit.layers.axis import axis_problem, place_of
from cnnkit.layers.base import Tensor, Trace
from cnnkit.layers.composition import Composite
from cnnkit.layers.field import AxisField, Count, Expects, SavedName
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.layers.slicing import Slice
from cnnkit.layers.window import axis_names

Parts = Annotated[
    Annotated[dict[SavedName, Count], Field(min_length=2)]
    | Annotated[tuple[SavedName, ...], Strict(False), Field(min_length=2)],
    Expects("a list of at least two names, or `name: extent` for each"),
]


class Split(Composite):
    """Cuts an axis into parts that have names, and goes on with the first.

    ``{into: [left, right]}`` cuts the channels in half, ``{into: {left: 16, right: 48}}`` says how
    many each part has. Like a tensor that is saved, each part is reached by ``load`` and ``merge``.
    """

    kind = "split"
    example = (
        "8x8x16",
        "split: {into: [passed, left]}",
        "load: left",
        "conv: {filters: 8, kernel: 3, padding: same, activation: relu}",
        "merge: {with: passed}",
    )

    into: Parts = Field(description="the names of the parts, or each with its extent")
    axis: AxisField = Field("channels", description="the channels, or a spatial axis by number")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [*self.into]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two parts are named `{twice}`: give each its own name")
        return self

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        if x.shape is None:
            return x
        extents = self._extents(x.shape)
        if isinstance(extents, Problem):
            graph.problem(extents)
            return Tensor(x.node, None)
        parts, start = [], 0
        for number, (name, extent) in enumerate(zip(self.into, extents, strict=True)):
            part = Slice(axis=self.axis, start=start, stop=start + extent)
            parts.append(graph.add(part, x, label=str(number)))
            graph.save(name, parts[-1])
            start += extent
        return parts[0]

    def _extents(self, shape: Shape) -> list[int] | Problem:
        """The extent of each part, or why there are none."""
        if problem := axis_problem(self.axis, shape):
            return problem
        place, count = place_of(self.axis, shape), len(self.into)
        whole = shape[place]
        rank = len(shape) - 1
        what = f"{whole} channels" if place == rank else f"{axis_names(rank)[place]} of {whole}"
        if isinstance(self.into, dict):
            given = [*self.into.values()]
            if sum(given) == whole:
                return given
            return Problem(
                "shape-mismatch",
                f"the parts are {' + '.join(map(str, given))} = {sum(given)} together, the input "
                f"has {'' if place == rank else 'a '}{what}",
                f"give parts of {whole} together, or a list of names for equal ones",
                ("into",),
            )
        if whole % count == 0:
            return [whole // count] * count
        return Problem(
            "shape-mismatch",
            f"the {what} cannot be cut into {count} equal parts",
            "say how many each part has: `into: {name: extent, …}`",
            ("into",),
        )
