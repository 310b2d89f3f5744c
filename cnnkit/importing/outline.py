"""What a model that cnnkit wrote says of its spec: blocks, copies of repeats, and names.

Its files of ONNX and its layers of Keras have the paths of the spec as their names; its classes of
PyTorch and Flax say in their docstrings which block they are, and their attributes are named after
the layers. What a network computes is never read from these, only how it is best written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cnnkit.importing.graph import JOINS, Enclosure, Operation, OperationGraph, SpecPlace
from cnnkit.layers.kinds import KINDS

_LISTS = {"layers": 1, "shortcut": 1, "branches": 2}
"""What stands in a path ahead of a layer, with how many parts behind it are the layer's."""
_COPY = re.compile(r"(.*)\[(\d+)\]")
_USED = re.compile(r"`([^`]+)`, used ")
_LONGEST, _DEEPEST = 1000, 100
"""The characters and the parts that a path has at most; a name of more says nothing."""
_WRITTEN = "written by `cnnkit convert"


def outline(graph: OperationGraph, place: Callable[[Operation], SpecPlace]) -> None:
    """Notes of each operation where the spec has it."""
    for operation in graph.operations.values():
        operation.place = place(operation)


def outline_paths(graph: OperationGraph, path: Callable[[Operation], str]) -> None:
    """Notes of each operation whose name is the path of a spec where that is."""
    found = {
        number: path(operation)
        for number, operation in graph.operations.items()
        if len(operation.node) <= _LONGEST
    }
    named = {number: each for number, each in found.items() if _is_path(each)}
    known = Paths(named.values())
    for number, each in named.items():
        graph.operations[number].place = known.place(each)


def _is_path(name: str) -> bool:
    return name.startswith("layers.") and name.count(".") < _DEEPEST


def path_of_keras(name: str) -> str:
    """The path that a layer of Keras is named by: `layers-0-conv-1` is `layers.0.conv[1]`."""
    made: list[str] = []
    wanted = 0  # how many parts belong to the list before
    for part in name.split("-"):
        if part.isdigit() and not wanted and made:
            made[-1] += f"[{part}]"
            continue
        wanted = max(0, wanted - 1) if wanted else _LISTS.get(part, 0)
        made.append(part)
    return ".".join(made)


class Paths:
    """Paths of a spec, such as `layers.stage1.stage.layers.0.unit[1].layers.0`.

    Of a repeat of one layer that is a block and of one of several a path says the same; it is of
    several where all that it holds are copies.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        copied: dict[str, bool] = {}
        for path in paths:
            parts = path.split(".")
            for at, part in enumerate(parts):
                above = ".".join(parts[:at])
                if part != "layers":
                    copied[above] = copied.get(above, True) and part in _LISTS and part == "layers"
                elif at and (parts[at - 1].isdigit() or parts[at - 2] in _LISTS):
                    copies = any(map(_COPY.fullmatch, parts[at + 1 : at + 3]))
                    copied[above] = copied.get(above, True) and copies
        self.several = {above for above, copies in copied.items() if copies}

    def place(self, path: str) -> SpecPlace:
        """Where an operation of a path is."""
        parts = path.split(".")
        within: list[Enclosure] = []
        name: str | None = None
        at = 0
        while at < len(parts):
            above = ".".join(parts[:at])
            if count := _LISTS.get(parts[at], 0):
                at += count + 1
                stem, copy = _copied(parts[at - 1] if at <= len(parts) else "")
                if not copy and above in self.several and at < len(parts):
                    parts[at], copy = _copied(parts[at])
                if copy:
                    within.append(Enclosure(f"{above}{copy}", None, name, above))
                name = None if stem.isdigit() else stem
                continue
            stem, copy = _copied(parts[at])
            block = stem if at + 1 < len(parts) and stem not in KINDS else None
            if not copy and block is None:
                role = ".".join(parts[at:])
                return SpecPlace(
                    tuple(within), name if role in JOINS else None, role != "activation"
                )
            repeat = above if copy else None
            within.append(Enclosure(f"{above}.{parts[at]}", block, name, repeat))
            name = None
            at += 1
        return SpecPlace(tuple(within), name, apart=True)


def _copied(part: str) -> tuple[str, str]:
    """A part of a path, and the number of a copy behind it, with its brackets."""
    found = _COPY.fullmatch(part)
    return (found[1], f"[{found[2]}]") if found else (part, "")


class Classes:
    """The modules whose classes are blocks, copies of repeats, or kinds that are several layers."""

    def __init__(self, classes: Mapping[str, type]) -> None:
        said = ((name, _said(kind.__doc__ or "")) for name, kind in classes.items())
        self.known = {name.replace(".", "/"): found for name, found in said if found}

    def place(self, operation: Operation) -> SpecPlace:
        """Where the spec has an operation, by the names of the modules that it is in."""
        parts = operation.scope.split("/") if operation.scope else []
        within: list[Enclosure] = []
        for at, attribute in enumerate(parts):
            scope = "/".join(parts[: at + 1])
            if scope not in self.known:
                continue
            said = self.known[scope]
            if said.block is None and not said.copied:
                name = None if _numbered(attribute, said.title) else attribute
                return SpecPlace(tuple(within), name if operation.kind in JOINS else None)
            within.append(_enclosure(parts[: at + 1], said, self.known))
        own = parts[-1] if parts and operation.scope not in self.known else ""
        silent = own in ("", "activation") or own.isdigit() or _is_kind(own)
        return SpecPlace(tuple(within), None if silent else own)


class Said(NamedTuple):
    """What a class says of the spec that it was written from.

    Attributes:
        title: What it is called.
        block: The block that it is, if it is one.
        copied: Whether it is a copy of a repeat.
        numbered: Whether its first use has a name, which is the block's with a number.
    """

    title: str
    block: str | None
    copied: bool
    numbered: bool


def _said(docstring: str) -> Said | None:
    """What the docstring of a class that `cnnkit convert` wrote says."""
    found = _USED.match(docstring)
    if found is None:
        return None
    title = found[1]
    path = re.search(r"\b[Aa]s (layers\.\S+?)(?:: |\.?(?:\s|$))", docstring)
    *above, last = path[1].split(".") if path else [""]
    last, copy = _copied(last)
    block = title if last == title and title not in KINDS else None
    copied = bool(copy) or (block is None and title not in KINDS)
    named = above[-1] if above and block else ""
    return Said(title, block, copied, not copy and _numbered(named, title))


def _enclosure(parts: Sequence[str], said: Said, known: Mapping[str, Said]) -> Enclosure:
    """A module that is a block or a copy of a repeat."""
    scope, attribute, several = "/".join(parts), parts[-1], f"{said.title}s"
    repeat, repeated = None, attribute
    if attribute.isdigit() and len(parts) > 1 and "/".join(parts[:-1]) not in known:
        repeat, repeated = "/".join(parts[:-1]), parts[-2]
    elif said.block is None or _numbered(attribute, several):
        repeat = scope
    silent = _numbered(repeated, several if repeat else said.title)
    if not repeat and said.numbered and repeated != said.title:
        silent = False
    return Enclosure(scope, said.block, None if silent else repeated, repeat)


def _is_kind(attribute: str) -> bool:
    """Whether an attribute is called after a kind of layer, perhaps with a number."""
    family = KINDS.get(re.sub(r"_?\d*_*$", "", attribute))
    return family not in (None, "composition")


def _numbered(attribute: str, title: str) -> bool:
    """Whether an attribute is called as its layer is, perhaps with a number."""
    plain = re.sub(r"\W+", "_", title)
    return bool(re.fullmatch(rf"{re.escape(plain)}_?\d*_*", attribute))


def is_converted(module: Any, method: str) -> bool:
    """Whether a module is of a file that `cnnkit convert` wrote, by what that says it is."""
    called = getattr(type(module), method, None)
    said = getattr(called, "__globals__", {}).get("__doc__")
    return isinstance(said, str) and _WRITTEN in said
