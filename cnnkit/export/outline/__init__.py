"""A network as the code of a person would be built: one body of steps for each block.

The groups of the graph say which operations were written together. A block, the layers of a
squeeze-excite and the copies of a repeat become bodies of their own; bodies that differ in their
values alone become one definition with arguments. A group that reads or leaves more than one
tensor is written out where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cnnkit.export.code.lines import class_name
from cnnkit.export.outline.bodies import Maker
from cnnkit.export.outline.definitions import define
from cnnkit.export.outline.model import (
    Body,
    Definition,
    Expression,
    InexpressibleError,
    Outline,
    Run,
    Statement,
    Write,
)
from cnnkit.export.outline.sharing import links_of
from cnnkit.spec.graph import Graph

__all__ = [
    "Body",
    "Definition",
    "Expression",
    "InexpressibleError",
    "Outline",
    "Run",
    "Statement",
    "Write",
    "outline",
]


def outline(
    graph: Graph,
    title: str,
    write: Write,
    target: str,
    taken: Iterable[str],
    name: Callable[[str, Iterable[str]], str] = class_name,
    *,
    objects: bool = True,
) -> Outline:
    """The bodies and definitions of a network, each node written by a target.

    Args:
        graph: The network, without errors.
        title: What the network is called.
        write: How the target writes a node.
        target: What messages call the target.
        taken: Names of the file that no definition may have.
        name: Makes the name of a definition, from what it is called and the names taken.
        objects: Whether definitions make modules, which can be called twice.
    """
    maker = Maker(graph, write, target, links_of(graph, objects=objects))
    root = maker.whole(title)
    definitions = define(maker.bodies, root, taken, name)
    return Outline(graph, root, definitions, tuple(maker.findings))
