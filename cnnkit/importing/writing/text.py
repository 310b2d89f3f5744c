"""Plain data as the YAML that a person writes: a layer a line, as far as lines go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cnnkit.importing.writing.blocks import Data, kind_of

_WIDTH = 98
_PLAIN = re.compile(r"[A-Za-z_$][\w$ ()*/+%.-]*")
_SCALARS = {"save": "tensor", "load": "tensor", "output": "tensor", "shared": "layer"}
"""Kinds whose one field is said without its name."""
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def block_lines(name: str, body: Data) -> Iterator[str]:
    """A block below `blocks:`."""
    yield f"  {name}:"
    if "arguments" in body:
        yield from _wrapped("    arguments: ", body["arguments"])
    yield "    layers:"
    yield from layer_lines(body["layers"], "      ")


def _wrapped(label: str, fields: Data) -> Iterator[str]:
    """A mapping on a line, or on several where it is long."""
    line = f"{label}{flow(fields)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield label.rstrip()
    indent = " " * (len(label) - len(label.lstrip()) + 2)
    for key, value in fields.items():
        yield f"{indent}{key}: {flow(value)}"


def layer_lines(layers: list[Data], indent: str) -> Iterator[str]:
    """A list of layers, each with a dash."""
    for layer in layers:
        yield from _layer_lines(layer, indent)


def _layer_lines(layer: Data, indent: str) -> Iterator[str]:
    line = f"{indent}- {_flow_layer(layer, top=True)}"
    kind = kind_of(layer)
    fields = layer[kind]
    nested = isinstance(fields, dict) and any(map(_long, _lists(fields)))
    if (not nested and len(line) <= _WIDTH) or not isinstance(fields, dict) or not fields:
        yield line
        return
    others = {key: value for key, value in layer.items() if key != kind}
    lead = f"{indent}- "
    for key, value in others.items():
        yield f"{lead}{key}: {flow(value)}"
        lead = f"{indent}  "
    if not nested and len(whole := f"{lead}{kind}: {flow(fields)}") <= _WIDTH:
        yield whole
        return
    yield f"{lead}{kind}:"
    for key, value in fields.items():
        yield from _field_lines(key, value, f"{indent}    ")


def _field_lines(key: str, value: Any, indent: str) -> Iterator[str]:
    if key in ("layers", "shortcut"):
        yield f"{indent}{key}:"
        yield from layer_lines(value, f"{indent}  ")
    elif key == "branches":
        yield f"{indent}{key}:"
        for branch in value:
            line = f"{indent}  - [{', '.join(map(_flow_layer, branch))}]"
            if not branch or (len(line) <= _WIDTH and not any(map(_has_parts, branch))):
                yield line
                continue
            lines = list(layer_lines(branch, f"{indent}    "))
            lines[0] = f"{indent}  - {lines[0].lstrip()}"
            yield from lines
    else:
        yield f"{indent}{key}: {flow(value)}"


def _lists(fields: Data) -> list[list[Data]]:
    return [fields[key] for key in ("layers", "shortcut") if key in fields] + (
        [[{"branches": {}}] * 2] if "branches" in fields else []
    )


def _long(layers: list[Data]) -> bool:
    """Whether a list of layers is better seen one a line."""
    return len(layers) > 1 or any(map(_has_parts, layers))


def _has_parts(layer: Data) -> bool:
    fields = layer[kind_of(layer)]
    return isinstance(fields, dict) and bool({"layers", "branches"} & set(fields))


def _flow_layer(layer: Data, *, top: bool = False) -> str:
    """A layer within a line; at the start of one it needs no braces of its own."""
    kind = kind_of(layer)
    fields = layer[kind]
    if kind in _SCALARS:
        line = f"{kind}: {flow(fields[_SCALARS[kind]])}"
        return line if top else f"{{{line}}}"
    if len(layer) == 1:
        if fields in ({}, None):
            return kind
        return f"{kind}: {flow(fields)}" if top else f"{{{kind}: {flow(fields)}}}"
    return flow(layer)


def flow(value: Any) -> str:
    """A value within a line."""
    if isinstance(value, dict):
        pairs = []
        for key, inner in value.items():
            if key == "layers" and isinstance(inner, list):
                pairs.append(f"layers: [{', '.join(map(_flow_layer, inner))}]")
            else:
                pairs.append(f"{key}: {flow(inner)}")
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
