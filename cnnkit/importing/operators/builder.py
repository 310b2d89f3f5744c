"""What the operators build: our operations, from views of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import PLACEHOLDER, Operation, OperationGraph, RefusedError
from cnnkit.importing.operators.cells import Cells, cells_of
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import Atom, Axis, View, channels_first, channels_last
from cnnkit.importing.operators.windows import scalar
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

    Value = View | Array
    Given = Sequence[Value | None]
    Made = Value | Sequence[Value]
    Operator = Callable[[OperatorNode, "Builder", Given], Made]


_MOST_AXES = 4
"""The most axes of a tensor of ours."""


@dataclass
class Builder:
    """The graph that is built, and the batch that the model is read for.

    Attributes:
        graph: What is built.
        batch: How many examples the model takes.
        origins: What the model has the arrays as that are read now.
        summands: The origins of the constants that scores of attentions get.
    """

    graph: OperationGraph
    batch: int
    origins: frozenset[str] = frozenset()
    summands: set[frozenset[str]] = field(default_factory=set)

    def apply(
        self,
        node: OperatorNode,
        kind: str,
        *inputs: int,
        fields: dict[str, Any] | None = None,
        weights: dict[str, Array] | None = None,
    ) -> int:
        """An operation, and its number."""
        given = {name: value for name, value in (fields or {}).items() if value is not None}
        operation = Operation(kind, inputs, given, weights or {}, node.scope, node.label)
        operation.origins = self.origins if weights else frozenset()
        return self.graph.add(operation)

    def view(self, number: int) -> View:
        """An operation's tensor as models have it."""
        return channels_first(number, self.graph.shape(number))

    def made(
        self,
        node: OperatorNode,
        kind: str,
        *inputs: int,
        fields: dict[str, Any] | None = None,
        weights: dict[str, Array] | None = None,
    ) -> View:
        """The tensor of an operation, as models have it."""
        return self.view(self.apply(node, kind, *inputs, fields=fields, weights=weights))

    def tensor(self, node: OperatorNode, view: View) -> int:
        """The operation whose tensor is what a view shows, channels last.

        Raises:
            RefusedError: The batch is not its first axis, or no kind rearranges a tensor so.
        """
        if view.plain:
            return view.source
        if view.batch != 0:
            raise RefusedError(
                f"it reads {list(view.extents)}, whose first axis is not the batch",
                "export the model with the batch first",
            )
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
        return self._rearranged(node, view, (*view.axes[1:], *view.axes[:1]))

    def aligned(
        self, node: OperatorNode, view: View, last: int | None = None, *, ones: bool = False
    ) -> View:
        """The same elements as a tensor of ours each of whose axes is one of the model's.

        Args:
            node: The node that reads it.
            view: The tensor.
            last: Which of the axes behind the batch are to be the channels; else those that are.
            ones: Whether axes of one cell are kept where no axis is the batch.

        Raises:
            RefusedError: No kind rearranges a tensor so.
        """
        if not view.axes:
            return self.aligned(node, View(view.source, view.shape, ((),), view.batch))
        if last is None and view.batch == 0 and (groups := _shuffled(view)) is not None:
            return self.view(self._once(node, "channel_shuffle", view.source, {"groups": groups}))
        place = _channels_of(view) if last is None else last
        if (
            not ones and view.batch is None and () in view.axes[:place]
        ):  # of a batch of one, or like it
            return self._without_ones(node, view, place)
        order = [*(each for each in range(len(view.axes)) if each != place), place]
        number = self._rearranged(node, view, tuple(view.axes[each] for each in order))
        shape = self.graph.shape(number)
        whole = channels_last(number, shape).axes
        axes = tuple(whole[order.index(each)] for each in range(len(view.axes)))
        return View(number, shape, axes, view.batch)

    def _without_ones(self, node: OperatorNode, view: View, place: int) -> View:
        """As ``aligned``, but axes of one cell are none of ours."""
        kept = [at for at, axis in enumerate(view.axes) if axis or at == place]
        axes = tuple(view.axes[at] for at in kept)
        made = self.aligned(node, View(view.source, view.shape, axes), kept.index(place))
        listed = iter(made.axes)
        whole = tuple(next(listed) if at in kept else () for at in range(len(view.axes)))
        return View(made.source, made.shape, whole, None)

    def _rearranged(self, node: OperatorNode, view: View, wanted: Sequence[Axis]) -> int:
        """The operation whose axes are these, by a reshape, a transpose and a reshape."""
        if len(wanted) > _MOST_AXES:
            raise RefusedError(f"it reads {len(wanted)} axes behind the batch", "ours are up to 4")
        if cells := cells_of(view.shape, wanted):
            return self._celled(node, view.source, cells)
        shape = tuple(math.prod(atom.size for atom in axis) for axis in wanted)
        atoms = [atom for axis in wanted for atom in axis]
        whole = {axis[0] for axis in channels_last(0, view.shape).axes if axis}
        runs = (
            [(atom,) for atom in atoms]
            if len(whole) == len(view.shape) == len(whole.intersection(atoms))
            else _runs(atoms)
        )
        ours = sorted(runs, key=lambda run: (run[0].axis, -run[0].stride))
        if len(ours) > _MOST_AXES:
            raise RefusedError(
                f"it reads a tensor of {list(view.extents)} whose axes were rearranged from those "
                f"of {list(channels_first(0, view.shape).extents)}: `import` does not read this "
                "order",
                "near are flatten, transpose, channel_shuffle, depth_to_space and space_to_depth",
            )
        sizes = tuple(math.prod(atom.size for atom in run) for run in ours)
        number = view.source
        if ours != runs:
            number = self._reshaped(node, number, sizes)
            places = [ours.index(run) for run in runs]
            axes: list[int | str] = [at if at < len(ours) - 1 else "channels" for at in places]
            if axes[-1] == "channels":
                axes.pop()
            number = self.apply(node, "transpose", number, fields={"axes": axes})
        return self._reshaped(node, number, shape)

    def _celled(self, node: OperatorNode, number: int, cells: Cells) -> int:
        if cells.groups > 1:
            number = self.apply(node, "channel_shuffle", number, fields={"groups": cells.groups})
        return self.apply(node, cells.kind, number, fields={"block": scalar(cells.block)})

    def _reshaped(self, node: OperatorNode, number: int, shape: Shape) -> int:
        old = self.graph.shape(number)
        if old == shape:
            return number
        if len(old) > 2 and shape == (math.prod(old[:-1]), old[-1]):
            return self.apply(node, "flatten", number, fields={"keep_channels": True})
        if len(shape) == 1:
            return self.apply(node, "flatten", number)
        return self.apply(node, "reshape", number, fields={"shape": list(shape)})

    def sliced(self, node: OperatorNode, view: View, place: int, start: int, stop: int) -> View:
        """A part of one of a view's axes behind the batch."""
        extent = view.extents[place]
        if (start, stop) == (0, extent):
            return view
        if not 0 <= start < stop <= extent:
            raise RefusedError(f"it takes {start} to {stop} of {extent}: nothing is left")
        axis = view.axes[place]
        if len(axis) != 1 or axis[0].stride * axis[0].size != view.shape[axis[0].axis]:
            view = self.aligned(node, view)
            axis = view.axes[place]
        (atom,) = axis
        last = atom.axis == len(view.shape) - 1
        fields: dict[str, Any] = {"axis": "channels" if last else atom.axis}
        if start:
            fields["start"] = start * atom.stride
        if stop < extent:
            fields["stop"] = stop * atom.stride
        number = self.apply(node, "slice", view.source, fields=fields)
        kept = (Atom(atom.axis, atom.stride, stop - start),) if stop - start > 1 else ()
        axes = (*view.axes[:place], kept, *view.axes[place + 1 :])
        return View(number, self.graph.shape(number), axes, view.batch)

    def _once(self, node: OperatorNode, kind: str, source: int, fields: dict[str, Any]) -> int:
        """An operation without weights, or the one that there is of the same tensor."""
        for number in self.graph.readers(source):
            operation = self.graph.operations[number]
            if (operation.kind, operation.inputs, operation.fields) == (kind, (source,), fields):
                return number
        return self.apply(node, kind, source, fields=fields)

    def vector(self, node: OperatorNode, view: View) -> tuple[int, Array | None]:
        """The operation that gives a view of one axis, and, where ours is another, the order."""
        number = view.source if len(view.shape) == 1 else self.apply(node, "flatten", view.source)
        order = view.order()
        return number, None if (order[1:] > order[:-1]).all() else order

    def flattened(self, node: OperatorNode, view: View) -> View:
        """A view of one axis as one of a vector, so that what follows stands behind the flatten."""
        if len(view.axes) != 1 or len(view.shape) == 1:
            return view
        inner = [math.prod(view.shape[axis + 1 :]) for axis in range(len(view.shape))]
        atoms = tuple(Atom(0, atom.stride * inner[atom.axis], atom.size) for atom in view.axes[0])
        return View(self.vector(node, view)[0], (math.prod(view.shape),), (atoms,))

    def placeholder(self, node: OperatorNode, view: View, shape: Shape | None = None) -> View:
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

    def output(self, node: OperatorNode, view: View) -> tuple[int, View]:
        """What goes out, in our order, and how the model shows it.

        Raises:
            RefusedError: No kind rearranges a tensor so.
        """
        if len(view.axes) == 1 and len(view.shape) > 1:
            return self.vector(node, view)[0], view
        if view.batch is None:
            view = replace(view, batch=0)
        whole = channels_first(view.source, view.shape).axes
        if sorted(filter(None, view.axes)) == sorted(filter(None, whole)):
            return view.source, view
        if _shuffled(view) is not None:
            made = self.view(self.tensor(node, view))
        else:
            made = self.aligned(node, view)
        return made.source, made

    def channels(self, node: OperatorNode, value: Value | None) -> int:
        """As ``tensor``, of what must be one.

        Raises:
            RefusedError: It is a constant, or nothing.
        """
        if not isinstance(value, View):
            raise RefusedError("it reads a constant where a tensor of the network belongs")
        return self.tensor(node, value)


def _channels_of(view: View) -> int:
    """Which of a view's axes are best the channels: those that have all of them, or the last."""
    if view.channel_axis is not None:
        return view.channel_axis
    channels = len(view.shape) - 1
    for place in (len(view.axes) - 1, 0):
        others = [axis for at, axis in enumerate(view.axes) if at != place]
        if cells_of(view.shape, [*others, view.axes[place]]):
            return place
    for place, axis in enumerate(view.axes):
        if axis and (axis[-1].axis, axis[-1].stride) == (channels, 1):
            return place
    return 0


def _runs(atoms: Sequence[Atom]) -> list[tuple[Atom, ...]]:
    """Atoms in parts, each of which follow one another in our tensor, too."""
    ours = sorted(atoms, key=lambda atom: (atom.axis, -atom.stride))
    runs: list[tuple[Atom, ...]] = []
    for atom in atoms:
        before = ours.index(atom) - 1
        if runs and before >= 0 and runs[-1][-1] == ours[before]:
            runs[-1] = (*runs[-1], atom)
        else:
            runs.append((atom,))
    return runs


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
