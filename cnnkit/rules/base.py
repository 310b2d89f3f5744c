"""What a rule is, and the network as the rules see it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding, Level, Location
from cnnkit.layers import KINDS
from cnnkit.layers.advice import CureEffect, tried
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window
from cnnkit.spec.graph import INPUT as INPUT
from cnnkit.spec.graph import Graph
from cnnkit.spec.graph import Node as Operation
from cnnkit.spec.language.place import in_pass, inmost
from cnnkit.spec.model.spec import Spec

Above: TypeAlias = tuple[LayerAnalysis, ...]
"""The layers that a layer stands in, outermost first."""


class Removal(NamedTuple):
    """Lines of the spec's text that `--fix` deletes: both are counted from 1, both go."""

    start_line: int
    end_line: int


class Replacement(NamedTuple):
    """Other text for a part of the spec's, which `--fix` puts in.

    Lines and columns are counted from 1; the end is exclusive.
    """

    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str


Edit: TypeAlias = Removal | Replacement
"""What `--fix` does to the text."""


class RuleContext:
    """An analysis with what several rules ask of it, each computed once and only if asked."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.graph = analysis.graph
        self.operations: tuple[Operation, ...] = analysis.graph.nodes

    @cached_property
    def _as_run(self) -> Graph:
        return self.graph.as_run

    @cached_property
    def layers(self) -> list[tuple[LayerAnalysis, Above]]:
        """Every layer, composite or not, each with the layers that it stands in."""
        found: list[tuple[LayerAnalysis, Above]] = []
        _walk(self.analysis.tree, (), found)
        return found

    @cached_property
    def by_kind(self) -> dict[str, list[int]]:
        """The operations of each kind, in order."""
        found: dict[str, list[int]] = {}
        for index, operation in enumerate(self.operations):
            found.setdefault(operation.layer.kind, []).append(index)
        return found

    @cached_property
    def sliding(self) -> list[tuple[int, tuple[Window, ...]]]:
        """The operations with a sliding window, and the window of each axis."""
        numbers = range(len(self.operations))
        return [(index, tuple(windows)) for index in numbers if (windows := self.windows(index))]

    @cached_property
    def sizes(self) -> list[int]:
        """The elements that each operation gives; 0 where that is unknown."""
        return [math.prod(operation.effect.output or (0,)) for operation in self.operations]

    @cached_property
    def consumers(self) -> list[list[int]]:
        """The operations that read each operation's output."""
        readers: list[list[int]] = [[] for _ in self.operations]
        for index, operation in enumerate(self.operations):
            for source in operation.inputs:
                if source > INPUT:
                    readers[source].append(index)
        return readers

    @cached_property
    def ends(self) -> list[int]:
        """The operations whose output the network gives: its own first, then side outputs."""
        ends = [*self.graph.outputs.values(), *(node for node, _ in self.graph.sides)]
        return [end for end in ends if end > INPUT]

    def of(self, fact: Callable[[Layer], object]) -> Iterator[int]:
        """The operations of the kinds of which a fact is true, in the order of the kinds."""
        for kind in KINDS:
            indices = self.by_kind.get(kind)
            if indices and fact(self.operations[indices[0]].layer):
                yield from indices

    def source(self, operation: int) -> int:
        """What an operation reads; the first of several."""
        return self.operations[operation].inputs[0]

    def before(self, operation: int) -> list[int]:
        """The operations that it is computed from, itself among them, last to first."""
        wanted = {operation}
        for index in range(operation, INPUT, -1):  # what an operation reads comes before it
            if index in wanted:
                wanted.update(self.operations[index].inputs)
        return sorted((index for index in wanted if index > INPUT), reverse=True)

    def windows(self, operation: int) -> list[Window]:
        """The sliding windows of an operation, an axis each; none where its input is unknown."""
        windows = self.operations[operation].effect.windows
        return [window for window in windows if isinstance(window, Window)]

    def tried(
        self, rule: str, operation: int, given: Shape | None = None, /, **changes: object
    ) -> CureEffect | None:
        """What an operation gives after a change, or of another map; None where it is refused."""
        incoming = self.incoming(operation)
        if incoming is None:
            return None
        shapes = [incoming] if given is None else [given]
        return tried(self.operations[operation].layer, [incoming], rule, shapes, **changes)

    def incoming(self, operation: int) -> Shape | None:
        """The shape that comes in, inside an `each` that of one slice."""
        return self._as_run.shape(self.source(operation))

    def outgoing(self, operation: int) -> Shape | None:
        """The shape that goes out, inside an `each` that of one slice."""
        return self._as_run.shape(operation)

    def owner(self, operation: int) -> tuple[LayerAnalysis, Above]:
        """The layer as written that an operation belongs to, and those that it stands in."""
        layer = self.analysis.tree
        above: list[LayerAnalysis] = []
        while layer.children:
            last = bisect_right(layer.children, operation, key=lambda child: child.nodes.start)
            above.append(layer)
            layer = layer.children[last - 1]
        return layer, tuple(above)


Check: TypeAlias = Callable[[RuleContext], Iterable[Finding]]
Fix: TypeAlias = Callable[[RuleContext], Iterable[Edit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of this folder.

    Attributes:
        name: The fault, such as ``redundant-bias``.
        level: The level of its findings, unless a configuration says another.
        default: Whether it is applied where nothing selects it.
        page: What it finds, why that is a fault, an example, and what to write instead.
        check: Finds the fault in a network; None where reading or analysing finds it.
        fix: Gives the edits of the text that mend it without a change of the network's function.
    """

    name: str
    level: Level
    default: bool
    page: str
    check: Check | None = None
    fix: Fix | None = None

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


def finding(
    rule: str,
    layer: LayerAnalysis,
    above: Iterable[LayerAnalysis],
    message: str,
    advice: str,
    field: tuple[str | int, ...] = (),
) -> Finding:
    """A finding at a field of a layer, or at the layer; its level is that of the rule's table."""
    above = tuple(above)
    uses = [use.location for use in above if isinstance(use.layer, Block)]
    used_at = tuple(location for location in reversed(uses) if location is not None)
    location = layer.place.find(field) if layer.place else None
    message += _later_pass(layer, above)
    return Finding(rule, "warning", message, advice, location, layer.path or None, used_at)


def _later_pass(layer: LayerAnalysis, above: Above) -> str:
    """In which pass of the repeats around it a layer is, where it is not in the first of all."""
    passes = []
    for repeat, inner in zip(above, (*above[1:], layer), strict=True):
        if repeat.group.copies:
            start = inner.nodes.start
            child = bisect_right(repeat.children, start, key=lambda each: each.nodes.start) - 1
            while repeat.children[child] is not inner:  # layers without operations start there, too
                child -= 1
            passes.append((bisect_right(repeat.group.copies, child), repeat.times))
    return in_pass(passes) if any(number > 1 for number, _ in passes) else ""


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 parameter``, ``4,224 parameters``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(part: int, whole: int) -> str:
    """A part of a whole, exact integers of any size, to one decimal: ``74.3 %``."""
    tenths = (2000 * part + whole) // (2 * whole)
    if part > 0 and not tenths:
        return "under 0.1 %"
    if part < whole and tenths == 1000:
        return "over 99.9 %"
    return f"{tenths // 10:,}.{tenths % 10} %"


def noun(layer: LayerAnalysis) -> str:
    """What a sentence calls a layer: a conv, but a dense layer."""
    return f"{layer.kind} layer" if layer.kind in ("dense", "linear") else layer.kind


def place_in(spec: Spec, *keys: str | int) -> Location | None:
    """Where a value of a spec's text stands, or what it stands in; None where there is no text."""
    document = spec.origin.document
    return inmost(document, keys).location() if document is not None else None


def _walk(layer: LayerAnalysis, above: Above, found: list[tuple[LayerAnalysis, Above]]) -> None:
    found.append((layer, above))
    if layer.children:
        inside = (*above, layer)
        for child in layer.children:
            _walk(child, inside, found)
