"""For which extents every layer of an open spec is exact: the residues of its strides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.extents.letters import OpenInput
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.solve.inputs import is_exact
from cnnkit.analysis.solve.resize import resized
from cnnkit.errors import SpecError, UsageError
from cnnkit.spec.graph import Graph
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

LARGE = 512
"""An extent at which the windows of most networks fit; it is doubled where they do not."""

MOST_TRIALS = 4096
"""Of residues."""

Values = Mapping[str, int]


@dataclass(frozen=True)
class Extents:
    """The extents of one letter for which the whole is exact, ``step·n + residue``.

    Attributes:
        letter: The letter.
        step: The step of the residues: the strides multiplied.
        residues: Those for which the whole is exact; none where the rounding of some layer hides
            that none is.
        residue: The one for which the formulas hold.
        least: The smallest extent of this residue at which all windows fit.
    """

    letter: str
    step: int
    residues: tuple[int, ...]
    residue: int
    least: int

    @property
    def every(self) -> bool:
        """Whether every extent is exact."""
        return len(self.residues) == self.step

    @property
    def text(self) -> str:
        """The extents for which the formulas hold: ``H = 32·n + 1``."""
        return f"{self.letter} = {progression(self.step, self.residue)}"


def progression(step: int, residue: int) -> str:
    """``32·n + 1``."""
    if step == 1:
        return "n"
    return f"{step}·n + {residue}" if residue else f"{step}·n"


class Trials:
    """The spec with numbers put in.

    Raises:
        SpecError: The text has faults.
    """

    def __init__(self, given: OpenInput) -> None:
        self.given = given
        spec, findings = given.read(dict.fromkeys(given.letters, LARGE))
        if spec is None or any(each.level == "error" for each in findings):
            raise SpecError(findings)
        self._spec = spec

    def spec(self, values: Values) -> Spec:
        """The spec with these extents."""
        return resized(self._spec, self.given.shape(values))

    def analysis(self, values: Values) -> Analysis:
        """The analysis."""
        return analyze(self.spec(values))

    def graph(self, values: Values) -> Graph:
        """The operations alone."""
        return graph_of(self.spec(values))

    def fits(self, values: Values) -> bool:
        """Whether there is no error."""
        return _sound(self.graph(values))

    def exact(self, values: Values) -> bool:
        """Whether there is no error, and no rounding hides a quotient that is not whole."""
        graph = self.graph(values)
        return _sound(graph) and is_exact(graph)

    @cached_property
    def steps(self) -> dict[str, int]:
        """Of each letter, the extent after which the residues come again.

        Raises:
            UsageError: There are too many residues to try.
        """
        large = LARGE
        analysis = self.analysis(dict.fromkeys(self.given.letters, large))
        while analysis.output is None and large < 64 * LARGE:
            large *= 2
            analysis = self.analysis(dict.fromkeys(self.given.letters, large))
        found = {}
        for letter in self.given.letters:
            axes = self.given.axes(letter)
            strides = {
                Fraction(layer.fields[axis].stride)
                for layer in analysis.layers
                for axis in axes
                if layer.fields and not layer.fields[axis].pooled
            }
            found[letter] = math.lcm(*(each.numerator for each in strides), 1)
        if math.prod(found.values()) > MOST_TRIALS**2 or max(found.values()) > MOST_TRIALS:
            steps = ", ".join(f"{step:,} of {letter}" for letter, step in found.items())
            raise UsageError(f"the strides multiply to {steps}: too many residues to try")
        return found


def extents_of(trials: Trials) -> tuple[Extents, ...]:
    """The residues of each letter, and the one for which formulas are given.

    Raises:
        SpecError: There are no extents that the layers fit.
        UsageError: There are too many residues to try.
    """
    steps = trials.steps
    large = {letter: -(-LARGE // step) * step for letter, step in steps.items()}
    anchor = _first(trials.exact, large, steps) or _first(trials.fits, large, steps)
    if anchor is None:
        raise SpecError(trials.analysis(large).findings)
    residues = {
        letter: tuple(
            residue
            for residue in range(step)
            if trials.exact({**anchor, letter: large[letter] + residue})
        )
        for letter, step in steps.items()
    }
    rest = {letter: anchor[letter] % step for letter, step in steps.items()}
    least = {letter: rest[letter] or step for letter, step in steps.items()}
    while not trials.fits(least):
        least = {letter: value + steps[letter] for letter, value in least.items()}
        if max(least.values()) > 2 * max(anchor.values()):
            break
    return tuple(
        Extents(letter, step, residues[letter], rest[letter], least[letter])
        for letter, step in steps.items()
    )


def _sound(graph: Graph) -> bool:
    return graph.output is not None and not any(f.level == "error" for f in graph.findings)


def _first(
    passes: Callable[[Values], bool], large: Values, steps: Mapping[str, int]
) -> dict[str, int] | None:
    """The first residues that pass: of all letters alike, else of each its own."""
    for values in _candidates(large, steps):
        if passes(values):
            return values
    return None


def _candidates(large: Values, steps: Mapping[str, int]) -> Iterator[dict[str, int]]:
    for residue in range(max(steps.values())):
        yield {letter: large[letter] + residue % step for letter, step in steps.items()}
    if len(set(steps)) > 1 and math.prod(steps.values()) <= MOST_TRIALS:
        for residues in product(*(range(step) for step in steps.values())):
            yield {letter: large[letter] + r for letter, r in zip(steps, residues, strict=True)}
