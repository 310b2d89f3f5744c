"""What is shown of a comparison of two networks, in the words of all formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.analysis.compare import Comparison
from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import Shape, show
from cnnkit.presentation.numbers import memory, plural, printable
from cnnkit.report.analysis.rows import kind_of
from cnnkit.report.analysis.summary import field_sizes, title
from cnnkit.spec.model.section import BYTES

if TYPE_CHECKING:
    from cnnkit.analysis.change import Change, LayerChange, Setting
    from cnnkit.analysis.condition import Condition
    from cnnkit.analysis.layer import LayerAnalysis


_LABELS = {
    "neurons": "neurons",
    "parameters": "parameters",
    "state": "state",
    "macs": "MACs",
    "macs_without_heads": "MACs without heads",
    "activations": "activations",
    "inference_memory": "inference memory",
    "memory_traffic": "memory traffic",
    "training_memory": "training memory",
}
MARKS = {"same": " ", "changed": "~", "inserted": "+", "removed": "−"}
"""What stands before a layer."""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """What of a comparison is shown.

    Attributes:
        comparison: The whole.
        conditions: What was asked of it, each with whether it is met, None if unknown.
        complete: Whether layers that are the same are shown, too.
    """

    comparison: Comparison
    conditions: Sequence[tuple[Condition, bool | None]] = ()
    complete: bool = False

    @property
    def layers(self) -> list[LayerChange]:
        """The layers that are shown: those that changed more than what they see."""
        changes = self.comparison.layers
        if self.complete:
            return list(changes)
        return [change for change in changes if change.status != "same" and not change.distant]

    @property
    def captions(self) -> list[str]:
        """What must be known to read the layers, and what is not shown of them."""
        said = []
        if any(change.times > 1 and not change.group for change in self.layers):
            said.append("×n: one of n copies that are alike, the figures are of all n")
        if self.complete:
            return said
        distant = sum(change.distant for change in self.comparison.layers)
        same = sum(change.status == "same" for change in self.comparison.layers)
        if distant:
            only = "is the same but sees" if distant == 1 else "are the same but see"
            said.append(f"{plural(distant, 'layer')} {only} another field of the input")
        if same:
            said.append(f"{plural(same, 'layer')} {'is' if same == 1 else 'are'} the same")
        return said


class Total(NamedTuple):
    """A row of the totals, in words."""

    label: str
    old: str
    new: str
    absolute: str
    percent: str
    grown: int


def heading(comparison: Comparison) -> str:
    """What is compared: one name, or both."""
    old, new = title(comparison.old), title(comparison.new)
    return new if old == new else f"{old} → {new}"


def sources(comparison: Comparison) -> tuple[str, str]:
    """The files of both sides."""
    old, new = (
        (side.spec.origin.file or "-") if isinstance(side, Analysis) else side.file
        for side in (comparison.old, comparison.new)
    )
    return printable(old), printable(new)


def verdict(view: ComparisonView) -> str:
    """The comparison in a few words."""
    comparison = view.comparison
    if not comparison.readable:
        return "cannot be compared"
    if comparison.same:
        return "no difference"
    if comparison.same_operations:
        return "the same operations, written in another way"
    if comparison.partial:
        return "an error leaves figures unknown"
    changes = [("parameters", "parameters"), ("macs", "MACs")]
    grown = [
        f"{label} {percent(comparison.totals[name])}"
        for name, label in changes
        if comparison.totals[name].absolute
    ]
    return ", ".join(grown) or "same parameters and MACs"


def changed(comparison: Comparison) -> str:
    """How many layers are changed, inserted and removed."""
    counts = Counter(change.status for change in comparison.layers if not change.distant)
    parts: list[str] = []
    for status in ("changed", "inserted", "removed"):
        if counts[status]:
            noun = f" {'layer' if counts[status] == 1 else 'layers'}" if not parts else ""
            parts.append(f"{counts[status]:,}{noun} {status}")
    return ", ".join(parts) or "no layer changed"


def totals(comparison: Comparison) -> list[Total]:
    """The totals of both sides, those left out that say nothing of these networks."""
    rows = []
    for name, label in _LABELS.items():
        change = comparison.totals[name]
        if name == "macs_without_heads" and change == comparison.totals["macs"]:
            continue
        if change.old is change.new is None and not comparison.partial:
            continue  # not defined in this precision
        if name == "state" and not change.old and not change.new:
            continue
        of_bytes = name in BYTES
        old, new = (
            "?" if value is None else memory(value) if of_bytes else f"{value:,}"
            for value in (change.old, change.new)
        )
        absolute = signed(change.absolute, of_bytes=of_bytes)
        rows.append(Total(label, old, new, absolute, percent(change), change.absolute or 0))
    return rows


def fields(comparison: Comparison) -> tuple[str, str]:
    """The receptive fields of both networks; empty where there is none."""
    old, new = (
        field_sizes(side.tree.fields) if isinstance(side, Analysis) else ""
        for side in (comparison.old, comparison.new)
    )
    return old, new


def signed(value: int | None, *, of_bytes: bool = False) -> str:
    """A change with its sign: ``+1,200``, ``−1.5 KiB``; ``?`` where it is unknown."""
    if value is None:
        return "?"
    if not value:
        return "0"
    size = memory(abs(value)) if of_bytes else f"{abs(value):,}"
    return f"{'+' if value > 0 else '−'}{size}"


def percent(change: Change) -> str:
    """A change in percent: ``+2.3 %``, with as many decimals as tell it from nothing."""
    value = change.percent
    if change.absolute is None:
        return "?"
    if value is None:
        return "new"
    if not value:
        return "0 %"
    size, decimals = abs(value), 1
    while decimals < 6 and size < Fraction(1, 2 * 10**decimals):
        decimals += 1
    if size >= 1000:
        decimals = 0
    digits = round(size * 10**decimals)
    if not digits:
        return "≈ 0 %"
    whole, rest = divmod(digits, 10**decimals)
    text = f"{whole:,}.{rest:0{decimals}d}" if decimals else f"{whole:,}"
    return f"{'+' if value > 0 else '−'}{text} %"


def figures(change: Change) -> str:
    """Both figures of a total and its growth: ``40 → 50, +10``."""
    old, new = ("?" if value is None else f"{value:,}" for value in (change.old, change.new))
    return f"{old} → {new}, {signed(change.absolute)}"


def setting_text(setting: Setting) -> str:
    """A field that says another thing: ``kernel 5 → 3``."""
    return printable(f"{setting.field} {setting.old or 'unset'} → {setting.new or 'unset'}")


def path_of(change: LayerChange) -> str:
    """The path of the layer as it is now, or as it was."""
    return printable(change.layer.path)


def kind_text(comparison: Comparison, change: LayerChange) -> str:
    """The kind of a layer, with its fused activation, and its copies."""
    side = comparison.new if change.new else comparison.old
    kind = kind_of(side, change.layer) if isinstance(side, Analysis) else change.layer.kind
    copies = f" ×{change.times}" if change.times > 1 and not change.group else ""
    return printable(kind + copies)


def output_text(change: LayerChange) -> str:
    """The shape that goes out, or what it was and what it is."""
    return _both(change, lambda layer: _shape(layer.output))


def field_text(change: LayerChange) -> str:
    """The receptive field, or what it was and what it is."""
    return _both(change, lambda layer: field_sizes(layer.fields))


def _both(change: LayerChange, text: Callable[[LayerAnalysis], str]) -> str:
    sides: list[LayerAnalysis] = [side for side in (change.old, change.new) if side is not None]
    return " → ".join(dict.fromkeys(filter(None, map(text, sides))))


def _shape(shape: Shape | None) -> str:
    return show(shape) if shape else "?"
