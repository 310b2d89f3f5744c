"""What is applied again has a name that `shared` gives; what is several layers is a block."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.importing.graph import GROUP, SHARED
from cnnkit.importing.layer import WrittenLayer, walk
from cnnkit.importing.writing.blocks import Blocks, Data, kind_of, lists
from cnnkit.importing.writing.names import Names


def name_shared(layers: Sequence[WrittenLayer]) -> None:
    """Gives each layer that is applied again a name, and its copies that name."""
    copies = [layer for layer in walk(layers) if layer.kind == SHARED]
    wanted = {copy.fields["layer"] for copy in copies}
    names = Names(scopes_of(layers))
    named: dict[int, str] = {}
    for layer in list(walk(layers)):
        number = layer.number
        if number is None or number not in wanted or number in named or layer.kind == SHARED:
            continue  # the last layer of a group has the number of the group
        scopes = [inner.scope for inner in layer.walk() if inner.arrays]
        name = layer.name or names.of_whole(scopes) or names.of(scopes) or names.other("layer")
        layer.name = named[number] = name
        if layer.kind == GROUP and len(layer.parts["layers"]) == 1:
            (only,) = layer.parts["layers"]
            layer.kind, layer.fields, layer.parts = only.kind, only.fields, only.parts
            layer.arrays, layer.scope = only.arrays, only.scope
    for copy in copies:
        copy.fields = {"layer": named[copy.fields["layer"]]}


def scopes_of(layers: Sequence[WrittenLayer]) -> list[str]:
    """Where the model has each layer that has arrays."""
    return [layer.scope for layer in walk(layers) if layer.arrays]


def groups_as_blocks(data: list[Data], blocks: Blocks) -> None:
    """Makes a block of each group of layers, and uses it in their place."""
    for layers in [each for body in [data, *_bodies(blocks)] for each in lists(body)]:
        for index, layer in enumerate(layers):
            if kind_of(layer) == GROUP:
                name = blocks.free(layer["name"])
                blocks.bodies[name] = {"layers": layer[GROUP]["layers"]}
                layers[index] = {"name": layer["name"], name: {}}


def _bodies(blocks: Blocks) -> list[list[Data]]:
    return [body["layers"] for body in blocks.bodies.values()]
