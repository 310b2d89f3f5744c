"""Which parts of a graph that share weights can be modules of their own, and which cannot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnnkit.layers.block import Block
from cnnkit.layers.composition import SqueezeExcite
from cnnkit.spec.graph import Graph, Group


class Link(NamedTuple):
    """A layer, and where it is applied once more.

    Attributes:
        source: The layer that has the weights.
        use: Where they are used.
        whole: Whether the source is one module that is called twice.
    """

    source: Group
    use: Group
    whole: bool


def links_of(graph: Graph, *, objects: bool) -> list[Link]:
    """All uses of another layer's weights.

    Args:
        graph: The network.
        objects: Whether the target has modules that can be called twice, as classes give them.
    """
    return [
        Link(group.source, group, objects and _is_module(group.source, group))
        for group in graph.root.walk()
        if group.source is not None
    ]


def _is_module(source: Group, use: Group) -> bool:
    """Whether one module serves both: its statements are the same for both shapes."""
    several = source.stop - source.start > 1
    return isinstance(source.layer, Block | SqueezeExcite) and several and source.input == use.input


def divides(links: Iterable[Link], start: int, stop: int) -> bool:
    """Whether a module of these nodes would divide layers that share weights."""
    for link in links:
        source, use = link.source, link.use
        if link.whole and (start, stop) == (source.start, source.stop):
            continue
        if link.whole and source.start <= start and stop <= source.stop:
            continue  # a part of the module that is called twice
        inside = [
            start < group.stop and group.start < stop and group.start < group.stop
            for group in (source, use)
        ]
        within = all(start <= group.start and group.stop <= stop for group in (source, use))
        if any(inside) and not within:
            return True
    return False
