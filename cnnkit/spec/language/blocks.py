"""The blocks of a spec, and the arguments they are used with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cnnkit.errors import Location, did_you_mean
from cnnkit.layers.kinds import RESERVED
from cnnkit.spec.language.faults import Fault, unknown_field
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.language.reader import Faulty, LayerArgument, Reader, Scope, what
from cnnkit.spec.language.variables import good_name, read_argument
from cnnkit.spec.text.node import YamlNode

if TYPE_CHECKING:
    from cnnkit.spec.language.value import Value

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What a part of a path may be called: a block, a layer, a branch."""

REQUIRED: Final = "required"
_KEYS: Final = ("arguments", "layers")


@dataclass(frozen=True, slots=True)
class BlockDefinition:
    """A block of `blocks:`: its arguments, with the nodes of their defaults, and its layers."""

    name: str
    arguments: Mapping[str, YamlNode]
    layers: YamlNode


def read_blocks(reader: Reader, section: YamlNode | None) -> dict[str, BlockDefinition]:
    """The blocks of `blocks:`; their layers are read where they are used."""
    blocks = {}
    for name, node in reader.mapping(section, "blocks", "{unit: {layers: […]}}").items():
        at = section.key_location(name) if section is not None else None
        message = f"a block cannot be named `{name}`"
        if name in RESERVED:
            message += ": that is a kind of layer"
            reader.report("wrong-value", message, "give it another name", at)
        elif not NAME.fullmatch(name) or name in ("name", "when"):
            advice = "use a letter, then letters, digits, _ and -"
            if NAME.fullmatch(name):
                advice = f"`{name}` stands beside a layer's kind: give it another name"
            reader.report("wrong-value", message, advice, at)
        elif block := _block(reader, name, node, at):
            blocks[name] = block
    return blocks


def _block(
    reader: Reader, name: str, node: YamlNode, at: Location | None
) -> BlockDefinition | None:
    value = node.value
    if not isinstance(value, dict) or "layers" not in value:
        message = f"block `{name}` needs `layers`"
        advice = "write `layers:` and its layers, each after a dash"
        reader.report("missing-field", message, advice, at)
        return None
    for key in value:
        if key not in _KEYS:
            fault = unknown_field(key, _KEYS, f"block {name}")
            reader.report(fault.rule, fault.message, fault.help, node.key_location(key))
    arguments = value.get("arguments")
    defaults = reader.mapping(arguments, "arguments", "{width: required, stride: 1}")
    for argument in defaults:
        if arguments is not None:
            good_name(reader, "argument", argument, arguments)
    return BlockDefinition(name, defaults, value["layers"])


def read_arguments(
    reader: Reader, block: BlockDefinition, place: LayerPlace, scope: Scope, variables: Scope
) -> dict[str, Value | LayerArgument]:
    """The arguments of a block where it is used.

    What is given is evaluated in the scope of the use; a default sees the spec's variables and
    the arguments before it. Both see what comes into the block. An argument may hold layers.

    Raises:
        Faulty: One of them has a fault.
    """
    given = _given(reader, block, place.fields)
    faulty = False
    for name in given:
        if name not in block.arguments:
            reader.fault(_no_argument(block, name), place)
            faulty = True
    values: dict[str, Value | LayerArgument] = {}
    for name, default in block.arguments.items():
        try:
            if name in given:
                values[name] = read_argument(reader, name, given[name], scope)
            elif default.value == REQUIRED:
                message = f"block `{block.name}` needs `{name}`"
                reader.report("missing-field", message, f"add `{name}: …`", place.find(()))
                faulty = True
            else:
                inner = {**variables, **values}
                values[name] = read_argument(reader, name, default, inner)
        except Faulty:
            faulty = True
    if faulty:
        raise Faulty
    return values


def _given(
    reader: Reader, block: BlockDefinition, fields: YamlNode | None
) -> Mapping[str, YamlNode]:
    if fields is None or fields.value is None:
        return {}
    if isinstance(fields.value, dict):
        return fields.value
    example = ", ".join(f"{name}: …" for name in block.arguments)
    reader.report(
        "wrong-type",
        f"block `{block.name}` has {what(fields)} where its arguments belong",
        f"write `{block.name}: {{{example}}}`" if example else f"write `- {block.name}`",
        fields.location(),
    )
    raise Faulty


def _no_argument(block: BlockDefinition, name: str) -> Fault:
    near = did_you_mean(name, block.arguments)
    if near:
        advice = f"did you mean `{near}`?"
    elif name in ("name", "when"):
        advice = f"`{name}` stands beside the block: `- {{{name}: …, {block.name}: {{…}}}}`"
    elif block.arguments:
        advice = f"its arguments are {', '.join(block.arguments)}"
    else:
        advice = "it has no arguments"
    message = f"block `{block.name}` has no argument `{name}`"
    return Fault("unknown-key", message, advice, (name,), on_key=True)
