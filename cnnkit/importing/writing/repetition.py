"""Equal runs of layers, one after another, become `repeat`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.importing.writing.blocks import Data, kind_of, parts_of
from cnnkit.layers.kinds import KINDS

_LONGEST = 12
_PLAIN = ("activation", "pooling", "regularization", "shaping")


def folded(layers: Sequence[Data]) -> list[tuple[Data, int]]:
    """The layers with equal runs folded, each with the number of layers that it stands for."""
    made: list[tuple[Data, int]] = []
    index = 0
    while index < len(layers):
        period, times = _longest(layers, index)
        if times > 1:
            body = [_inner(layer) for layer in layers[index : index + period]]
            made.append(({"repeat": {"times": times, "layers": body}}, period * times))
        else:
            made.append((_inner(layers[index]), 1))
        index += period * times
    return made


def fold(layers: Sequence[Data]) -> list[Data]:
    """The layers with equal runs folded."""
    return [layer for layer, _ in folded(layers)]


def _inner(layer: Data) -> Data:
    if not parts_of(layer):
        return layer
    kind = kind_of(layer)
    fields: dict[str, Any] = dict(layer[kind])
    for name in ("layers", "shortcut"):
        if name in fields:
            fields[name] = fold(fields[name])
    if "branches" in fields:
        fields["branches"] = [fold(part) for part in fields["branches"]]
    return {**{key: value for key, value in layer.items() if key != kind}, kind: fields}


def _longest(layers: Sequence[Data], start: int) -> tuple[int, int]:
    """The period and the times of the run that covers most; once where there is none."""
    best = (1, 1)
    for period in range(1, min(_LONGEST, (len(layers) - start) // 2) + 1):
        pattern = layers[start : start + period]
        if any(kind_of(layer) in ("save", "load", "merge", "output") for layer in pattern):
            break
        if all(KINDS.get(kind_of(layer)) in _PLAIN for layer in pattern):
            continue
        times = 1
        while layers[start + times * period : start + (times + 1) * period] == pattern:
            times += 1
        if times > 1 and times * period > best[0] * best[1]:
            best = (period, times)
    return best
