"""Two networks side by side: which layer of one is which layer of the other.

The layers of each level are aligned so that the pairs say most: the same name, then the same
kind with the same fields, then the same kind, then another kind of the same family. So a layer
that is put in front moves the others instead of changing them, and a width that is doubled
everywhere changes each layer instead of moving them by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.tree import folded, visible
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block
from cnnkit.layers.composition import Repeat
from cnnkit.layers.joining import Joined

# What a pair says: two of the same kind say more than one alike and one left over.
_NAME, _ALIKE, _KIND, _FAMILY = 16, 4, 3, 1
# The table of all pairs is as long as this at most; 500 by 500 takes a fifth of a second.
_TABLE = 250_000


class LayerPair(NamedTuple):
    """A layer before and after; None where there is none.

    Attributes:
        old: The layer before.
        new: The layer after.
        times: How many copies it stands for, inside repeats whose copies are alike.
        inside: Whether the layers inside it follow as pairs of their own.
    """

    old: LayerAnalysis | None
    new: LayerAnalysis | None
    times: int = 1
    inside: bool = False


def aligned(
    old: LayerAnalysis, new: LayerAnalysis, depth: int | None = None
) -> Iterator[LayerPair]:
    """The pairs of two networks down to ``depth`` levels, in order.

    A layer with others inside comes before them, with ``inside`` set, where both sides hold
    layers; the pairs without it count every operation once.
    """
    yield from _Alignment().inner(LayerPair(old, new), depth)


def settings(layer: Layer | None) -> dict[str, object]:
    """The fields of a layer that say what it is itself; layers inside it are left out."""
    if layer is None:
        return {}
    fields = {field: getattr(layer, field) for field in type(layer).model_fields}
    if isinstance(layer, Block):
        del fields["block"]  # the kind that a report shows is the block's name
    if isinstance(layer, Joined):
        del fields["labels"]  # what messages call its inputs
    return {field: value for field, value in fields.items() if not _holds_layers(value)}


def _holds_layers(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(map(_holds_layers, value.values()))
    if not isinstance(value, tuple):
        return False
    return all(isinstance(item, Layer) or _holds_layers(item) for item in value)


class _Alignment:
    """The alignment of two trees; each layer's content is looked at once."""

    def __init__(self) -> None:
        self.contents: dict[int, int] = {}
        self.numbers: dict[object, int] = {}

    def inner(self, pair: LayerPair, depth: int | None) -> Iterator[LayerPair]:
        """The pairs of the layers inside a pair."""
        old, new, times, _ = pair
        if old is None or new is None:
            return
        if folded(old) and folded(new):  # one copy stands for all, of as many on both sides
            olds, news, times = visible(old), visible(new), times * new.times
        else:
            olds, news = old.children, new.children
        for a, b in self.level(_there(olds), _there(news)):
            yield from self.walk(LayerPair(a, b, times), None if depth is None else depth - 1)

    def walk(self, pair: LayerPair, depth: int | None) -> Iterator[LayerPair]:
        """A pair and those inside it."""
        if depth == 0 or not _enterable(pair.old, pair.new):
            yield pair
            return
        yield pair._replace(inside=True)
        yield from self.inner(pair, depth)

    def content(self, layer: LayerAnalysis) -> int:
        """A number that layers share which say the same, whatever they are called."""
        number = self.contents.get(id(layer))
        if number is None:
            own = settings(layer.layer)
            own.pop("name", None)
            key = (
                type(layer.layer),
                repr(own),
                layer.times,
                tuple(map(self.content, _there(visible(layer)))),
            )
            number = self.numbers.setdefault(key, len(self.numbers))
            self.contents[id(layer)] = number
        return number

    def level(
        self, old: Sequence[LayerAnalysis], new: Sequence[LayerAnalysis]
    ) -> Iterator[tuple[LayerAnalysis | None, LayerAnalysis | None]]:
        """The layers of one list beside those of another."""
        start, end = 0, 0
        most = min(len(old), len(new))
        while start < most and self._equal(old[start], new[start]):
            start += 1
        while end < most - start and self._equal(old[-end - 1], new[-end - 1]):
            end += 1
        yield from zip(old[:start], new[:start], strict=True)
        a, b = old[start : len(old) - end], new[start : len(new) - end]
        yield from self._best(a, b) if len(a) * len(b) <= _TABLE else self._anchored(a, b)
        yield from zip(old[len(old) - end :], new[len(new) - end :], strict=True)

    def _equal(self, old: LayerAnalysis, new: LayerAnalysis) -> bool:
        return _name(old) == _name(new) and self.content(old) == self.content(new)

    def _anchored(
        self, old: Sequence[LayerAnalysis], new: Sequence[LayerAnalysis]
    ) -> Iterator[tuple[LayerAnalysis | None, LayerAnalysis | None]]:
        """Of lists too long for a table: what is alike, and between that what can be paired."""
        before, after = (
            [(_name(layer), self.content(layer)) for layer in side] for side in (old, new)
        )
        i = j = 0
        for at, to, size in SequenceMatcher(None, before, after).get_matching_blocks():
            a, b = old[i:at], new[j:to]
            if len(a) * len(b) <= _TABLE:
                yield from self._best(a, b)
            else:  # by their position
                common = min(len(a), len(b))
                for one, other in zip(a[:common], b[:common], strict=True):
                    yield from self._best([one], [other])
                yield from ((one, None) for one in a[common:])
                yield from ((None, other) for other in b[common:])
            i, j = at + size, to + size
            yield from zip(old[at:i], new[to:j], strict=True)

    def _best(
        self, old: Sequence[LayerAnalysis], new: Sequence[LayerAnalysis]
    ) -> Iterator[tuple[LayerAnalysis | None, LayerAnalysis | None]]:
        """The alignment whose pairs say most together, from the table of all tails."""
        rows, columns = len(old), len(new)
        says = [[self._says(a, b) for b in new] for a in old]
        best = [[0] * (columns + 1) for _ in range(rows + 1)]
        for i in range(rows - 1, -1, -1):
            row, below = best[i], best[i + 1]
            for j in range(columns - 1, -1, -1):
                pair = says[i][j] and says[i][j] + below[j + 1]
                row[j] = max(pair, below[j], row[j + 1])
        i = j = 0
        while i < rows or j < columns:
            paired = i < rows and j < columns and says[i][j]
            if paired and best[i][j] == paired + best[i + 1][j + 1]:
                yield old[i], new[j]
                i, j = i + 1, j + 1
            elif i < rows and best[i][j] == best[i + 1][j]:
                yield old[i], None
                i += 1
            else:
                yield None, new[j]
                j += 1

    def _says(self, old: LayerAnalysis, new: LayerAnalysis) -> int:
        """How much it says that two layers are one; 0 where they cannot be."""
        named = _NAME if _name(old) is not None and _name(old) == _name(new) else 0
        if self.content(old) == self.content(new):
            return named + _ALIKE
        if old.kind == new.kind:
            return named + _KIND
        if old.children or new.children:
            return named  # other layers inside: only a common name makes them one
        first, other = old.layer, new.layer
        if first is None or other is None:
            return named
        related = first.family == other.family != "composition" or type(first) is type(other)
        return named + _FAMILY if related else named


def _there(layers: Sequence[LayerAnalysis]) -> list[LayerAnalysis]:
    """The layers without repeats of no times, which are none."""
    return [layer for layer in layers if layer.children or not isinstance(layer.layer, Repeat)]


def _name(layer: LayerAnalysis) -> str | None:
    return layer.layer.name if layer.layer is not None else None


def _enterable(old: LayerAnalysis | None, new: LayerAnalysis | None) -> bool:
    """Whether the layers inside can be aligned: both sides hold some, as often as each other."""
    if old is None or new is None or not old.children or not new.children:
        return False
    if folded(old) or folded(new):
        return old.times == new.times and folded(old) == folded(new)
    return True
