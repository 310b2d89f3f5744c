"""Receptive field, effective stride, effective padding and centre, through branches.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill,
2019. Going forward, a window of size k, stride s and padding p before it makes of a field of
size r and stride j one of size r + (k − 1)·j and stride s·j, and adds p·j to the padding. The
centre of the first cell lies (r − 1)/2 − padding cells into the input. A field reaches beyond
the border of the input where windows do, as if the map went on there.

Three things are more than that. Behind an upsampling cells see unlike spans, and the size is that
of the largest. Where branches meet, a cell sees from the first cell that one of them sees to the
last. And what was pooled over a map is the same for all cells, which see it wherever they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, is_

from cnnkit.analysis.field import Field as Field
from cnnkit.analysis.field import joined, pooled, slid
from cnnkit.analysis.misalignment import Misaligned, misalignments
from cnnkit.layers.joining import Joined
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT, Graph, Node

_SIZE = attrgetter("size")

Fields = tuple[Field, ...] | None
"""A field for each spatial axis of the network's input; None where there is no telling."""


def first_fields(graph: Graph, source: int = INPUT) -> Fields:
    """The fields of an input of the network: each cell sees itself."""
    return (Field(1, 1, 0),) * (len(graph.shape(source) or ()) - 1)


def fields_of_inputs(
    graph: Graph,
) -> tuple[list[Fields], dict[str, list[Fields]], list[Misaligned]]:
    """The fields of each node's output in the first input that it sees, and in each input.

    The fields in each input are given where there are several. Branches are misaligned where they
    are so in one and the same input: where the cells of two lie to each other is not known.
    """
    first, misaligned = receptive_fields(graph)
    if len(graph.inputs) == 1:
        return first, {}, misaligned
    found = {}
    for number, name in enumerate(graph.inputs):
        found[name], more = receptive_fields(graph, INPUT - number)
        misaligned += more if number else []
    nodes = zip(*found.values(), strict=True)
    seen = [next((each for each in of if each is not None), None) for of in nodes]
    return seen, found, misaligned


def receptive_fields(graph: Graph, whole: int = INPUT) -> tuple[list[Fields], list[Misaligned]]:
    """The fields of each node's output in one input, and the joins where branches are misaligned.

    A node that does not see the input has none.
    """
    start = first_fields(graph, whole)
    extents = graph.shape(whole) or ()
    several = len(graph.inputs) > 1
    seeing = {whole}  # the nodes that the input reaches, of several inputs
    fields: list[Fields] = []
    misaligned: list[Misaligned] = []
    for index, node in enumerate(graph.nodes):
        if several:
            if seeing.isdisjoint(node.inputs):
                fields.append(None)
                continue
            seeing.add(index)
        if len(node.inputs) == 1:  # as almost all have
            source = node.inputs[0]
            field = start if source <= INPUT else fields[source]
            effect = node.effect
            if field is None or effect.output is None:
                fields.append(None)
            elif (
                effect.reach is None
                and not node.layer.sees_all
                and len(effect.output) > 1
                and len(effect.output) == len(graph.shape(source) or ())
            ):
                fields.append(field)  # cell by cell, as all activations are
            else:
                fields.append(_step_of(graph, node, field, extents))
            continue
        # Only a join reads all its inputs: a `crop: {to: …}` has the second for its extents.
        joins = node.layer.family == "composition"
        sources = node.inputs if joins else node.inputs[:1]
        if several:
            sources = tuple(source for source in sources if source in seeing)
        incoming = [start if source <= INPUT else fields[source] for source in sources]
        known = [field for field in incoming if field is not None]
        if len(known) < len(incoming) or node.output is None:
            fields.append(None)
        elif not joins:
            last = node.inputs[-1]
            context = fields[last] if last > INPUT else start if last == whole else None
            fields.append(_step_of(graph, node, known[0], extents, context) if known else None)
        else:
            # Factors that are spread lie beside no other cell.
            layer = node.layer
            join = layer if isinstance(layer, Joined) else None
            if join is not None and join.axis != "channels":
                known = _laid(graph, sources, known, len(node.slices) + join.axis)
            joint = None if join is not None and join.spreads else _alike(known)
            if joint is None:
                shapes = map(graph.shape, sources)
                known = [
                    _spread(field, shape, node.output)
                    for field, shape in zip(known, shapes, strict=True)
                ]
                misaligned += misalignments(index, known)
                joint = _join(known, node.output, extents)
            fields.append(joint)
    return fields, misaligned


def _laid(
    graph: Graph, sources: Sequence[int], known: list[tuple[Field, ...]], axis: int
) -> list[tuple[Field, ...]]:
    """The fields of maps laid end to end: along that axis a cell may be any of theirs."""
    found = []
    for source, fields in zip(sources, known, strict=True):
        shape = graph.shape(source) or ()
        seen = pooled(fields[axis], shape[axis]) if axis < len(fields) else None
        found.append(fields if seen is None else (*fields[:axis], seen, *fields[axis + 1 :]))
    return found


def _spread(fields: tuple[Field, ...], shape: Shape | None, output: Shape) -> tuple[Field, ...]:
    """The fields of factors that `multiply` spreads: one cell for many lies beside no other."""
    if shape is None or shape[:-1] == output[:-1] or len(shape) != len(output):
        return fields
    return tuple(
        pooled(field, 1) if extent < wide else field
        for field, extent, wide in zip(fields, shape, output, strict=False)
    )


def _alike(incoming: Sequence[tuple[Field, ...]]) -> tuple[Field, ...] | None:
    """The largest fields of branches whose windows are centred alike, as most are; else None."""
    found: list[Field] = []
    last: tuple[Field, ...] = ()
    for fields in zip(*incoming, strict=True):
        if last and all(map(is_, fields, last)):  # the axes of a map are mostly alike
            found.append(found[-1])
            continue
        largest = max(fields, key=_SIZE)
        doubled = largest.size - 2 * largest.padding
        for field in fields:
            if (
                field.stride != largest.stride
                or field.size - 2 * field.padding != doubled
                or not field.plain
            ):
                return None
        found.append(largest)
        last = fields
    return tuple(found)


def _join(incoming: Sequence[tuple[Field, ...]], output: Shape, whole: Shape) -> tuple[Field, ...]:
    """What each axis sees of all the branches."""
    found: list[Field] = []
    last: object = None
    for axis, fields in enumerate(zip(*incoming, strict=True)):
        # Of a vector there are no extents, and all of its fields are pooled.
        extent = output[axis] if axis < len(output) - 1 else 1
        step = (fields, extent, whole[axis])
        found.append(found[-1] if step == last else joined(*step))
        last = step
    return tuple(found)


def _step_of(
    graph: Graph, node: Node, fields: tuple[Field, ...], extents: Shape, context: Fields = ()
) -> Fields:
    """The fields behind a node; ``context`` are those of the last map, where it reads several.

    Inside an ``each`` the axes of its slices stay as they are.
    """
    shapes = [graph.shape(source) or () for source in (node.inputs[0], node.inputs[-1])]
    count = len(node.slices)
    if not count or node.inner is None:
        return _step(node, fields, shapes, extents, context)
    within = _step(
        node._replace(effect=node.inner),
        fields[count:],
        [shape[count:] for shape in shapes],
        extents[count:],
        context and context[count:],
    )
    return None if within is None else (*fields[:count], *within)


def _step(
    node: Node,
    fields: tuple[Field, ...],
    shapes: Sequence[Shape],
    extents: Shape,
    context: Fields,
) -> Fields:
    """The fields behind a node that reads maps of these shapes, the first and the last."""
    reaches, windows = node.effect.reach, node.effect.windows
    before, after = shapes[0], node.output or ()
    if node.layer.sees_all and context and context != fields:
        return _beside(fields, context, shapes[-1], after, extents)
    if not fields or (fields[0].pooled and all(field.pooled for field in fields)):
        return fields  # whatever becomes of the axes, each cell has seen all
    if node.layer.sees_all:
        return _beside(fields, fields, before, after, extents)
    if reaches is None:
        return fields if len(before) == len(after) else None
    gone = fields[len(reaches) :]  # axes that the map has no more
    if len(reaches) > len(fields) or not all(field.pooled for field in gone):
        return None
    # A vector has seen the whole map, and so has what a pool without a window leaves of an axis
    # as one cell. The axes of a new shape are other axes: each of its cells may be any of the old.
    seen = (
        len(after) == 1 or len(after) != len(before) or node.layer.kind in ("reshape", "transpose")
    )
    unslid = node.layer.family == "pooling" and not windows
    found: list[Field] = []
    for axis, (field, reach) in enumerate(zip(fields, reaches, strict=False)):
        extent = before[axis]
        if axis and _is_like_last(axis, fields, node, before):
            found.append(found[-1])
        elif seen or (unslid and after[axis] == 1):
            found.append(pooled(field, extent))
        else:
            dilation = windows[axis].dilation if windows else 1
            found.append(slid(field, reach, dilation, extent, after[axis]))
    return (*found, *gone)


def _beside(
    fields: tuple[Field, ...], seen: tuple[Field, ...], shape: Shape, output: Shape, whole: Shape
) -> tuple[Field, ...]:
    """A map beside what was pooled of one, of a shape, as behind a gate."""
    gate = tuple(pooled(field, extent) for field, extent in zip(seen, shape, strict=False))
    if len(gate) < len(seen):  # axes that the map has no more were pooled before
        gate = (*gate, *(pooled(field, 1) for field in seen[len(gate) :]))
    return _join([fields, gate], output, whole)


def _is_like_last(axis: int, fields: tuple[Field, ...], node: Node, before: Shape) -> bool:
    """Whether the same happens to an axis as to the one before it, as mostly."""
    field, last = fields[axis], fields[axis - 1]
    windows, reaches, after = node.effect.windows, node.effect.reach, node.output
    if windows and windows[axis] is windows[axis - 1]:
        return field is last or field == last
    if windows or reaches is None or after is None or len(after) != len(before):
        return False
    extents = before[axis] == before[axis - 1] and after[axis] == after[axis - 1]
    return extents and reaches[axis] == reaches[axis - 1] and field == last
