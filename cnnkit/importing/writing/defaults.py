"""Fields that most layers of a kind share go to `defaults:`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from cnnkit.importing.writing.blocks import Data, kind_of, lists
from cnnkit.layers.kinds import KINDS

_FEWEST = 3
_OPPOSITE: dict[str, Any] = {"bias": True, "padding": 0, "stride": 1}
"""What a layer says to be as if the default were not there."""


def lift_defaults(bodies: Iterable[list[Data]]) -> dict[str, Data]:
    """Takes what is shared out of the layers, and gives it by kind."""
    found: dict[str, list[Data]] = defaultdict(list)
    for body in bodies:
        for each in lists(body):
            for layer in each:
                kind = kind_of(layer)
                if KINDS.get(kind) in ("convolution", "dense", "normalization", "pooling"):
                    found[kind].append(layer[kind])
    defaults: dict[str, Data] = {}
    for kind, layers in found.items():
        shared = {name: value for name, value in _shared(layers).items() if value is not None}
        for fields in layers:
            for name, value in shared.items():
                if name not in fields:
                    fields[name] = _OPPOSITE[name]
                elif fields[name] == value:
                    del fields[name]
        if shared:
            defaults[kind] = shared
    return defaults


def _shared(layers: list[Data]) -> Data:
    """The value of each field that is better said once."""
    shared: Data = {}
    for name in dict.fromkeys(name for fields in layers for name in fields):
        counted = Counter(repr(fields[name]) for fields in layers if name in fields)
        ((text, times),) = counted.most_common(1)
        value = next(fields[name] for fields in layers if repr(fields.get(name)) == text)
        if _names_argument(value) or name in ("filters", "units"):
            continue
        everywhere = times == len(layers) >= _FEWEST
        mostly = name == "bias" and times * 2 > len(layers) > 1
        if everywhere or mostly:
            shared[name] = value
    return shared


def _names_argument(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$")
