"""The tree of layers as rows of a table, each with its place in the tree."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnkit.analysis.tree import folded, visible
from cnnkit.presentation.numbers import plural

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis, LayerAnalysis
    from cnnkit.errors import Level

# As many rows as a person still looks over.
_READABLE = 60


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer in a table.

    Attributes:
        layer: The layer.
        guide: The lines of the tree that lead to it.
        kind: Its kind with what is fused into it: ``conv + relu``, ``repeat ×3``.
        group: Whether the rows of the layers inside it follow, so that it is a subtotal.
        mark: The worst level of the findings in it, as far as no row below has them.
    """

    layer: LayerAnalysis
    guide: str
    kind: str
    group: bool
    mark: Level | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table.

    Attributes:
        rows: One a layer, in order.
        depth: The levels that are shown.
        deepest: The levels that there are.
    """

    rows: tuple[LayerRow, ...]
    depth: int
    deepest: int

    @property
    def cut(self) -> bool:
        """Whether there are levels that are not shown."""
        return self.depth < self.deepest

    @property
    def repeats(self) -> bool:
        """Whether the rows of one copy stand for others."""
        return any(row.group and folded(row.layer) for row in self.rows)

    @property
    def sides(self) -> bool:
        """Whether any layer belongs to a side output."""
        return any(row.layer.side for row in self.rows)

    @property
    def unknown(self) -> int:
        """The layers whose shape an error leaves open."""
        return sum(not row.layer.known for row in self.rows if not row.group)


def rows_of(analysis: Analysis, depth: int | None = None) -> Rows:
    """The rows down to ``depth`` levels; by default as many as are easily read."""
    sizes = list(_level_sizes(analysis.tree))
    if depth is None:
        depth = 1
        while depth < len(sizes) and sum(sizes[: depth + 1]) <= _READABLE:
            depth += 1
    depth = max(1, min(depth, len(sizes)))
    layers = list(_walk(visible(analysis.tree), depth))
    marks = marks_of(analysis, {layer.path for layer, _, _ in layers})
    rows = tuple(
        LayerRow(layer, guide, kind_of(analysis, layer), group, marks.get(layer.path))
        for layer, guide, group in layers
    )
    return Rows(rows, depth, len(sizes))


def captions(rows: Rows, *, hidden: bool = True) -> list[str]:
    """What must be known to read the rows, and only that; ``hidden`` levels where there are."""
    captions = []
    if rows.repeats:
        captions.append("×n: of copies that are alike one is shown, Σ is of all n")
    elif any(row.group for row in rows.rows):
        captions.append("Σ: the sum of the rows below")
    if rows.sides:
        captions.append("†: a side output, used in training only")
    if rows.unknown:
        captions.append(f"?: {plural(rows.unknown, 'layer')} unknown, in no total")
    if hidden and rows.cut:
        captions.append(
            f"{rows.depth} of {rows.deepest} levels; --depth {rows.depth + 1} shows more"
        )
    return captions


_NAMED = ("output", "shared")
"""The kinds that say little without the name behind them."""


def kind_of(analysis: Analysis, layer: LayerAnalysis) -> str:
    """Its kind, the activation that is a field of it, and how often it is repeated."""
    kind = layer.kind
    nodes = layer.nodes
    if kind in _NAMED and layer.layer is not None:
        return f"{kind} {vars(layer.layer)[layer.layer.scalar_field or 'name']}"
    if not layer.children and len(nodes) > 1:
        last = analysis.graph.nodes[nodes[-1]].layer
        if last.family == "activation":
            kind += f" + {last.title}"
    return kind if layer.times == 1 else f"{kind} ×{layer.times}"


def _level_sizes(tree: LayerAnalysis) -> Iterator[int]:
    """The rows of each level of the tree."""
    level = visible(tree)
    while level:
        yield len(level)
        level = tuple(child for layer in level for child in visible(layer))


def _walk(
    layers: tuple[LayerAnalysis, ...], depth: int, lead: str | None = None
) -> Iterator[tuple[LayerAnalysis, str, bool]]:
    """Layers and those inside them, each with its guide and whether it is a subtotal of rows."""
    for number, layer in enumerate(layers, 1):
        last = number == len(layers)
        group = depth > 1 and bool(layer.children) and not _hollow(layer, depth - 1)
        yield layer, "" if lead is None else lead + ("└─ " if last else "├─ "), group
        if group:
            inner = "" if lead is None else lead + ("   " if last else "│  ")
            yield from _walk(visible(layer), depth - 1, inner)


def _hollow(layer: LayerAnalysis, depth: int) -> bool:
    """Whether all that would be shown in it is one group with the very same figures."""
    below = layer.children
    return (
        len(below) == 1 and bool(below[0].children) and (depth == 1 or _hollow(below[0], depth - 1))
    )


def marks_of(analysis: Analysis, shown: Collection[str] | None = None) -> dict[str, Level]:
    """The worst level of the findings of each path that is the innermost shown to hold them."""
    paths = {layer.path for layer in _all(analysis.tree)} if shown is None else shown
    marks: dict[str, Level] = {}
    for finding in analysis.findings:
        path = finding.path or ""
        while path and path not in paths:
            path = path.rpartition(".")[0]
        if path and marks.get(path) != "error":
            marks[path] = finding.level
    return marks


def _all(layer: LayerAnalysis) -> Iterator[LayerAnalysis]:
    """The layers in it that a person needs to see, at every level."""
    for child in visible(layer):
        yield child
        yield from _all(child)
