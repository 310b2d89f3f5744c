"""What the targets share: the file round the definitions, and the helpers that it needs.

The helpers of a target are ordinary code in ``parts/TARGET/``, read as text: a file gets those that
it uses, and nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from cnnkit.errors import Finding
from cnnkit.export.code.lines import line
from cnnkit.spec.graph import Graph

_FAMILIES: Final = (
    "layer", "convolution", "pooling", "activation", "shaping", "attention", "recurrence",
    "filtering",
)  # fmt: skip
"""The files of a target's helpers, as far as it has them, in the order of what is written."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of a conversion.

    Attributes:
        code: The file; None where the target cannot say the network.
        findings: Why it cannot.
    """

    code: str | None
    findings: tuple[Finding, ...]


@cache
def parts(target: str) -> dict[str, str]:
    """The helpers of a target, by name, each as its text."""
    folder = files("cnnkit.export.parts").joinpath(target)
    found = {}
    for family in _FAMILIES:
        file = folder.joinpath(f"{family}.py")
        if not file.is_file():
            continue
        source = file.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = ast.get_source_segment(source, node) or ""
    return found


def helpers(target: str, code: str) -> list[str]:
    """The helpers that some code uses, in the order of their files, with those that they use."""
    known = parts(target)
    needed: set[str] = set()
    texts = [code]
    while texts:
        text = texts.pop()
        for name in known.keys() - needed:
            if re.search(rf"(?<![\w.]){name}\b", text):
                needed.add(name)
                texts.append(known[name])
    return [text for name, text in known.items() if name in needed]


def assembled(target: str, header: str, imports: Mapping[str, str], definitions: str) -> str:
    """The whole file.

    Args:
        target: Whose helpers are put in.
        header: The docstring.
        imports: Import lines, by the name that they bind; those used are put in.
        definitions: The definitions, and what runs at the end.
    """
    body = [f"{text}\n\n" for text in helpers(target, definitions)] + [definitions]
    code = "\n".join(body)
    used = [text for name, text in imports.items() if re.search(rf"(?<![\w.]){name}\b", code)]
    return "\n".join([header, "", *_imported(used), "", "", code.rstrip(), ""])


def _imported(lines: list[str]) -> Iterator[str]:
    """Imports, the standard library's apart."""
    standard = [text for text in lines if text.split()[1] in ("itertools", "math")]
    others = [text for text in lines if text not in standard]
    yield from standard
    if standard and others:
        yield ""
    yield from others


def batches(graph: Graph, channels: str) -> Iterator[str]:
    """What a file says of the batches that its network takes, channels `first` or `last`."""
    for name, shape in graph.inputs.items():
        ordered = (shape[-1], *shape[:-1]) if channels == "first" else shape
        what = f"`{name}`" if len(graph.inputs) > 1 else "The input"
        listed = ", ".join(map(str, ordered))
        yield f"{what} is a batch of shape [N, {listed}], channels {channels}."


def shown_outputs(graph: Graph, call: str, shape: str, *, depth: int) -> str:
    """The statement that prints the shape of what a call gives; of several outputs each."""
    if len(graph.outputs) == 1:
        return "\n".join(line(f'print("output:", {shape.format(call)})', depth))
    given = line(f"outputs = {call}", depth)
    named = f"{{name: {shape.format('y')} for name, y in outputs.items()}}"
    return "\n".join([*given, *line(f'print("outputs:", {named})', depth)])


def kinds_of(graph: Graph) -> set[str]:
    """The kinds of a network's operations."""
    return {node.layer.kind for node in graph.nodes}


def changes_in_training(graph: Graph) -> bool:
    """Whether a network computes other values in training than at inference."""
    return any(node.layer.random or node.layer.kind == "batch_norm" for node in graph.nodes)


def has_frozen(graph: Graph) -> bool:
    """Whether weights of a network are not learnt."""
    return any(each.frozen for node in graph.nodes for each in node.effect.weights)


def plain(values: Any) -> Any:
    """Nested tuples as lists, whole numbers as such."""
    if isinstance(values, tuple):
        return [plain(value) for value in values]
    return int(values) if float(values).is_integer() else values
