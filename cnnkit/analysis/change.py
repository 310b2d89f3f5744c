"""What became of one figure, one field, one layer between two networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from cnnkit.analysis.align import settings
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.layers.base import Layer
from cnnkit.layers.window import Window

COUNTS = ("neurons", "parameters", "state", "macs", "activations")
"""The figures of a layer that are compared."""

Status = Literal["same", "changed", "inserted", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """A figure before and after; None where an error leaves it unknown.

    >>> Change(200, 210).percent
    Fraction(5, 1)
    """

    old: int | None
    new: int | None

    @property
    def absolute(self) -> int | None:
        """How much it grew."""
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def percent(self) -> Fraction | None:
        """How much it grew, in hundredths of what it was; None of what was nothing."""
        if self.absolute is None or not self.old:
            return Fraction(0) if self.absolute == 0 else None
        return Fraction(100 * self.absolute, self.old)

    def to_dict(self) -> dict[str, Any]:
        """Both figures, and the change in figures and in percent."""
        percent = self.percent
        return {
            "old": self.old,
            "new": self.new,
            "absolute": self.absolute,
            "percent": None if percent is None else _rounded(percent),
        }


@dataclass(frozen=True, slots=True)
class Setting:
    """A field that says another thing, as it is written; None where it is left out."""

    field: str
    old: str | None
    new: str | None

    def to_dict(self) -> dict[str, Any]:
        """The field and what it says."""
        return {"field": self.field, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class LayerChange:
    """One layer before and after.

    Attributes:
        old: The layer before; None where it is inserted.
        new: The layer after; None where it is removed.
        times: How many copies it stands for; its counts are those of all of them.
        group: Whether the layers inside it are listed apart, so that it counts nothing itself.
        aside: The fields that say nothing: names of tensors where both read the same ones.
    """

    old: LayerAnalysis | None
    new: LayerAnalysis | None
    times: int = 1
    group: bool = False
    aside: frozenset[str] = frozenset()

    @property
    def layer(self) -> LayerAnalysis:
        """The layer as it is now, or as it was where it is removed."""
        layer = self.new or self.old
        if layer is None:
            raise ValueError("a change has a layer before or after")
        return layer

    @cached_property
    def status(self) -> Status:
        """What became of it."""
        if self.old is None:
            return "inserted"
        if self.new is None:
            return "removed"
        return "changed" if self.differences else "same"

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The fields that say another thing."""
        if self.old is None or self.new is None:
            return ()
        before, after = (_written(side, group=self.group) for side in (self.old, self.new))
        alike = _alike_windows(self.old, self.new) | self.aside
        found = [
            Setting(field, before.get(field), after.get(field))
            for field in dict.fromkeys((*before, *after))
            if before.get(field) != after.get(field) and field not in alike
        ]
        if self.old.kind == self.new.kind:
            return tuple(found)
        kinds = Setting("kind", self.old.kind, self.new.kind)
        common = before.keys() & after.keys()  # the rest is what each kind has of its own
        return (kinds, *(setting for setting in found if setting.field in common))

    def count(self, name: str) -> Change:
        """One of the ``COUNTS``; a side without the layer counts 0."""
        return Change(*(self._count(side, name) for side in (self.old, self.new)))

    def _count(self, side: LayerAnalysis | None, name: str) -> int | None:
        if side is None or self.group:
            return 0
        return self.times * int(getattr(side, name)) if side.known else None

    @cached_property
    def differences(self) -> tuple[str, ...]:
        """What differs, by name: ``settings``, ``output``, ``parameters``, ``receptive_field``."""
        old, new = self.old, self.new
        if old is None or new is None:
            return ()
        found = ["settings"] if self.settings else []
        if self.group:
            return tuple(found)
        found += [name for name in ("input", "output") if getattr(old, name) != getattr(new, name)]
        found += [name for name in COUNTS if self.count(name).old != self.count(name).new]
        if old.operations != new.operations:
            found.append("operations")
        if old.fields != new.fields:
            found.append("receptive_field")
        if not found and old.children and _contents(old) != _contents(new):
            found.append("layers")
        return tuple(found)

    @property
    def distant(self) -> bool:
        """Whether only the field that it sees changed, by what lies before it."""
        return self.differences == ("receptive_field",)

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON shows it; every key is always there."""
        old, new = (side.to_dict() if side else None for side in (self.old, self.new))
        shown = ("input", "output", "receptive_field", "effective_stride")
        return {
            "status": self.status,
            "kind": self.layer.kind,
            "path": {"old": old and old["path"], "new": new and new["path"]},
            "times": self.times,
            "group": self.group,
            "differences": list(self.differences),
            "settings": [setting.to_dict() for setting in self.settings],
            **{key: {"old": old and old[key], "new": new and new[key]} for key in shown},
            **{name: self.count(name).to_dict() for name in COUNTS},
        }


def _written(side: LayerAnalysis, *, group: bool) -> dict[str, str]:
    """The fields of a layer as they would be written."""
    fields = settings(side.layer)
    if group and side.layer is not None:  # its activation is an operation listed apart
        fields = {name: v for name, v in fields.items() if name not in side.layer.activation_fields}
    return {name: _text(value) for name, value in fields.items() if value is not None}


def _alike_windows(old: LayerAnalysis, new: LayerAnalysis) -> frozenset[str]:
    """The fields that say of the windows of both what is the same for any extents.

    A stride that is left out is that of the kind, `valid` is no padding, `same` of stride 1 is so
    many cells, and one number is as many along each axis.
    """
    before, after = (_windows(side) for side in (old, new))
    if not before or old.kind != new.kind or len(before) != len(after):
        return frozenset()
    pairs = list(zip(before, after, strict=True))
    alike = {
        name
        for name, attribute in (("kernel", "size"), ("size", "size"), ("stride", "stride"))
        if all(getattr(one, attribute) == getattr(other, attribute) for one, other in pairs)
    }
    depends = any(getattr(side.layer, "padding", None) == "same" for side in (old, new))
    fixed = not depends or all(one.stride == other.stride == 1 for one, other in pairs)
    if fixed and all((one.before, one.after) == (two.before, two.after) for one, two in pairs):
        return frozenset({*alike, "padding"})
    return frozenset(alike)


def _windows(side: LayerAnalysis) -> Sequence[Window]:
    """The windows of a layer that is one operation with them, and perhaps an activation."""
    nodes = [side.graph.nodes[number].effect.windows for number in side.nodes]
    windows = nodes[0] if nodes and not any(nodes[1:]) else ()
    return [window for window in windows if isinstance(window, Window)]


def _text(value: object) -> str:
    """A value as a user writes it: ``true``, ``[3, 5]``, ``leaky_relu(slope 0.2)``."""
    if isinstance(value, Layer):
        fields = ", ".join(
            f"{name} {_text(item)}" for name, item in settings(value).items() if item
        )
        return f"{value.kind}({fields})" if fields else value.kind
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _contents(layer: LayerAnalysis) -> list[tuple[str, dict[str, str]]]:
    return [(leaf.kind, _written(leaf, group=False)) for leaf in layer.leaves()]


def _rounded(percent: Fraction) -> float | None:
    try:
        return round(float(percent), 4)
    except OverflowError:  # counts may exceed every float
        return None
