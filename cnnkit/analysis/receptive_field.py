"""Receptive field, effective stride, effective padding and centre, through branches.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill,
2019. Going forward, a window of size k, stride s and padding p before it makes of a field of
size r and stride j one of size r + (k − 1)·j and stride s·j, and adds p·j to the padding. The
centre of the first cell lies (r − 1)/2 − padding cells into the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnkit.layers.base import Shape
from cnnkit.layers.window import Reach, axis_names
from cnnkit.spec.graph import INPUT, Graph, Node

Number = int | Fraction


class Field(NamedTuple):
    """One axis of a tensor, as seen from the network's input; all in input cells.

    Attributes:
        size: How many input cells one cell can see.
        stride: How far the fields of two neighbouring cells are apart.
        padding: How far the first cell's field reaches in front of the input.
        pooled: Whether one cell sees the whole map, by a global pool or a dense layer.
    """

    size: Number
    stride: Number
    padding: Number
    pooled: bool = False

    @property
    def centre(self) -> Number:
        """The middle of the first cell's field, counted from the first input cell."""
        doubled = self.size - 1 - 2 * self.padding
        if type(doubled) is int and not doubled % 2:
            return doubled // 2
        return whole(Fraction(doubled, 2))


class Misaligned(NamedTuple):
    """Branches that meet at a node with other strides or centres; along one axis."""

    node: int
    axis: str
    first: Field
    other: Field


Fields = tuple[Field, ...] | None
"""A field for each spatial axis of the network's input; None where there is no telling."""


def whole(value: Number) -> Number:
    """A fraction that is whole as an ``int``."""
    if type(value) is int or value.denominator != 1:
        return value
    return value.numerator


def first_fields(graph: Graph) -> Fields:
    """The fields of the network's input: each cell sees itself."""
    return (Field(1, 1, 0),) * (len(graph.input) - 1)


def receptive_fields(graph: Graph) -> tuple[list[Fields], list[Misaligned]]:
    """The fields of each node's output, and the joins at which branches are misaligned."""
    start = first_fields(graph)
    fields: list[Fields] = []
    misaligned: list[Misaligned] = []
    for index, node in enumerate(graph.nodes):
        if len(node.inputs) == 1:  # as almost all have
            source = node.inputs[0]
            field = start if source == INPUT else fields[source]
            effect = node.effect
            if field is None or effect.output is None:
                fields.append(None)
            elif (
                effect.reach is None
                and len(effect.output) > 1
                and len(effect.output) == len(graph.shape(source) or ())
            ):
                fields.append(field)  # cell by cell, as all activations are
            else:
                fields.append(_step(graph, node, field))
            continue
        # Only a join reads all its inputs: a `crop: {to: …}` has the second for its extents.
        sources = node.inputs if node.layer.family == "composition" else node.inputs[:1]
        incoming = [start if source == INPUT else fields[source] for source in sources]
        known = [field for field in incoming if field is not None]
        if len(known) < len(incoming) or node.output is None:
            fields.append(None)
            continue
        if len(known) > 1:
            shapes = map(graph.shape, sources)
            known = [
                _spread(field, shape, node.output)
                for field, shape in zip(known, shapes, strict=True)
            ]
        joined = known[0] if len(known) == 1 else _join(index, known, misaligned)
        fields.append(_step(graph, node, joined))
    return fields, misaligned


def _spread(fields: tuple[Field, ...], shape: Shape | None, output: Shape) -> tuple[Field, ...]:
    """The fields of factors that `multiply` spreads: one cell for many lies beside no other."""
    if shape is None or len(shape) != len(output):
        return fields
    return tuple(
        field._replace(pooled=True) if extent == 1 < wide else field
        for field, extent, wide in zip(fields, shape, output, strict=False)
    )


def _join(
    index: int, incoming: Sequence[tuple[Field, ...]], misaligned: list[Misaligned]
) -> tuple[Field, ...]:
    """The largest of the branches, axis by axis; branches that are pooled see everything."""
    joined = []
    for axis, fields in enumerate(zip(*incoming, strict=True)):
        mapped = [field for field in fields if not field.pooled]
        largest = max(mapped or fields, key=lambda field: field.size)
        for field in mapped:
            if (field.stride, field.centre) != (largest.stride, largest.centre):
                name = axis_names(len(incoming[0]))[axis]
                misaligned.append(Misaligned(index, name, largest, field))
                break
        joined.append(largest)
    return tuple(joined)


def _step(graph: Graph, node: Node, fields: tuple[Field, ...]) -> Fields:
    reaches = node.effect.reach
    if reaches is None:
        return _keep(graph, node, fields)
    if len(reaches) != len(fields):
        return None
    output = node.output or ()
    # A global or adaptive pool, which has no window, may leave one cell that has read the axis.
    unslid = node.layer.family == "pooling" and not node.effect.windows
    found: list[Field] = []
    last = None
    for axis, (field, reach) in enumerate(zip(fields, reaches, strict=True)):
        pooled = len(output) == 1 or (unslid and output[axis] == 1)
        step = (field, reach, pooled)
        # The axes of a map are mostly alike.
        found.append(found[-1] if step == last else _slide(field, reach, pooled=pooled))
        last = step
    return tuple(found)


def _slide(field: Field, reach: Reach, *, pooled: bool) -> Field:
    return Field(
        whole(field.size + (reach.size - 1) * field.stride),
        whole(field.stride * reach.stride),
        whole(field.padding + reach.before * field.stride),
        field.pooled or pooled,
    )


def _keep(graph: Graph, node: Node, fields: tuple[Field, ...]) -> Fields:
    """Cell by cell the field stays; a flattened map is seen as a whole by what follows."""
    before = graph.shape(node.inputs[0])
    after = node.output
    if before is None or after is None or len(before) == len(after):
        return fields
    if len(after) == 1:
        return tuple(
            _slide(field, Reach(extent, 1, 0), pooled=True)
            for field, extent in zip(fields, before[:-1], strict=False)
        )
    return None  # a reshape to another rank mixes the axes
