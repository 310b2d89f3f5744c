"""What a rule is, and what the rules of this folder share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from cnnkit.analysis.result import Analysis, LayerAnalysis
from cnnkit.errors import Finding, Level, Location
from cnnkit.layers.block import Block

Check: TypeAlias = Callable[[Analysis], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of this folder.

    Attributes:
        name: The fault, such as ``redundant-bias``.
        level: The level of its findings, unless a configuration says another.
        default: Whether it is applied where nothing selects it.
        page: What it finds, why that is a fault, an example, and what to write instead.
        check: Finds the fault in an analysis; None where reading or analysing finds it.
    """

    name: str
    level: Level
    default: bool
    page: str
    check: Check | None

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


def walk(
    layer: LayerAnalysis, above: tuple[LayerAnalysis, ...] = ()
) -> Iterator[tuple[LayerAnalysis, tuple[LayerAnalysis, ...]]]:
    """A layer and all inside it, each with the layers that it stands in, outermost first."""
    yield layer, above
    for child in layer.children:
        yield from walk(child, (*above, layer))


def finding(
    rule: str,
    layer: LayerAnalysis,
    above: Iterable[LayerAnalysis],
    message: str,
    advice: str,
    field: tuple[str | int, ...] = (),
) -> Finding:
    """A finding at a field of a layer, or at the layer; its level is that of the rule's table."""
    uses = [use.location for use in above if isinstance(use.layer, Block)]
    used_at = tuple(location for location in reversed(uses) if location is not None)
    location: Location | None = layer.place.find(field) if layer.place else None
    return Finding(rule, "warning", message, advice, location, layer.path or None, used_at)
