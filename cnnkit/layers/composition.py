"""Composite layers: they wire other layers together, as functions of tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    NonNegativeInt,
    Strict,
    model_validator,
)
from typing_extensions import override

from cnnkit.layers.activation import Relu, Sigmoid
from cnnkit.layers.base import Layer, Tensor, Trace, numbered
from cnnkit.layers.dense import Dense
from cnnkit.layers.field import AxisField, Count, Expects, Flag, Number, SavedName
from cnnkit.layers.joining import Join, Joined
from cnnkit.layers.learner import Learner
from cnnkit.layers.pooling import GlobalMeanPool
from cnnkit.layers.shape import Shape
from cnnkit.layers.weighted import ActivationField

Layers = Annotated[
    tuple[InstanceOf[Layer], ...], Strict(False), Expects("a list of layers, each on a line `- …`")
]
Shortcut = Annotated[
    Layers,
    BeforeValidator(lambda value: () if value == "identity" else value),
    Expects("`identity` or a list of layers"),
]
Branches = Annotated[
    dict[str, Layers],
    Expects(
        "a list of branches or `name: branch` for each, a branch being a list of layers or "
        "`{when: …, layers: […]}`"
    ),
]
JoinField = Annotated[
    Join,
    Expects("`concat`, `add`, `subtract`, `multiply`, `divide`, `mean`, `maximum` or `minimum`"),
]


def _check_axis(by: Join, axis: str | int) -> None:
    """Refuses an axis where nothing is concatenated."""
    if axis != "channels" and by != "concat":
        raise ValueError(f"`axis` (={axis}) says what `concat` joins along; `{by}` has none")


class Composite(Layer):
    """A layer made of layers."""

    family = "composition"


class Residual(Composite):
    """layers(x) + shortcut(x), then the activation (He et al., 2015)."""

    kind = "residual"
    example = (
        "8x8x16",
        "residual: {layers: [{conv: {filters: 16, kernel: 3, padding: same}}], activation: relu}",
    )
    activation_fields = ("activation",)
    sequence_fields = ("layers", "shortcut")

    layers: Layers = Field(description="the layers of the main branch")
    shortcut: Shortcut = Field((), description="the layers beside them; the identity if empty")
    activation: ActivationField = Field(None, description="an activation of the sum")

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        body = graph.sequence("layers", self.layers, x)
        shortcut = graph.sequence("shortcut", self.shortcut, x)
        y = graph.add(
            Joined(by="add", labels=("`layers`", "`shortcut`")), body, shortcut, label="add"
        )
        return y if self.activation is None else graph.add(self.activation, y, label="activation")


class Parallel(Composite):
    """Branches that all read the same input, joined at the end.

    A branch ``{when: …, layers: […]}`` is left out where its condition is false. One branch that
    is left needs no join, and where none is the layer is the identity.
    """

    kind = "parallel"
    example = (
        "8x8x16",
        (
            "parallel: {branches: {point: [{conv: {filters: 8, kernel: 1}}], "
            "wide: [{conv: {filters: 8, kernel: 3, padding: same}}]}}"
        ),
    )

    branches: Branches = Field(description="the branches; an empty list is the identity")
    merge: JoinField = Field("concat", description="how the branches are joined")
    axis: AxisField = Field("channels", description="the axis that `concat` joins along")

    @model_validator(mode="after")
    def _axis_of_concat(self) -> Self:
        _check_axis(self.merge, self.axis)
        return self

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.branches else "it has no branches"

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        ends = [
            graph.sequence(f"branches.{name}", layers, x) for name, layers in self.branches.items()
        ]
        if len(ends) < 2:
            return ends[0] if ends else x
        labels = tuple(f"branch {name}" for name in self.branches)
        join = Joined(by=self.merge, labels=labels, axis=self.axis)
        return graph.add(join, *ends, label=self.merge)


class Repeat(Composite):
    """Its layers, ``times`` times one after the other; each copy has weights of its own."""

    kind = "repeat"
    example = (
        "8x8x16",
        "repeat: {times: 2, layers: [{conv: {filters: 16, kernel: 3}}, relu]}",
    )
    sequence_fields = ("layers",)

    times: Annotated[NonNegativeInt, Expects("a whole number")] = Field(description="the copies")
    layers: Layers = Field(description="the layers of one copy; `$index` is the copy's number")
    # The copies, where they differ because their fields depend on `$index`.
    copies: Annotated[tuple[Layers, ...] | None, Field(exclude=True)] = None

    @property
    def bodies(self) -> Iterable[tuple[Layer, ...]]:
        """The layers of each copy."""
        if self.copies is not None:
            return self.copies
        return (self.layers for _ in range(self.times))

    @override
    def no_op(self, shape: Shape) -> str | None:
        if not self.times:
            return "it repeats its layers 0 times"
        return None if any(self.copies or (self.layers,)) else "it has no layers to repeat"

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        # Where there is one layer, its name or kind says more than the number 0.
        single = all(len(body) == 1 for body in self.copies or (self.layers,))
        for index, body in enumerate(self.bodies):
            graph.copy()
            for place, layer in numbered(body):
                label = layer.name or layer.title
                if not single:
                    label = f"layers.{layer.segment(place)}"
                x = graph.layer(layer, x, f"{label}[{index}]")
        return x


class SqueezeExcite(Composite, Learner):
    """Channels reweighted by a small network of their means (Hu et al., 2017)."""

    kind = "squeeze_excite"
    activation_fields = ("activation", "gate")

    ratio: Annotated[float, Field(gt=0), Expects("a number above 0")] = Field(
        0.25, description="units of the middle, as a part of the incoming channels"
    )
    units: Annotated[Count | None, Expects("a whole number above 0")] = Field(
        None, description="units of the middle, instead of the ratio"
    )
    activation: ActivationField = Field(Relu(), description="the activation in the middle")
    gate: ActivationField = Field(Sigmoid(), description="what turns the outcome into factors")
    bias: Flag = Field(True, description="biases in both dense layers")

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        if x.shape is None:
            return x
        channels = x.shape[-1]
        # The fraction that the float stands for: of 24 channels, 0.25/6 are 1.
        ratio = Fraction(self.ratio).limit_denominator(10**6)
        units = self.units or max(1, math.floor(channels * ratio))
        y = graph.add(GlobalMeanPool(), x, label="squeeze")
        y = graph.add(Dense(units=units, bias=self.bias, learnt=self.learnt), y, label="reduce")
        if self.activation:
            y = graph.add(self.activation, y, label="activation")
        y = graph.add(Dense(units=channels, bias=self.bias, learnt=self.learnt), y, label="expand")
        if self.gate:
            y = graph.add(self.gate, y, label="gate")
        return graph.add(
            Joined(by="multiply", labels=("the map", "its factors")), x, y, label="multiply"
        )


class Save(Composite):
    """Remembers the tensor here under a name, for a `merge`, `load`, `crop` or `upsample`."""

    kind = "save"
    example = (
        "8x8x16",
        "save: skip",
        "conv: {filters: 16, kernel: 3, padding: same}",
        "merge: {with: skip, by: add}",
    )
    scalar_field = "tensor"

    tensor: SavedName = Field(description="the name")

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        graph.save(self.tensor, x)
        return x


class Load(Composite):
    """Goes on from a remembered tensor."""

    kind = "load"
    example = (
        "8x8x16",
        "save: trunk",
        "conv: {filters: 4, kernel: 1}",
        "save: branch",
        "load: trunk",
        "merge: {with: branch}",
    )
    scalar_field = "tensor"

    tensor: SavedName = Field(description="the name it was saved under")

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        return graph.saved(self.tensor, ("tensor",)) or Tensor(x.node, None)


class Merge(Composite):
    """Joins remembered tensors to the current one; `concat` puts the current one first."""

    model_config = ConfigDict(populate_by_name=True)  # Python cannot say `Merge(with=…)`

    kind = "merge"
    example = (
        "8x8x16",
        "save: skip",
        "conv: {filters: 8, kernel: 3, padding: same}",
        "merge: {with: skip}",
    )

    others: Annotated[
        SavedName | Annotated[tuple[SavedName, ...], Strict(False), Field(min_length=1)],
        Expects("the name of a saved tensor, or a list of names"),
    ] = Field(alias="with", description="the names of the tensors that are joined")
    by: JoinField = Field("concat", description="how they are joined")
    axis: AxisField = Field("channels", description="the axis that `concat` joins along")

    @model_validator(mode="after")
    def _axis_of_concat(self) -> Self:
        _check_axis(self.by, self.axis)
        return self

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        names = (self.others,) if isinstance(self.others, str) else self.others
        listed = not isinstance(self.others, str)
        others = [
            graph.saved(name, ("with", index) if listed else ("with",))
            for index, name in enumerate(names)
        ]
        known = [tensor for tensor in others if tensor is not None]
        if len(known) < len(others):
            return Tensor(x.node, None)
        labels = ("the current tensor", *(f"`{name}`" for name in names))
        return graph.add(Joined(by=self.by, labels=labels, axis=self.axis), x, *known)


class Head(Composite):
    """A side output, such as an auxiliary classifier: used in training only.

    With ``output: boxes`` it belongs to the result, as the heads of a detector do: what its layers
    give is an output of that name, at inference, too. The main path goes on unchanged, and MACs are
    given with and without heads, both kinds.
    """

    kind = "head"
    example = (
        "8x8x16",
        "head: {layers: [global_mean_pool, {dense: {units: 10}}]}",
        "conv: {filters: 32, kernel: 3}",
    )
    sequence_fields = ("layers",)

    layers: Layers = Field(description="the layers of the side output")
    loss_weight: Number = Field(0.3, description="the factor of a side output's loss")
    output: Annotated[
        Annotated[str, Field(min_length=1)] | None, Expects("a name for the output")
    ] = Field(None, description="the name of the output, where it belongs to the result")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.output is not None and "loss_weight" in self.model_fields_set:
            raise ValueError(
                f"`loss_weight` is of a side output: the output `{self.output}` has its loss in "
                "the recipe"
            )
        return self

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        if self.output is None:
            graph.side(self.layers, x, self.loss_weight)
        else:
            graph.head(self.layers, x, self.output)
        return x
