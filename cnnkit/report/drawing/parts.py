"""What of a network is drawn: maps, each with what is written below it, and branches.

Layers that keep the shape (a norm, an activation) are named below the map that they work on. A
`residual`, a `parallel` and a `squeeze_excite` are drawn as branches side by side and the map that
joins them; a block and a `repeat` are one map, or at a greater depth what is inside them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.tree import folded, visible
from cnnkit.layers.block import Block
from cnnkit.layers.shape import Shape, show
from cnnkit.presentation.numbers import printable, short
from cnnkit.report.analysis.rows import kind_of
from cnnkit.report.drawing.scale import LOGARITHMIC, MapScale
from cnnkit.report.drawing.tip import tip
from cnnkit.spec.graph import INPUT

GAP = 44
"""Between two maps, where the arrow is."""
WIDEST = 1136
"""A row of maps at most."""
_FORK = 28
_CHARACTER = 6.6
_MOST_LINES = 5
# More parts than this are no picture any more: the middle is left out.
_MOST = 60
_IN_PLACE = ("activation", "normalization", "regularization")
_BRANCHING = ("residual", "parallel", "squeeze_excite")


@dataclass(slots=True)
class Map:
    """One map, and what is written below it.

    Attributes:
        path: Its name in the picture.
        shape: Its shape, where known.
        family: The family of the layer that makes it, which its colour says.
        lines: The kinds of the layers.
        tips: What is said of each of them where the pointer rests.
        scale: How long its sides are drawn.
        parameters: Those of its layers.
        begins: Whether it goes on from a map further back, so that no arrow leads to it.
        opens: The path of the layer that it stands for, where that has others inside it.
    """

    path: str
    shape: Shape | None
    family: str
    lines: list[str]
    tips: list[str]
    scale: MapScale = LOGARITHMIC
    parameters: int = 0
    begins: bool = False
    opens: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the stack."""
        return self.scale.size(self.shape)

    @property
    def words(self) -> list[tuple[str, str]]:
        """The lines below it, each with its style."""
        if self.family == "more":
            return [(self.path, "path"), *((line, "") for line in self.lines)]
        shape = show(self.shape) if self.shape else "?"
        lines = self.lines
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], f"and {len(lines) - _MOST_LINES + 1} more"]
        parameters = [(f"{short(self.parameters)} parameters", "quiet")] if self.parameters else []
        return [
            (self.path, "path"),
            *((line, "") for line in lines),
            (shape, "shape"),
            *parameters,
        ]

    @property
    def width(self) -> int:
        """What it takes of a row, words included."""
        words = (math.ceil(_CHARACTER * len(text)) for text, _ in self.words)
        return max(self.size[0], *words)


@dataclass(slots=True)
class Branches:
    """Branches side by side; one without layers passes its input on."""

    lanes: list[list[Part]]

    @property
    def width(self) -> int:
        """What it takes of a row, with where it forks and joins."""
        return max(map(row_width, self.lanes)) + 2 * _FORK

    @property
    def inset(self) -> int:
        """From the side to where it forks."""
        return _FORK // 2


Part = Map | Branches


def row_width(row: Sequence[Part]) -> int:
    """What parts one after the other take."""
    return sum(part.width for part in row) + GAP * max(len(row) - 1, 0)


@dataclass(slots=True)
class DrawnNetwork:
    """Makes the parts of a network.

    Attributes:
        analysis: What is drawn.
        depth: The levels down to which blocks are opened.
        scale: How long the sides of a map are drawn.
    """

    analysis: Analysis
    depth: int = 1
    scale: MapScale = LOGARITHMIC

    def of_network(self) -> list[Part]:
        """The input, then each layer that makes a map of its own."""
        name = next(iter(self.analysis.graph.inputs))
        base = "" if self.depth == 1 else "layers."
        return self._from(name, self.analysis.input, self.analysis.tree.children, base)

    def of_layer(self, layer: LayerAnalysis) -> list[Part]:
        """What is inside a layer, after what comes into it."""
        # Branches that cannot be drawn side by side would be a map that opens itself.
        beside = layer.kind in _BRANCHING and self._branches(layer, self.depth) is not None
        inside = [layer] if beside else visible(layer)
        return self._from("input", layer.input, inside, f"{layer.path}.")

    def _from(
        self, name: str, shape: Shape | None, layers: Iterable[LayerAnalysis], base: str
    ) -> list[Part]:
        text = f"{name} {show(shape) if shape else '?'}"
        first = Map(name, shape, "input", [], [text], self.scale)
        parts: list[Part] = [first, *self._sequence(layers, first, self.depth, base)]
        if len(parts) > _MOST:
            half = _MOST // 2
            more = Map("⋯", None, "more", [f"{len(parts) - 2 * half} more"], [], self.scale)
            parts[half:-half] = [more]
        return parts

    def _sequence(
        self, layers: Iterable[LayerAnalysis], last: Map | None, depth: int, base: str
    ) -> list[Part]:
        """The parts of layers one after the other, behind the map ``last`` if there is one.

        ``base`` is the part of their paths that they share.
        """
        parts: list[Part] = []
        for layer in self._opened(layers, depth):
            kind, family = self._what(layer)
            if layer.side and last is not None:
                last.lines.append(f"† {kind}, {short(layer.parameters)} parameters")
            elif last is not None and _in_place(layer, family, last):
                last.lines.append(kind)
                last.parameters += layer.parameters
            elif (branches := self._branches(layer, depth)) is not None:
                parts.append(branches)
                last = self._joined(layer, base)
                parts.append(last)
            else:
                last = self._map(layer, kind, family, base)
                parts.append(last)
            last.tips.append(tip(self.analysis, layer, kind))
        return parts

    def _map(self, layer: LayerAnalysis, kind: str, family: str, base: str) -> Map:
        found = Map(
            _name(layer, base), layer.output, family, [kind], [], self.scale, layer.parameters
        )
        found.begins = layer.kind == "load"
        found.opens = layer.path if layer.children else ""
        return found

    def _branches(self, layer: LayerAnalysis, depth: int) -> Branches | None:
        """The branches of a layer that has some, where they fit on the page."""
        lanes = list(_lanes(layer))
        if not lanes:
            return None
        base = f"{layer.path}."
        branches = Branches([self._sequence(lane, None, depth, base) for lane in lanes])
        return branches if branches.width <= WIDEST else None

    def _joined(self, layer: LayerAnalysis, base: str) -> Map:
        """The map that branches are joined to, and what is then done to it."""
        ends = [child for child in layer.children if not child.label.startswith(_INNER)]
        if layer.kind == "squeeze_excite":
            ends = list(layer.children[-1:])
        lines = [printable(kind_of(self.analysis, child)) for child in ends]
        return Map(_name(layer, base), layer.output, "composition", lines, [], self.scale)

    def _opened(self, layers: Iterable[LayerAnalysis], depth: int) -> Iterator[LayerAnalysis]:
        """The layers, in place of a block those inside it."""
        for layer in layers:
            sequence = isinstance(layer.layer, Block)
            sequence = sequence or (layer.kind == "repeat" and not folded(layer))
            if depth > 1 and layer.children and sequence:
                yield from self._opened(layer.children, depth - 1)
            else:
                yield layer

    def _what(self, layer: LayerAnalysis) -> tuple[str, str]:
        """A layer's kind with its window, and its family."""
        graph = self.analysis.graph
        kind = printable(kind_of(self.analysis, layer))
        if layer.kind == "load" and layer.group.tensor <= INPUT:
            return f"input {[*graph.inputs][INPUT - layer.group.tensor]}", "input"
        if layer.children or not layer.nodes:
            passed_on = layer.known and not layer.children and layer.output == layer.input
            return kind, _IN_PLACE[0] if passed_on else "composition"
        node = graph.nodes[layer.nodes[0]]
        if windows := node.effect.windows:
            window = show([window.size for window in windows])
            strides = [window.stride for window in windows]
            if max(strides) > 1:
                window += f" /{strides[0] if len(set(strides)) == 1 else show(strides)}"
            kind = kind.replace(layer.kind, f"{layer.kind} {window}", 1)
        return kind, node.layer.family


_INNER = ("layers.", "shortcut.", "branches.")
"""How the labels of what is inside a branch begin."""


def _name(layer: LayerAnalysis, base: str) -> str:
    """Its path below ``base``; inside a layer without the word for where it stands there."""
    place = layer.path.removeprefix(base)
    if base.count(".") > 1:
        place = place.removeprefix("branches.").removeprefix("layers.")
    return printable(place.removesuffix(f".{layer.kind}"))


def _in_place(layer: LayerAnalysis, family: str, last: Map) -> bool:
    """Whether a layer works on the map before it."""
    kept = family in _IN_PLACE and layer.kind != "load"
    return kept and layer.known and layer.output == last.shape


def _lanes(layer: LayerAnalysis) -> Iterator[tuple[LayerAnalysis, ...]]:
    """The branches of a layer that has at least two, and whose shapes are known."""
    if not layer.known or not layer.children:
        return
    if layer.kind == "squeeze_excite":
        yield from ((), layer.children[:-1])
        return
    prefixes: list[str] = []
    if layer.kind == "residual":
        prefixes = ["layers.", "shortcut."]
    elif layer.kind == "parallel" and layer.layer is not None:
        prefixes = [f"branches.{name}." for name in vars(layer.layer)["branches"]]
    if len(prefixes) < 2:
        return
    for prefix in prefixes:
        yield tuple(child for child in layer.children if child.label.startswith(prefix))
