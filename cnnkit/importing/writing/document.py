"""The whole text of a spec."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from cnnkit.importing.layer import WrittenLayer, as_data, walk
from cnnkit.importing.writing.blocks import Blocks, Data, kind_of
from cnnkit.importing.writing.defaults import lift_defaults
from cnnkit.importing.writing.names import Names, says_nothing
from cnnkit.importing.writing.repetition import fold, folded
from cnnkit.importing.writing.sharing import groups_as_blocks, scopes_of
from cnnkit.importing.writing.text import block_lines, flow, layer_lines
from cnnkit.importing.writing.uses import blocks_as_they_were
from cnnkit.layers.shape import Shape, show


def written(
    name: str,
    origin: str,
    shape: Shape | Mapping[str, Shape],
    layers: Sequence[WrittenLayer],
    *,
    floors: bool,
    outlined: bool = False,
) -> str:
    """The spec of a network.

    Args:
        name: What it is called.
        origin: Where it comes from, and by what.
        shape: The shape of one example, of several inputs by their names.
        layers: Its layers.
        floors: Whether sizes are floored.
        outlined: Whether blocks, repeats and names are those that the layers have.
    """
    data = copy.deepcopy(as_data(layers))
    if outlined:
        named, blocks = blocks_as_they_were(data)
        groups_as_blocks(named, blocks)
    else:
        blocks = Blocks()
        data = blocks.find(data)
        groups_as_blocks(data, blocks)
        for body in blocks.bodies.values():
            body["layers"] = fold(body["layers"])
        named = _named(data, layers, blocks)
    defaults = lift_defaults([*(body["layers"] for body in blocks.bodies.values()), named])
    lines = [
        f"# Imported from {origin}.",
        f"name: {flow(name)}",
        _input(shape),
    ]
    if floors:
        lines.append("rounding: floor # as in the model: a row or a column may be left over")
    if defaults:
        lines.append(f"defaults: {flow(defaults)}" if len(flow(defaults)) < 88 else "defaults:")
        if lines[-1] == "defaults:":
            lines += [f"  {kind}: {flow(fields)}" for kind, fields in defaults.items()]
    if blocks.bodies:
        lines.append("blocks:")
        for block, body in blocks.bodies.items():
            lines += block_lines(block, body)
    return "\n".join([*lines, "layers:", *layer_lines(named, "  ")]) + "\n"


def _input(shape: Shape | Mapping[str, Shape]) -> str:
    """The line of the input, or of several."""
    if isinstance(shape, Mapping):
        return f"inputs: {flow({name: show(each) for name, each in shape.items()})}"
    return f"input: {show(shape)}"


def _named(data: list[Data], layers: Sequence[WrittenLayer], blocks: Blocks) -> list[Data]:
    """The layers folded, and named after what they stand for in the tree."""
    scopes = [[inner.scope for inner in layer.walk() if inner.arrays] for layer in layers]
    names = Names(scopes_of(layers))
    names.given.update(layer.name for layer in walk(layers) if layer.name)
    made: list[Data] = []
    done = place = 0
    for layer, count in folded(data):
        width = sum(blocks.widths.get(kind_of(each), 1) for each in data[done : done + count])
        if "name" not in layer:
            name = names.of([scope for each in scopes[place : place + width] for scope in each])
            says = name is not None and not says_nothing(name, kind_of(layer))
            layer = {"name": name, **layer} if says else layer
        made.append(layer)
        done, place = done + count, place + width
    return made
