"""The input extents for which every layer of a spec is exact.

The operations of the spec are applied to each extent in turn and the first that does not fit
ends the trial, so that most extents cost a layer or two. What passes is analysed as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from typing_extensions import override

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.precision import Precision
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.solve.resize import asks, resized
from cnnkit.errors import UsageError
from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.convolution import Convolution, TransposedConv
from cnnkit.layers.pooling import Pool
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window, axis_names
from cnnkit.spec.graph import INPUT, Graph
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

FORMAT = 1
"""The version of the JSON that ``InputSolution.to_dict`` gives."""

MOST_CANDIDATES = 100_000
"""The extents of one search."""


@dataclass(frozen=True, slots=True)
class AxisSolution:
    """The extents of one axis, or of all together where the input is a square.

    Attributes:
        axis: The name of the axis; ``input`` for all together.
        present: The extent of the spec.
        low: The first extent that was tried.
        high: The last extent that was tried.
        answers: For each extent that is given, the nearest to the present one, its analysis.
        more: How many others of those tried pass each layer by itself.
        nearest: Where there is no answer, the nearest one outside, if it is within reach.
    """

    axis: str
    present: int
    low: int
    high: int
    answers: Mapping[int, Analysis]
    more: int
    nearest: int | None

    @property
    def step(self) -> int | None:
        """The distance of each extent to the next, where it is one for all."""
        steps = {b - a for a, b in pairwise(self.answers)}
        return steps.pop() if len(steps) == 1 and len(self.answers) > 2 else None

    def to_dict(self) -> dict[str, Any]:
        """The solution as JSON shows it."""
        return {
            "axis": self.axis,
            "present": self.present,
            "between": [self.low, self.high],
            "step": self.step,
            "nearest": self.nearest,
            "more": self.more,
            "answers": [
                {
                    "extent": extent,
                    "input": list(answer.input),
                    "output": list(answer.output or ()),
                    "totals": answer.totals.to_dict(),
                }
                for extent, answer in self.answers.items()
            ],
        }


@dataclass(frozen=True, slots=True)
class InputSolution:
    """The extents of each axis; a square input has one entry for all axes.

    Attributes:
        present: The analysis of the spec as it is.
        exact: Whether every layer of it is exact.
        axes: What was found.
    """

    present: Analysis
    exact: bool
    axes: tuple[AxisSolution, ...]

    @property
    def found(self) -> bool:
        """Whether there is an extent for every axis."""
        return all(axis.answers for axis in self.axes)

    def to_dict(self) -> dict[str, Any]:
        """The solution as JSON shows it; every key is always there."""
        return {
            "format": FORMAT,
            "solve": "input",
            "name": self.present.name,
            "input": list(self.present.input),
            "exact": self.exact,
            "found": self.found,
            "axes": [axis.to_dict() for axis in self.axes],
            "findings": [finding.to_dict() for finding in self.present.findings],
        }


def exact_inputs(
    spec: Spec,
    between: tuple[int, int] | None = None,
    limit: int | None = 20,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    optimizer: str = "adam",
) -> InputSolution:
    """The extents of the input for which every layer is exact, a floored one being none.

    Of several inputs those are varied together that have the extents of the first.
    A square input, or a cube, stays one. Else each axis is varied by itself, the others at
    their nearest exact extents.

    Args:
        spec: A spec without faults in its text.
        between: The extents to try; if None half as many more and less than the present one.
        limit: How many of them are analysed and given, the nearest first; None gives all.
        batch: Examples at once, for the memory.
        precision: Of the activations, for the memory.
        optimizer: Whose state training keeps, for the memory.

    Raises:
        UsageError: The input is a vector, or there are too many extents to try.
    """

    def analysis_of(shape: Shape) -> Analysis:
        return analyze(resized(spec, shape), batch=batch, precision=precision, optimizer=optimizer)

    rank = len(spec.input) - 1
    if not rank:
        raise UsageError(f"the input is a vector of {spec.input[0]}: it has no extent to vary")
    if between and between[1] - between[0] >= MOST_CANDIDATES:
        raise UsageError(
            f"{between[0]}..{between[1]} are {between[1] - between[0] + 1:,} extents; at most "
            f"{MOST_CANDIDATES:,} are tried"
        )
    wired = _wired(spec)
    sliced = any(node.slices for node in wired.nodes)
    search = _Reread(spec) if asks(spec) or sliced else _Search(wired)
    square = len(set(spec.input[:-1])) == 1
    shape = list(search.graph.input)
    for axis in () if square else range(rank):
        found = search.nearest(shape, [axis], spec.input[axis], between, only=axis)
        shape[axis] = found or spec.input[axis]
    axes = []
    for number, name in enumerate(["input"] if square else axis_names(rank)):
        varied = range(rank) if square else [number]
        present = spec.input[number]
        low, high = between or _around(present)
        passed = sorted(search.all(shape, varied, low, high), key=lambda e: abs(e - present))
        analysed = ((e, analysis_of(_with(shape, varied, e))) for e in passed[:limit])
        answers = {e: answer for e, answer in analysed if answer.ok and is_exact(answer.graph)}
        nearest = None if answers else search.nearest(shape, varied, present)
        more = len(passed[limit:]) if limit is not None else 0
        axes.append(
            AxisSolution(name, present, low, high, dict(sorted(answers.items())), more, nearest)
        )
    now = analysis_of(spec.input)
    return InputSolution(now, now.ok and is_exact(now.graph), tuple(axes))


def _around(extent: int) -> tuple[int, int]:
    """The extents to try where none are asked for."""
    reach = min(max(16, extent // 2), MOST_CANDIDATES // 2 - 1)
    return max(1, extent - reach), extent + reach


def _wired(spec: Spec) -> Graph:
    """The operations of a spec, of a larger input where they do not all come about."""
    for factor in (1, 2, 4, 8, 16, 32):
        shape = tuple(factor * extent for extent in spec.input[:-1])
        graph = graph_of(spec.sized(shape))
        if graph.output is not None:
            return graph
    return graph_of(spec)


def _with(shape: Sequence[int], varied: Iterable[int], extent: int) -> Shape:
    sized = list(shape)
    for axis in varied:
        sized[axis] = extent
    return tuple(sized)


class _Search:
    """Trials of extents on the operations of one spec."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        # Layers that are alike share their effects, as those of a trial share most with the next.
        self.known: dict[tuple[object, ...], Effect] = {}

    def all(self, shape: Sequence[int], varied: Iterable[int], low: int, high: int) -> list[int]:
        """The extents of the varied axes that pass."""
        return [
            extent
            for extent in range(max(low, 1), high + 1)
            if self.passes(_with(shape, varied, extent))
        ]

    def nearest(
        self,
        shape: Sequence[int],
        varied: Iterable[int],
        present: int,
        between: tuple[int, int] | None = None,
        only: int | None = None,
    ) -> int | None:
        """The extent nearest to the present one that passes."""
        for extent in _outwards(present, between or (1, present + MOST_CANDIDATES // 10)):
            if self.passes(_with(shape, varied, extent), only):
                return extent
        return None

    def passes(self, shape: Shape, only: int | None = None) -> bool:
        """Whether every operation is exact; of the windows, those of one axis if ``only``."""
        shapes: list[Shape] = []
        for node in self.graph.nodes:
            inputs = tuple(
                self._given(source, shape) if source <= INPUT else shapes[source]
                for source in node.inputs
            )
            if _misses(node.layer, inputs[0], only):
                return False
            effect = self._effect(node.layer, inputs)
            if effect.output is None or not _exact(node.layer, effect, len(shape) - 1, only):
                return False
            shapes.append(effect.output)
        return True

    def _given(self, source: int, shape: Shape) -> Shape:
        """The shape of an input: those that have the first one's extents are varied with it."""
        present = self.graph.shape(source) or ()
        same = present[:-1] == self.graph.input[:-1]
        return (*shape[:-1], present[-1]) if same else present

    def _effect(self, layer: Layer, inputs: tuple[Shape, ...]) -> Effect:
        key = (id(layer), *inputs)
        effect = self.known.get(key)
        if effect is None:
            effect = layer.effect(*inputs)
            if len(self.known) > MOST_CANDIDATES:
                self.known.clear()
            self.known[key] = effect
        return effect


class _Reread(_Search):
    """Trials of a spec whose layers depend on its input: each is read and traced as a whole."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(graph_of(spec))
        self.spec = spec

    @override
    def passes(self, shape: Shape, only: int | None = None) -> bool:
        sized = resized(self.spec, shape)
        graph = graph_of(sized)
        rank = len(shape) - 1
        return graph.output is not None and all(
            _exact(node.layer, node.effect, rank, only, len(node.slices)) for node in graph.nodes
        )


def _outwards(present: int, between: tuple[int, int]) -> Iterator[int]:
    """The numbers of a range, the nearest first."""
    low, high = max(between[0], 1), between[1]
    start = min(max(present, low), high)
    for away in range(max(high - start, start - low) + 1):
        for number in dict.fromkeys((start - away, start + away)):
            if low <= number <= high:
                yield number


def _misses(layer: Layer, shape: Shape, only: int | None) -> bool:
    """Whether the windows of a layer alone rule an input out.

    Its effect would say so, too, but takes its time to find what would fit instead.
    """
    if not isinstance(layer, (Convolution, Pool)) or isinstance(layer, TransposedConv):
        return False
    windows = layer.windows(shape)
    if isinstance(windows, Problem) or any(window.slack < 0 for window in windows):
        return True
    checked = windows if only is None or len(windows) <= only else windows[only : only + 1]
    return layer.padding != "same" and not all(window.exact for window in checked)


def _exact(
    layer: Layer, effect: Effect, rank: int, only: int | None = None, sliced: int = 0
) -> bool:
    """Whether a layer has no fault, and reads all of its input where its rounding hides that.

    Inside an ``each`` its windows slide along the axes behind the ``sliced`` ones.
    """
    for problem in effect.problems:
        hidden = only is not None and problem.rule == "invalid-stride"
        if problem.level == "error" and not hidden:
            return False
    if getattr(layer, "padding", None) == "same":
        return True  # an output of ⌈D/S⌉ is what it says
    windows = effect.windows
    if only is not None and sliced + len(windows) == rank:
        windows = windows[only - sliced : only - sliced + 1] if only >= sliced else ()
    return all(window.exact for window in windows if isinstance(window, Window))


def is_exact(graph: Graph) -> bool:
    """Whether no operation has a fault, or a rounding that hides that it leaves cells unread."""
    rank = len(graph.input) - 1
    return all(_exact(node.layer, node.effect, rank) for node in graph.nodes)
