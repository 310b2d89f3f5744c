"""The figures of an open spec as formulas of its letters.

The spec is analysed with numbers on a grid of the extents for which it is exact; there each extent
is linear in its letter and each figure a polynomial, which the grid determines. Every formula is
then held to the numbers at other extents, the smallest among them, and one that fails is not given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from cnnkit.analysis.extents.letters import OpenInput
from cnnkit.analysis.extents.polynomial import Polynomial, interpolated
from cnnkit.analysis.extents.residues import Extents, Trials, Values, extents_of
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding, UsageError
from cnnkit.layers.shape import Shape

FORMAT = 1
"""The version of the JSON that ``OpenAnalysis.to_dict`` gives."""

COUNTS = ("neurons", "parameters", "state", "macs", "activations")
"""The figures that are given as formulas."""

Point = tuple[int, ...]
"""An extent for each letter."""

Formula = Polynomial | None
"""None where the figure is no polynomial of the letters."""


@dataclass(frozen=True)
class LayerFormulas:
    """One layer.

    Attributes:
        sample: The layer at one size.
        input: The extents that come in and the channels, a formula each.
        output: Those that go out.
        counts: The figures of ``COUNTS``.
    """

    sample: LayerAnalysis
    input: tuple[Formula, ...]
    output: tuple[Formula, ...]
    counts: Mapping[str, Formula]

    def to_dict(self) -> dict[str, Any]:
        """The formulas as JSON shows them."""
        return {
            "path": self.sample.path,
            "kind": self.sample.kind,
            "input": [_said(each) for each in self.input],
            "output": [_said(each) for each in self.output],
            **{name: _said(formula) for name, formula in self.counts.items()},
        }


@dataclass(frozen=True)
class OpenAnalysis:
    """The analysis of a spec with open extents.

    Attributes:
        given: The text and its input.
        extents: For which extents of each letter the whole is exact.
        sample: The analysis with numbers, those of ``values``.
        values: The numbers.
        layers: The layers that hold no others, or those down to a depth.
        output: The extents that the network gives and its channels.
        totals: The figures of ``COUNTS``.
    """

    given: OpenInput
    extents: tuple[Extents, ...]
    sample: Analysis
    values: Values
    layers: tuple[LayerFormulas, ...]
    output: tuple[Formula, ...]
    totals: Mapping[str, Formula]

    @property
    def name(self) -> str | None:
        """The network's name."""
        return self.sample.name

    @property
    def exact(self) -> bool:
        """Whether there are extents for which every layer is exact."""
        return all(each.residues for each in self.extents)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong at every size, and what is to be known."""
        return self.sample.findings

    def to_dict(self) -> dict[str, Any]:
        """The analysis as JSON shows it; every key is always there."""
        return {
            "format": FORMAT,
            "name": self.name,
            "input": self.given.text,
            "extents": [
                {
                    "letter": each.letter,
                    "step": each.step,
                    "residues": list(each.residues),
                    "residue": each.residue,
                    "least": each.least,
                }
                for each in self.extents
            ],
            "output": [_said(each) for each in self.output],
            "layers": [layer.to_dict() for layer in self.layers],
            "totals": {name: _said(formula) for name, formula in self.totals.items()},
            "findings": [finding.to_dict() for finding in self.findings],
        }


def open_analysis(given: OpenInput, depth: int | None = None) -> OpenAnalysis:
    """The formulas of a spec with an open input, layers down to ``depth`` levels.

    Raises:
        SpecError: The text has faults, or there are no extents that the layers fit.
        UsageError: There are too many residues to try, or the layers change with the extents.
    """
    trials = Trials(given)
    extents = extents_of(trials)
    known: dict[Point, Analysis] = {}

    def at(point: Point) -> Analysis:
        if point not in known:
            values = dict(zip(given.letters, point, strict=True))
            known[point] = trials.analysis(values)
        return known[point]

    # Twice the axes of a letter: attention multiplies each position by each.
    grid = [
        [each.least + each.step * (1 + n) for n in range(2 * len(given.axes(each.letter)) + 1)]
        for each in extents
    ]
    fitted = _Fit(given, grid, at, list(_others(extents)), depth)
    sample = at(tuple(knots[0] for knots in grid))
    values = {each.letter: knots[0] for each, knots in zip(extents, grid, strict=True)}
    layers = tuple(fitted.layer(index) for index in range(len(sample.at_depth(depth))))
    output = fitted.output()
    totals = {name: fitted.total(name) for name in COUNTS}
    return OpenAnalysis(given, extents, sample, values, layers, output, totals)


def _others(extents: tuple[Extents, ...]) -> Iterator[Point]:
    """Points beside the grid: the smallest, one far away, and one of unlike extents."""
    yield tuple(each.least for each in extents)
    yield tuple(each.least + 17 * each.step for each in extents)
    yield tuple(each.least + (11 + 3 * n) * each.step for n, each in enumerate(extents))


class _Fit:
    """Formulas through the analyses of a grid, held to those of other points."""

    def __init__(
        self,
        given: OpenInput,
        grid: list[list[int]],
        at: Callable[[Point], Analysis],
        others: list[Point],
        depth: int | None,
    ) -> None:
        self.letters = given.letters
        self.grid = grid
        self.at = at
        self.others = others
        self.found: dict[Point, Formula] = {}
        points = [*product(*grid), *others]
        self.rows = {point: at(point).at_depth(depth) for point in points}
        if len({tuple((row.path, row.kind) for row in rows) for rows in self.rows.values()}) > 1:
            raise UsageError(
                f"the layers of {given.text} change with its extents: give numbers, such as "
                "--set input=224x224x3"
            )

    def total(self, name: str) -> Formula:
        """A figure of the whole."""
        return self._formula(lambda point: int(getattr(self.at(point).totals, name)))

    def output(self) -> tuple[Formula, ...]:
        """The shape that the network gives."""
        return self._shape(lambda point: self.at(point).output)

    def layer(self, index: int) -> LayerFormulas:
        """All formulas of a layer."""
        rows = {point: rows[index] for point, rows in self.rows.items()}
        counts = {name: self._count(rows, name) for name in COUNTS}
        return LayerFormulas(
            rows[tuple(knots[0] for knots in self.grid)],
            self._shape(lambda point: rows[point].input),
            self._shape(lambda point: rows[point].output),
            counts,
        )

    def _count(self, rows: Mapping[Point, LayerAnalysis], name: str) -> Formula:
        return self._formula(lambda point: int(getattr(rows[point], name)))

    def _shape(self, of: Callable[[Point], Shape | None]) -> tuple[Formula, ...]:
        """A shape, an axis each."""
        shapes = {point: of(point) or () for point in self.rows}
        ranks = {len(shape) for shape in shapes.values()}
        return tuple(self._axis(shapes, axis) for axis in range(min(ranks)))

    def _axis(self, shapes: Mapping[Point, Shape], axis: int) -> Formula:
        return self._formula(lambda point: shapes[point][axis])

    def _formula(self, value: Callable[[Point], int]) -> Formula:
        values = tuple(map(value, self.rows))
        if values not in self.found:  # most figures are those of another layer, or 0
            self.found[values] = self._fitted(dict(zip(self.rows, values, strict=True)))
        return self.found[values]

    def _fitted(self, values: Mapping[Point, int]) -> Formula:
        found = interpolated(self.letters, self.grid, values.__getitem__)
        for point in self.others:
            if found.at(dict(zip(self.letters, point, strict=True))) != values[point]:
                return None
        return found


def _said(formula: Formula) -> int | str | None:
    """A formula in JSON: a number where it depends on no letter."""
    if formula is None:
        return None
    return formula.text if formula.constant is None else formula.constant
