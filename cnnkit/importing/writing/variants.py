"""One block of uses that differ: in values, its arguments, and in layers that some lack."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnkit.importing.writing.arguments import NEUTRAL, Arguments, Vector
from cnnkit.importing.writing.blocks import VARIABLE, Data, kind_of
from cnnkit.layers.kinds import KINDS

Body = Sequence[Data] | None
"""The layers of one use; None where what they are in is not there."""
Column = list[Data | None]
"""One layer of a block in each of its uses; None in those that lack it."""
_VARIABLE = VARIABLE | {"channels"}
_PARTS = ("layers", "shortcut", "branches")


@dataclass
class Variants:
    """A block in the making.

    Attributes:
        count: How many uses there are.
        bodies: The blocks that are made already, whose uses stand in its layers.
        arguments: What differs.
    """

    count: int
    bodies: Mapping[str, Data]
    arguments: Arguments = field(init=False)

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.count)

    def template(self, uses: Sequence[Body]) -> tuple[list[Data], Data, list[Data]]:
        """The layers of the block, the defaults of its arguments, and the arguments of each use."""
        layers = self._layers(uses)
        return layers, self.arguments.defaults(), self.arguments.uses()

    def _layers(self, uses: Sequence[Body]) -> list[Data]:
        made = []
        for column in _columns(uses):
            there = [
                None if use is None else layer is not None
                for use, layer in zip(uses, column, strict=True)
            ]
            layer = self._layer(column)
            made.append(
                {"when": self._asked(kind_of(layer), there), **layer} if False in there else layer
            )
        return made

    def _asked(self, kind: str, there: Vector) -> Any:
        """The argument that says whether a layer is there, as others may be where it is."""
        for name, vector in self.arguments.vectors.items():
            if all(isinstance(each, bool) for each in vector) and vector == there:
                return f"${name}"
        return self.arguments.expression(re.sub(r"\W+", "_", kind), there)

    def _layer(self, column: Column) -> Data:
        first = next(layer for layer in column if layer is not None)
        kind = kind_of(first)
        every = [None if layer is None else layer[kind] for layer in column]
        names = dict.fromkeys(name for fields in every if fields for name in fields)
        made: Data = {}
        for name in names:
            if name == "branches":
                count = len(first[kind][name])
                made[name] = [
                    self._layers([None if each is None else each[name][at] for each in every])
                    for at in range(count)
                ]
            elif name in _PARTS:
                made[name] = self._layers(
                    [None if each is None else each.get(name, []) for each in every]
                )
            else:
                made[name] = self._value(kind, name, every)
        return {**({"name": first["name"]} if "name" in first else {}), kind: made}

    def _value(self, kind: str, name: str, every: Sequence[Data | None]) -> Any:
        usual = NEUTRAL.get(name)
        if kind in self.bodies:
            usual = self.bodies[kind].get("arguments", {}).get(name, usual)
        vector = [None if fields is None else fields.get(name, usual) for fields in every]
        return self.arguments.expression(name, vector)


def _columns(uses: Sequence[Body]) -> list[Column]:
    """The layers of all uses side by side, those that are alike in one column."""
    columns: list[Column] = []
    for at, use in enumerate(uses):
        rows = [next(each for each in column if each is not None) for column in columns]
        made: list[Column] = []
        for column, layer in _aligned(rows, use or ()):
            whole = columns[column] if column is not None else [None] * at
            made.append([*whole, layer])
        columns = made
    return columns


def _aligned(rows: Sequence[Data], layers: Sequence[Data]) -> list[tuple[int | None, Data | None]]:
    """Pairs of two lists that are most alike together, in the order of both."""
    height, width = len(rows), len(layers)
    says = [[_alike(row, layer) for layer in layers] for row in rows]
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for i in range(height - 1, -1, -1):
        for j in range(width - 1, -1, -1):
            pair = says[i][j] and says[i][j] + best[i + 1][j + 1]
            best[i][j] = max(pair, best[i + 1][j], best[i][j + 1])
    made: list[tuple[int | None, Data | None]] = []
    i = j = 0
    while i < height or j < width:
        paired = i < height and j < width and says[i][j]
        if paired and best[i][j] == paired + best[i + 1][j + 1]:
            made.append((i, layers[j]))
            i, j = i + 1, j + 1
        elif i < height and (j == width or best[i][j] == best[i + 1][j]):
            made.append((i, None))
            i += 1
        else:
            made.append((None, layers[j]))
            j += 1
    return made


def _alike(one: Data, other: Data) -> float:
    """How much two layers can be one of a block; 0 where they cannot."""
    if _key(one) != _key(other):
        return 0
    ours, theirs = one[kind_of(one)], other[kind_of(other)]
    same = sum(1 for name in ours if ours[name] == theirs.get(name))
    return float(1 + same / (1 + len(ours)))


def _key(layer: Data) -> object:
    """What layers have in common that can be one of a block."""
    kind = kind_of(layer)
    fields = layer[kind]
    if kind not in KINDS:
        return kind, layer.get("name")
    own = {
        name: repr(value)
        for name, value in fields.items()
        if name not in _VARIABLE and name not in _PARTS
    }
    varies = sorted(name for name in fields if name in _VARIABLE and name not in NEUTRAL)
    return kind, layer.get("name"), own, varies, len(fields.get("branches", ()))
