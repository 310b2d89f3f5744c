"""Two analyses compared: layer by layer, in total, and by their findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from cnnkit.analysis.align import LayerPair, aligned
from cnnkit.analysis.change import Change, LayerChange, Setting
from cnnkit.analysis.result import Analysis, Unreadable
from cnnkit.errors import Finding
from cnnkit.layers.shape import show_each
from cnnkit.spec.model.section import TOTALS
from cnnkit.spec.operations import same_operations

FORMAT = 1
"""The version of the JSON that ``Comparison.to_dict`` gives."""

Result = Analysis | Unreadable

_NAMES_OF_TENSORS = frozenset({"tensor", "others", "context", "to"})


@dataclass(frozen=True)
class Comparison:
    """What changed from one network to another.

    Attributes:
        old: The analysis before, or why there is none.
        new: The analysis after, or why there is none.
        layers: The layers side by side; empty where a side cannot be read.
        totals: The figures of the whole, by their names; empty where a side cannot be read.
        settings: What differs for the network as a whole: its input, its rounding.
        gained: The findings that only the new network has.
        lost: The findings that only the old one had.
    """

    old: Result
    new: Result
    layers: tuple[LayerChange, ...]
    totals: Mapping[str, Change]
    settings: tuple[Setting, ...]
    gained: tuple[Finding, ...]
    lost: tuple[Finding, ...]

    def _repr_html_(self) -> str:
        """The comparison as a notebook shows it."""
        # By its name: reports are above the analysis, and are loaded where one is shown.
        shown: str = import_module("cnnkit.report.notebook").comparison_html(self)
        return shown

    @property
    def readable(self) -> bool:
        """Whether both sides could be read."""
        return isinstance(self.old, Analysis) and isinstance(self.new, Analysis)

    @property
    def ok(self) -> bool:
        """Whether both could be read and the new network has no finding of level error."""
        return self.readable and self.new.ok

    @property
    def partial(self) -> bool:
        """Whether an error leaves the totals of a side unknown."""
        # All are unknown together; of a precision of inference, the memory of training alone is.
        return "parameters" in self.totals and self.totals["parameters"].absolute is None

    @cached_property
    def changes(self) -> tuple[LayerChange, ...]:
        """The layers that are not the same."""
        return tuple(change for change in self.layers if change.status != "same")

    @property
    def same(self) -> bool:
        """Whether nothing differs that the analysis sees."""
        return self.readable and not (self.changes or self.settings or self.gained or self.lost)

    @cached_property
    def same_operations(self) -> bool:
        """Whether both compute the same, in whatever words: blocks and names may differ."""
        if not isinstance(self.old, Analysis) or not isinstance(self.new, Analysis):
            return False
        return same_operations(self.old.graph, self.new.graph)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON shows it; every key is always there."""
        changes = Counter(change.status for change in self.layers)
        return {
            "format": FORMAT,
            "same": self.same,
            "same_operations": self.same_operations,
            "old": _side(self.old),
            "new": _side(self.new),
            "settings": [setting.to_dict() for setting in self.settings],
            "totals": {name: change.to_dict() for name, change in self.totals.items()} or None,
            "counts": {name: changes[name] for name in ("changed", "inserted", "removed", "same")},
            "layers": [change.to_dict() for change in self.layers],
            "findings": {
                "gained": [finding.to_dict() for finding in self.gained],
                "lost": [finding.to_dict() for finding in self.lost],
            },
        }


def compare(old: Result, new: Result, depth: int | None = None) -> Comparison:
    """What changed from ``old`` to ``new``, layers down to ``depth`` levels.

    Layers are aligned by ``cnnkit.analysis.align``; totals are for the settings of each side.
    """
    gained, lost = _only(new.findings, old.findings), _only(old.findings, new.findings)
    if not isinstance(old, Analysis) or not isinstance(new, Analysis):
        return Comparison(old, new, (), {}, (), new.findings, old.findings)
    # Where the same operations read the same tensors, it makes no difference what these are called.
    aside = _NAMES_OF_TENSORS if same_operations(old.graph, new.graph) else frozenset()
    layers = tuple(_changes(aligned(old.tree, new.tree, depth), aside))
    before, after = _totals(old), _totals(new)
    totals = {name: Change(before.get(name), after.get(name)) for name in TOTALS}
    return Comparison(old, new, layers, totals, tuple(_network(old, new)), gained, lost)


def _totals(analysis: Analysis) -> dict[str, int]:
    """The totals; none where an error leaves a layer out of them."""
    known = all(layer.known for layer in analysis.layers)
    return analysis.totals.to_dict() if known else {}


def _changes(pairs: Iterable[LayerPair], aside: frozenset[str]) -> Iterator[LayerChange]:
    for old, new, times, inside in pairs:
        change = LayerChange(old, new, times, group=inside, aside=aside)
        if not inside or change.settings:  # a group is listed for what it says itself
            yield change


def _network(old: Analysis, new: Analysis) -> Iterator[Setting]:
    rows = (
        ("input", show_each(old.graph.inputs), show_each(new.graph.inputs)),
        ("output", show_each(old.graph.given), show_each(new.graph.given)),
        ("rounding", old.spec.rounding, new.spec.rounding),
    )
    yield from (Setting(*row) for row in rows if row[1] != row[2])


def _only(findings: tuple[Finding, ...], others: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that the others have not, or not as often; wherever in the file they are."""
    left = Counter(map(_said, others))
    found = []
    for finding in findings:
        if left[_said(finding)]:
            left[_said(finding)] -= 1
        else:
            found.append(finding)
    return tuple(found)


def _said(finding: Finding) -> tuple[str, ...]:
    return finding.rule, finding.level, finding.message


def _side(result: Result) -> dict[str, Any]:
    if isinstance(result, Unreadable):
        return {"name": None, "file": result.file, "input": None, "output": None, "readable": False}
    return {
        "name": result.name,
        "file": result.spec.origin.file,
        "input": list(result.input),
        "output": list(result.output) if result.output else None,
        "readable": True,
    }
