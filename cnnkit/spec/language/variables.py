"""The names that expressions read: the spec's variables and the arguments of its blocks."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING

from cnnkit.spec.language.incoming import without_incoming
from cnnkit.spec.language.reader import Faulty, LayerArgument, Reader, Scope
from cnnkit.spec.text.node import YamlNode

if TYPE_CHECKING:
    from cnnkit.spec.language.value import Value


def read_variables(reader: Reader, section: YamlNode | None) -> dict[str, Value]:
    """The values of `variables:`; each may use those before it."""
    values: dict[str, Value] = {}
    for name, node in reader.mapping(section, "variables", "{width: 32}").items():
        if section is not None and good_name(reader, "variable", name, section):
            try:
                values[name] = read_variable(reader, "variable", name, node, values)
            except Faulty:
                continue
    return values


def good_name(reader: Reader, what: str, name: str, mapping: YamlNode) -> bool:
    """Whether an expression can read a key of the mapping; reports where it cannot."""
    if name == "index":
        advice = "`$index` is the number of a repeat's copy"
    elif iskeyword(name) or name in ("true", "false", "null"):
        advice = "that word has a meaning in expressions: use another"
    elif not name.isidentifier() or not name.isascii():
        advice = "use a letter, then letters, digits and _"
    else:
        return True
    at = mapping.key_location(name)
    reader.report("wrong-value", f"{_a(what)} cannot be named `{name}`", advice, at)
    return False


def read_argument(reader: Reader, name: str, node: YamlNode, scope: Scope) -> Value | LayerArgument:
    """The value of a block's argument: as that of a variable, or layers.

    Raises:
        Faulty: It has a fault, which is reported.
    """
    if _mapping_in(node):
        return LayerArgument(name, node, without_incoming(scope), tuple(reader.uses))
    if isinstance(node.value, str) and "$" in node.value:
        return reader.evaluated(node, node.value, scope)
    return read_variable(reader, "argument", name, node, scope)


def read_variable(reader: Reader, what: str, name: str, node: YamlNode, scope: Scope) -> Value:
    """The value of a variable: a number, a string, true or false, nothing, or a list of those.

    Raises:
        Faulty: It has a fault, which is reported.
    """
    if mapping := _mapping_in(node):
        reader.report(
            "wrong-type",
            f"{what} `{name}` is a mapping"
            if mapping is node
            else f"{what} `{name}` holds a mapping",
            f"{_a(what)} is a number, a string, true or false, or a list of those",
            mapping.location(),
        )
        raise Faulty
    value: Value = reader.value(node, scope)
    return value


def _mapping_in(node: YamlNode) -> YamlNode | None:
    if isinstance(node.value, list):
        return next((found for item in node.value if (found := _mapping_in(item))), None)
    return node if isinstance(node.value, dict) else None


def _a(what: str) -> str:
    return f"{'an' if what.startswith('a') else 'a'} {what}"
