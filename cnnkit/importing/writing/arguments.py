"""What differs between copies of one figure, as few arguments as say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Vector = list[Any]
"""A value for each copy; None where the copy does without."""

CHANNELS = ("filters", "units", "start", "stop", "groups")
"""Fields that count channels: where one is a multiple of another it is written so."""
NEUTRAL: dict[str, Any] = {
    "stride": 1,
    "padding": 0,
    "groups": 1,
    "dilation": 1,
    "multiplier": 1,
    "project": False,
}
"""What a field is where a layer leaves it out."""
_MOST = 8


@dataclass(slots=True)
class Arguments:
    """The arguments of a block in the making, each with its value for each copy."""

    count: int
    vectors: dict[str, Vector] = field(default_factory=dict)

    def expression(self, field_name: str, vector: Vector) -> Any:
        """What stands in the block for a field of these values: a constant or an expression."""
        known = [value for value in vector if value is not None]
        if all(value == known[0] for value in known):
            return known[0]
        for name, other in self.vectors.items():
            if _base(name) == _base(field_name) and _agree(other, vector):
                pairs = zip(other, vector, strict=True)
                self.vectors[name] = [a if a is not None else b for a, b in pairs]
                return f"${name}"
        if _base(field_name) in CHANNELS:
            for name, other in self.vectors.items():
                if _base(name) in CHANNELS and (text := _multiple(name, other, vector)):
                    return text
        name, number = field_name, 1
        while name in self.vectors:
            number += 1
            name = f"{field_name}{number}"
        self.vectors[name] = list(vector)
        return f"${name}"

    def defaults(self) -> dict[str, Any]:
        """The value that each argument has where a use leaves it out, or ``required``."""
        found: dict[str, Any] = {}
        for name, vector in self.vectors.items():
            counted = Counter(map(repr, (value for value in vector if value is not None)))
            ((text, times),) = counted.most_common(1)
            neutral = NEUTRAL.get(_base(name))
            if neutral is not None and repr(neutral) in counted:
                found[name] = neutral
            elif times * 2 > self.count:
                found[name] = next(value for value in vector if repr(value) == text)
            else:
                found[name] = "required"
        return found

    def uses(self) -> list[dict[str, Any]]:
        """The arguments of each copy, without those that have their default."""
        defaults = self.defaults()
        return [
            {
                name: _filled(vector, index, defaults[name])
                for name, vector in self.vectors.items()
                if _filled(vector, index, defaults[name]) != defaults[name]
            }
            for index in range(self.count)
        ]


def _filled(vector: Vector, index: int, default: Any) -> Any:
    """The value of a copy; what it does without is the default, or the first that another has."""
    if vector[index] is not None:
        return vector[index]
    return default if default != "required" else next(v for v in vector if v is not None)


def _base(name: str) -> str:
    return name.rstrip("0123456789")


def _agree(one: Vector, other: Vector) -> bool:
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _multiple(name: str, known: Vector, vector: Vector) -> str | None:
    """An expression of one argument, where the values are a multiple or a part of it."""
    pairs = [(a, b) for a, b in zip(known, vector, strict=True) if b is not None]
    if not all(type(a) is int and type(b) is int and a and b for a, b in pairs):
        return None
    _a, _b = pairs[0]
    for times in range(2, _MOST + 1):
        if all(b == times * a for a, b in pairs):
            return f"$({times} * {name})"
        if all(a == times * b for a, b in pairs):
            return f"$({name} // {times})"
    return None


def halves(kernels: Sequence[Any], paddings: Sequence[Any]) -> bool:
    """Whether each padding is half of its kernel, rounded down, as keeps the extents."""
    pairs = [(k, p) for k, p in zip(kernels, paddings, strict=True) if k is not None]
    return len({repr(k) for k, _ in pairs}) > 1 and all(
        type(k) is int and type(p) is int and p == k // 2 for k, p in pairs
    )
