"""Branches that meet though their cells look at different places of the input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnkit.analysis.field import Field, Number
from cnnkit.errors import Finding, Level
from cnnkit.layers.window import axis_names
from cnnkit.spec.graph import Graph, Group


class Misaligned(NamedTuple):
    """Branches that meet at a node with other strides or centres; along one axis."""

    node: int
    axis: str
    first: Field
    other: Field

    @property
    def cells(self) -> Number | None:
        """How far apart their centres are, in cells of theirs; None where their strides differ."""
        if self.first.stride != self.other.stride:
            return None
        return abs(Fraction(self.first.centre) - self.other.centre) / self.first.stride

    @property
    def level(self) -> Level:
        """Half a cell is what an even kernel or an even extent leaves, in many a published net."""
        return "warning" if self.cells is None or self.cells > Fraction(1, 2) else "info"


def misalignments(node: int, incoming: Sequence[tuple[Field, ...]]) -> list[Misaligned]:
    """The first branch along each axis that is not aligned with the one that sees most."""
    found = []
    names = axis_names(len(incoming[0]))
    for name, fields in zip(names, zip(*incoming, strict=True), strict=True):
        mapped = [field.windowed for field in fields if not field.pooled]
        if len(mapped) < 2:
            continue
        largest = max(mapped, key=lambda field: field.size)
        for field in mapped:
            if not _aligned(largest, field, len(names)):
                found.append(Misaligned(node, name, largest, field))
                break
    return found


def _aligned(first: Field, other: Field, rank: int) -> bool:
    """Whether the cells of two branches speak of the same place.

    They do where their fields have the same centre, and where they end alike as those of causal
    branches do: along one axis of time, or where none looks ahead of its own cell.
    """
    if first.stride != other.stride:
        return False
    if first.padding == other.padding and first.size == other.size:
        return True
    return first.centre == other.centre or (
        first.end == other.end and (rank == 1 or first.end <= 0)
    )


def findings(graph: Graph, misaligned: Iterable[Misaligned]) -> list[Finding]:
    """One finding for each cause: joins whose branches are as far apart as those before."""
    joins: dict[str, Misaligned] = {}
    for each in misaligned:  # the first axis speaks for the others, and one copy of a repeat
        joins.setdefault(graph.nodes[each.node].path, each)
    causes: dict[object, list[Misaligned]] = {}
    for each in joins.values():
        strides = (each.first.stride / each.other.stride) if each.cells is None else None
        causes.setdefault((each.cells, strides), []).append(each)
    return [_finding(graph, first, len(others)) for first, *others in causes.values()]


def _finding(graph: Graph, found: Misaligned, others: int) -> Finding:
    first, other, cells = found.first, found.other, found.cells
    if cells is None:
        what = f"effective stride {first.stride} and {other.stride}"
    else:
        what = f"their first cells centred at {shown(first.centre)} and {shown(other.centre)}"
        if first.stride != 1:
            what += f", {_apart(cells)} apart"
    if others:
        what += f"; so are those of {others:,} more join{'' if others == 1 else 's'}"
    return Finding(
        "misaligned-branches",
        found.level,
        f"the branches that meet here are misaligned along the {found.axis}: {what}",
        "give both the same strides, and paddings that keep their windows centred alike",
        _owner(graph.root, found.node).location,
        graph.nodes[found.node].path,
    )


def _apart(cells: Number) -> str:
    if cells == Fraction(1, 2):
        return "half a cell"
    return f"{shown(cells)} {'of a cell' if cells < 1 else 'cell' if cells == 1 else 'cells'}"


def shown(value: Number) -> str:
    """A number of cells, with decimals only where it is not whole."""
    return f"{float(value):g}" if value.denominator > 1 else str(value)


def _owner(group: Group, node: int) -> Group:
    """The innermost layer with a place in the source that a node belongs to."""
    for child in group.children:
        if child.start <= node < child.stop:
            return _owner(child, node)
    return group
