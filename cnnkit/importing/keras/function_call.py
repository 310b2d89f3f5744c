"""A call of a function of `keras.ops`, which works on tensors in their own axes, channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators import OPERATORS
from cnnkit.importing.operators.traced import TracedNode
from cnnkit.importing.operators.view import View, channels_last, first, last

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder


@dataclass(frozen=True)
class FunctionCall:
    """A call.

    Attributes:
        kind: The class that stands for the function: `Reshape`.
        config: What that was made with.
        args: What it is given by place, tensors as views.
        kwargs: What it is given by name.
        build: The graph that is built.
        scope: The names of the models that it is in, and its own.
    """

    kind: str
    config: Mapping[str, Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    build: Builder
    scope: str

    def given(self, place: int) -> Any:
        """What it reads, by place or, behind these, by name."""
        return [*self.args, *self.kwargs.values()][place]

    @property
    def view(self) -> View:
        """The tensor that it reads first.

        Raises:
            RefusedError: It is a constant.
        """
        value = self.given(0)
        if not isinstance(value, View):
            raise RefusedError("it reads a constant where a tensor of the network belongs")
        return value

    def operand(self, place: int) -> View | Array:
        """A tensor, or a number or array as one of NumPy."""
        import numpy as np

        value = self.given(place)
        return value if isinstance(value, View) else np.asarray(value, np.float64)

    @property
    def rank(self) -> int:
        """How many axes the tensor has, the batch among them."""
        return self.view.rank

    def axis(self, axis: int) -> int:
        """An axis counted from the front, the batch among them."""
        return axis + self.rank if axis < 0 else axis

    def node(self, operator: str, outputs: int = 1, **attributes: Any) -> TracedNode:
        """This call under another name."""
        return TracedNode(operator, self.scope, self.scope, attributes, outputs)

    def onnx(self, operator: str, *given: Any, **attributes: Any) -> Any:
        """What one of ONNX's operators gives, of tensors in their own order of axes."""
        return OPERATORS[operator](self.node(operator, **attributes), self.build, given)

    def channels_first(self, operator: str, *given: Any, **attributes: Any) -> View:
        """As ``onnx``, for an operator that wants the channels first; they are last again."""
        moved = [first(each) if isinstance(each, View) else each for each in given]
        return last(self.onnx(operator, *moved, **attributes))

    def elementwise(self, kind: str, fields: Mapping[str, Any] | None = None) -> View:
        """One of our layers that does the same with each element."""
        node = self.node(self.kind)
        view = self.build.flattened(node, self.view)
        return view.over(self.build.apply(node, kind, view.source, fields=dict(fields or {})))

    def layer(
        self,
        kind: str,
        fields: Mapping[str, Any] | None = None,
        weights: Mapping[str, Array] | None = None,
    ) -> View:
        """One of our layers, of the tensor with its channels last."""
        node = self.node(self.kind)
        source = plain(node, self.build, self.view)
        number = self.build.apply(
            node, kind, source, fields=dict(fields or {}), weights=dict(weights or {})
        )
        return channels_last(number, self.build.graph.shape(number))


def plain(node: TracedNode, build: Builder, view: View) -> int:
    """The operation whose tensor is what a view shows, channels last."""
    if view.axes == channels_last(view.source, view.shape).axes:
        return view.source
    if not view.axes:
        raise RefusedError("it reads a single number", "near is reduce, which keeps an axis")
    return build.tensor(node, first(view))
