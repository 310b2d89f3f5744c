"""Layers that are applied again with the same weights: the first is named, the others `shared`.

What is applied again is as large as can be: two parts of the graph that do the same with the same
weights, each with one tensor that goes in and one that comes out. Where such parts overlap, each
layer is shared on its own.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from cnnkit.importing.graph import (
    GROUP,
    INPUT,
    PLACEHOLDER,
    SHARED,
    Operation,
    OperationGraph,
    told_apart,
)

_ADVICE = "`shared` applies a layer once more that does the same, of one tensor"
_STATE = ("mean", "variance")
_MOST_STEPS = 1_000_000
"""How many pairs of operations are looked at before each layer is shared on its own."""


@dataclass(frozen=True)
class _Copy:
    """A part of the graph and one that does the same with its weights.

    Attributes:
        pairs: The operations of the first, each with the one of the second that it is; in order.
        entries: The tensors that go in.
    """

    pairs: dict[int, int]
    entries: tuple[int, int]

    @property
    def exits(self) -> tuple[int, int]:
        """The operations whose tensors come out."""
        return next(reversed(self.pairs.items()))


def share_weights(graph: OperationGraph) -> None:
    """Makes one operation of each part that is applied again, and `shared` of its copies."""
    graph.prune()
    twins = dict(_twins(graph))
    if not twins:
        return
    search = _Search(graph, twins)
    copies = search.copies()
    if _overlap(copies) or search.steps > _MOST_STEPS:
        copies = search.copies(most=1)
    covered = {each for copy in copies for each in copy.pairs.values()}
    for number, first in twins.items():
        if number not in covered:
            operation, node = graph.operations[number], graph.operations[first].node
            message = f"node `{operation.node}` has the weights of `{node}`"
            graph.refuse(operation, f"{message}, which cannot be shared", _ADVICE)
    parts = {tuple(copy.pairs): copy for copy in copies}
    for copy in copies:
        _replace(graph, copy)
    for copy in parts.values():
        _group(graph, copy)


def _twins(graph: OperationGraph) -> Iterator[tuple[int, int]]:
    """Each operation with the first one that has the same weights."""
    found: dict[frozenset[str], list[int]] = defaultdict(list)
    for number, operation in graph.operations.items():
        if not (operation.arrays and operation.origins) or operation.kind == PLACEHOLDER:
            continue
        known = found[operation.origins]
        first = next(
            (at for at in known if _of_same_weights(graph.operations[at], operation)), None
        )
        if first is None:
            known.append(number)
        else:
            yield number, first


def _same(one: Operation, other: Operation) -> bool:
    """Whether two operations do the same, with the same weights where they have any."""
    return _key(one) == _key(other) and _of_same_weights(one, other)


def _key(operation: Operation) -> object:
    return operation.kind, repr(operation.fields), operation.origins, len(operation.inputs)


def _of_same_weights(one: Operation, other: Operation) -> bool:
    import numpy as np

    return len(one.arrays) == len(other.arrays) and all(
        ours.keys() == theirs.keys()
        and all(np.array_equal(array, theirs[name]) for name, array in ours.items())
        for ours, theirs in zip(one.arrays, other.arrays, strict=True)
    )


class _Search:
    """Finds the parts that are applied again; those at the end of the graph first."""

    def __init__(self, graph: OperationGraph, twins: Mapping[int, int]) -> None:
        self.graph = graph
        self.twins = twins
        self.order = {number: place for place, number in enumerate(graph.operations)}
        self.readers = graph.consumers()
        self.steps = 0
        self.keys: dict[object, list[int]] = defaultdict(list)
        for number, operation in graph.operations.items():
            self.keys[_key(operation)].append(number)

    def copies(self, most: int | None = None) -> list[_Copy]:
        """The parts, of at most so many operations.

        Args:
            most: How many operations a part may have; any number where it is None.
        """
        found: list[_Copy] = []
        covered: set[int] = set()
        for number in reversed(self.order):
            if number in covered or (most is not None and number not in self.twins):
                continue
            alike = self.keys[_key(self.graph.operations[number])]
            for first in alike:
                self.steps += 1
                if first == number or (most is None and self.steps > _MOST_STEPS):
                    break
                copy = self._copy(first, number, covered, most)
                if copy is not None:
                    found.append(copy)
                    covered.update(copy.pairs.values())
                    break
        return found[::-1]

    def _copy(self, first: int, number: int, covered: set[int], most: int | None) -> _Copy | None:
        """The largest part that ends with an operation and is applied again with another."""
        if not _same(self.graph.operations[first], self.graph.operations[number]):
            return None
        pairs, copied = {first: number}, {number}
        entries: set[tuple[int, int]] = set()
        waiting: list[tuple[int, int, int]] = []
        self._await(waiting, first, number)
        while waiting:
            _, ours, theirs = heapq.heappop(waiting)
            if ours in pairs:
                if pairs[ours] != theirs:
                    return None
            elif (
                (most is None or len(pairs) < most)
                and not {ours, theirs} & covered
                and self._fits(ours, theirs, pairs, copied)
            ):
                pairs[ours] = theirs
                copied.add(theirs)
                self._await(waiting, ours, theirs)
            else:
                entries.add((ours, theirs))
        if len(entries) != 1 or not copied.intersection(self.twins):
            return None
        (entry,) = entries
        ordered = dict(sorted(pairs.items(), key=lambda pair: self.order[pair[0]]))
        return self._trimmed(ordered, entry)

    def _await(self, waiting: list[tuple[int, int, int]], ours: int, theirs: int) -> None:
        """Notes what a pair reads, the last of the graph first."""
        read = (self.graph.operations[each].inputs for each in (ours, theirs))
        for one, other in zip(*read, strict=True):
            self.steps += 1
            heapq.heappush(waiting, (-self.order.get(one, INPUT), one, other))

    def _fits(self, ours: int, theirs: int, pairs: Mapping[int, int], copied: set[int]) -> bool:
        """Whether two operations may be of the parts: all that read them are."""
        operations = self.graph.operations
        if ours not in operations or theirs not in operations or ours == theirs:
            return False
        if ours in copied or theirs in pairs or theirs in copied:
            return False
        if {ours, theirs} & self.graph.ends or not _same(operations[ours], operations[theirs]):
            return False
        ahead = all(each in pairs for each in self.readers[ours])
        return ahead and copied.issuperset(self.readers[theirs])

    def _trimmed(self, pairs: dict[int, int], entry: tuple[int, int]) -> _Copy:
        """The part without what it begins with and has no weights."""
        while True:
            inside = [each for each in self.readers[entry[0]] if each in pairs]
            begins = inside[0]
            if len(inside) > 1 or self.graph.operations[begins].arrays:
                return _Copy(pairs, entry)
            entry = begins, pairs.pop(begins)


def _overlap(copies: Sequence[_Copy]) -> bool:
    """Whether an operation is in two parts, unless they are the same."""
    parts = {frozenset(copy.pairs) for copy in copies}
    copied = {each for copy in copies for each in copy.pairs.values()}
    apart = all(not one & other for one, other in combinations(parts, 2))
    return not apart or any(part & copied for part in parts)


def _replace(graph: OperationGraph, copy: _Copy) -> None:
    """Puts one `shared` in the place of a copy."""
    first, last = copy.exits
    for number in copy.pairs.values():
        graph.folded -= graph.operations[number].folded
        graph.folded += _counted_again(graph.operations[number])
    kept = graph.operations[last]
    for number in copy.pairs.values():
        if number != last:
            graph.remove(number)
    fields = {"layer": first}
    made = Operation(SHARED, (copy.entries[1],), fields, {}, "", kept.node, kept.shape)
    graph.put(last, made)


def _counted_again(operation: Operation) -> int:
    """How many numbers of a copy count once more in the model: those of ones or zeros."""
    return sum(
        array.size
        for arrays in operation.arrays
        for name, array in arrays.items()
        if name not in _STATE and not told_apart(array)
    )


def _group(graph: OperationGraph, copy: _Copy) -> None:
    """Puts one operation in the place of a part, which nothing around it goes into."""
    entry, last = copy.entries[0], copy.exits[0]
    inner = OperationGraph(graph.name, graph.shape(entry), output=last)
    for number in copy.pairs:
        operation = graph.operations[number]
        read = tuple(INPUT if each == entry else each for each in operation.inputs)
        inner.put(number, replace(operation, inputs=read))
    for number in copy.pairs:
        if number != last:
            graph.remove(number)
    made = Operation(GROUP, (entry,), {}, {}, _scope(inner.operations.values()))
    made.shape, made.inner = inner.shape(last), inner
    graph.put(last, made)


def _scope(operations: Iterable[Operation]) -> str:
    return next((each.scope for each in operations if each.arrays), "")
