"""What the operators build: our operations, from views of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import PLACEHOLDER, Graph, Operation, RefusedError
from cnnkit.importing.operators.node import Node
from cnnkit.importing.operators.view import Atom, View, channels_first
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

    Value = View | Array
    Given = Sequence[Value | None]
    Made = Value | Sequence[Value]
    Operator = Callable[[Node, "Builder", Given], Made]


@dataclass
class Builder:
    """The graph that is built, and the batch that the model is read for."""

    graph: Graph
    batch: int

    def apply(
        self,
        node: Node,
        kind: str,
        *inputs: int,
        fields: dict[str, Any] | None = None,
        weights: dict[str, Array] | None = None,
    ) -> int:
        """An operation, and its number."""
        given = {name: value for name, value in (fields or {}).items() if value is not None}
        operation = Operation(kind, inputs, given, weights or {}, node.scope, node.label)
        return self.graph.add(operation)

    def view(self, number: int) -> View:
        """An operation's tensor as models have it."""
        return channels_first(number, self.graph.shape(number))

    def made(
        self,
        node: Node,
        kind: str,
        *inputs: int,
        fields: dict[str, Any] | None = None,
        weights: dict[str, Array] | None = None,
    ) -> View:
        """The tensor of an operation, as models have it."""
        return self.view(self.apply(node, kind, *inputs, fields=fields, weights=weights))

    def tensor(self, node: Node, view: View) -> int:
        """The operation whose tensor is what a view shows, channels last.

        Raises:
            RefusedError: No kind rearranges a tensor so.
        """
        if view.plain:
            return view.source
        if len(view.axes) == 1:
            number, order = self.vector(node, view)
            if order is None:
                return number
        elif (groups := _shuffled(view)) is not None:
            return self._once(node, "channel_shuffle", view.source, {"groups": groups})
        elif len(view.shape) == 1 and view.axes[0] == channels_first(0, view.shape).axes[0]:
            shape = [*view.extents[1:], view.extents[0]]
            return self.apply(node, "reshape", view.source, fields={"shape": shape})
        elif view.extents[1:] == (1,) * (len(view.extents) - 1):
            number = self.tensor(node, View(view.source, view.shape, view.axes[:1]))
            shape = [*view.extents[1:], view.extents[0]]
            return self.apply(node, "reshape", number, fields={"shape": shape})
        raise RefusedError(
            f"it reads a tensor of {list(view.extents)} whose axes were rearranged from those of "
            f"{list(channels_first(0, view.shape).extents)}: `import` does not read this order",
            "near are flatten, transpose, channel_shuffle, depth_to_space and space_to_depth",
        )

    def _once(self, node: Node, kind: str, source: int, fields: dict[str, Any]) -> int:
        """An operation without weights, or the one that there is of the same tensor."""
        for number, operation in self.graph.operations.items():
            if (operation.kind, operation.inputs, operation.fields) == (kind, (source,), fields):
                return number
        return self.apply(node, kind, source, fields=fields)

    def vector(self, node: Node, view: View) -> tuple[int, Array | None]:
        """The operation that gives a view of one axis, and, where ours is another, the order."""
        number = view.source if len(view.shape) == 1 else self.apply(node, "flatten", view.source)
        order = view.order()
        return number, None if (order[1:] > order[:-1]).all() else order

    def flattened(self, node: Node, view: View) -> View:
        """A view of one axis as one of a vector, so that what follows stands behind the flatten."""
        if len(view.axes) != 1 or len(view.shape) == 1:
            return view
        inner = [math.prod(view.shape[axis + 1 :]) for axis in range(len(view.shape))]
        atoms = tuple(Atom(0, atom.stride * inner[atom.axis], atom.size) for atom in view.axes[0])
        return View(self.vector(node, view)[0], (math.prod(view.shape),), (atoms,))

    def placeholder(self, node: Node, view: View, shape: Shape | None = None) -> View:
        """What stands for a node that no kind says.

        Args:
            node: The node.
            view: The first tensor that it reads.
            shape: Of what it gives, where that is known; else the tensor's.
        """
        fields = {"operator": node.operator, "node": node.label}
        operation = Operation(PLACEHOLDER, (view.source,), fields, {}, node.scope, node.label)
        operation.shape = shape or ()
        return self.view(self.graph.add(operation))

    def output(self, node: Node, view: View) -> tuple[int, View]:
        """What goes out, in our order, and how the model shows it.

        Raises:
            RefusedError: No kind rearranges a tensor so.
        """
        if len(view.axes) == 1 and len(view.shape) > 1:
            return self.vector(node, view)[0], view
        if sorted(view.axes) == sorted(channels_first(view.source, view.shape).axes):
            return view.source, view
        made = self.view(self.tensor(node, view))
        return made.source, made

    def channels(self, node: Node, value: Value | None) -> int:
        """As ``tensor``, of what must be one.

        Raises:
            RefusedError: It is a constant, or nothing.
        """
        if not isinstance(value, View):
            raise RefusedError("it reads a constant where a tensor of the network belongs")
        return self.tensor(node, value)


def _shuffled(view: View) -> int | None:
    """The groups of a channel shuffle, where a view is one."""
    usual = channels_first(0, view.shape).axes
    if len(view.axes) != len(usual) or view.axes[1:] != usual[1:] or len(view.axes[0]) != 2:
        return None
    inner, outer = view.axes[0]
    channels = view.shape[-1]
    whole = inner.stride == 1 and outer.stride == inner.size
    return outer.size if whole and inner.size * outer.size == channels else None


def constant(value: Value | None, what: str) -> Array:
    """What must be known before the network runs.

    Raises:
        RefusedError: It depends on the input.
    """
    if value is None or isinstance(value, View):
        raise RefusedError(f"its {what} is no constant")
    return value


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    return axis + rank if axis < 0 else axis


def spatial(shape: Shape) -> Shape:
    """The extents of a map, without its channels."""
    return shape[:-1]
