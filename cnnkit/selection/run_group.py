"""Runs side by side, of one recipe and of splits of the same sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnkit.training.compute.figures import Figures, of_totals
from cnnkit.training.engine import Engine, on_host
from cnnkit.training.prepare.material import Material
from cnnkit.training.prepare.sealed import RunExamples


class RunGroup:
    """Some runs and how far they are, on an engine that other groups may use in between.

    Args:
        engine: What trains them; it is compiled with the first group that it trains.
        materials: One of each run; by default those that the engine was made with.
        recalls: The recalls that are wanted of single classes, as ``figures`` takes them.
    """

    def __init__(
        self,
        engine: Engine,
        materials: Sequence[Material] | None = None,
        recalls: Mapping[str, int] = {},
    ) -> None:
        self.engine = engine
        self.materials = tuple(materials or engine.materials)
        self.recalls = recalls
        engine.turn_to(self.materials)
        self.state = engine.start()
        engine.compile(self.state, ("validation",))

    def epoch(self, number: int) -> list[Figures]:
        """Trains all of them for the epoch of a number, from 1 on; their figures in training."""
        self.engine.turn_to(self.materials)
        self.state = self.engine.epoch(self.state, number)
        return [of_totals(each) for each in self.engine.each(on_host(self.state.totals))]

    def judged(self) -> list[Figures]:
        """What each makes of the examples that it was held out."""
        self.engine.turn_to(self.materials)
        totals = self.engine.evaluate(self.state, "validation", lambda: False)
        return [of_totals(each, self.recalls) for each in self.engine.each(totals)]

    def failed(self) -> list[int]:
        """The steps at which runs lost their numbers."""
        return [step for step in self.engine.failed(self.state) if step is not None]


def of_equal_size(parts: Sequence[RunExamples], numbers: Sequence[int]) -> list[list[int]]:
    """The numbers of parts, those of the same sizes together: these share what is compiled."""
    found: dict[tuple[int, int], list[int]] = {}
    for number in numbers:
        part = parts[number]
        found.setdefault((len(part.train), len(part.held)), []).append(number)
    return list(found.values())


def group_size(count: int, width: int) -> int:
    """The largest group up to a width that a count can be cut into: all groups have one shape.

    >>> group_size(10, 4), group_size(7, 3)
    (2, 1)
    """
    return max(size for size in range(1, max(1, min(width, count)) + 1) if count % size == 0)
