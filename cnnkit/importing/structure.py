"""From a graph to a tree of layers: branches become `residual` and `parallel`, the rest is saved.

Where a tensor is read more than once, its paths come together again at one operation, its
immediate postdominator (Cooper, Harvey and Kennedy, 2001, "A simple, fast dominance algorithm").
If they have nothing in common on the way, they are branches that are joined there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import replace

from cnnkit.importing.graph import BLOCK, INPUT, JOINS, SHARED, Operation, OperationGraph
from cnnkit.importing.layer import WrittenLayer, walk

_NAMES = "tensor{}"


def layers_of(graph: OperationGraph) -> list[WrittenLayer]:
    """The layers of a network, one after another, with its branches in them."""
    structure = _Structure(graph)
    inside = frozenset([*structure.used, structure.end])
    layers = [*structure.named(INPUT), *structure.chain(INPUT, structure.end, inside)]
    return layers or [WrittenLayer("linear")]  # what moves axes alone, or does nothing


class _Structure:
    def __init__(self, graph: OperationGraph) -> None:
        self.graph = graph
        self.used = list(graph.used())
        kept = set(self.used)
        self.readers = {
            number: [each for each in readers if each in kept]
            for number, readers in graph.consumers().items()
        }
        self.saved = 0
        self.inputs = {INPUT - at: name for at, name in enumerate(graph.inputs)}
        self.copies: dict[int, set[int]] = defaultdict(set)
        for number in self.used:
            operation = graph.operations[number]
            if operation.kind == SHARED:
                self.copies[operation.fields["layer"]].add(number)
        self.end = self._end()
        self.order = {number: index for index, number in enumerate([INPUT, *self.used, self.end])}
        # For each tensor the first operation that all its paths to the outputs lead through.
        self.postdominators = {self.end: self.end}
        for number in reversed(self.used):
            if number != self.end:
                self.postdominators[number] = self._meeting(self.readers[number])

    def _end(self) -> int:
        """The last operation; where several outputs are read no more, one that reads them all."""
        self.last = [number for number in self.graph.ends if not self.readers[number]]
        if len(self.last) < 2:
            return self.last[0]
        end = max(self.graph.operations) + 1
        for number in self.last:
            self.readers[number] = [end]
        self.readers[end] = []
        return end

    def named(self, number: int) -> list[WrittenLayer]:
        """What names a tensor an output, where it is one of several."""
        names = [name for name, at in self.graph.outputs.items() if at == number]
        return [WrittenLayer("output", {"tensor": name}) for name in names]

    def _meeting(self, numbers: Sequence[int]) -> int:
        """Where the ways of operations to the output come together."""
        meeting, *others = numbers
        for other in others:
            while meeting != other:
                if self.order[meeting] < self.order[other]:
                    meeting = self.postdominators[meeting]
                else:
                    other = self.postdominators[other]
        return meeting

    def chain(self, start: int, stop: int, inside: Set[int]) -> list[WrittenLayer]:
        """The layers from one tensor to another that all paths inside a branch lead to."""
        layers: list[WrittenLayer] = []
        while start != stop:
            join = self._meeting([each for each in self.readers[start] if each in inside])
            operation = self.graph.operations.get(join)
            if operation is not None and operation.inputs == (start,):
                layers += [self._layer(operation, join), *self.named(join)]
            else:
                joined = operation and self._joined(start, join, operation)
                layers += [joined, *self.named(join)] if joined else self._spelled(start, join)
            start = join
        return layers

    def _joined(self, start: int, join: int, operation: Operation) -> WrittenLayer | None:
        """The branches from a tensor to a join, where they have nothing in common."""
        if operation.kind not in JOINS:
            return None
        seen: set[int] = set()
        insides = [self._between(start, end) for end in operation.inputs]
        for end, inside in zip(operation.inputs, insides, strict=True):
            if end < start or self._reads_others(inside, start):
                return None
            if any(self.copies.get(each, inside) - inside for each in inside):
                return None  # its copies stand where a name inside this branch is not known
            if inside & seen or (end != start and set(self.readers[end]) != {join}):
                return None
            if end != start and operation.inputs.count(end) > 1:
                return None
            seen |= inside
        branches = [
            self.chain(start, end, inside)
            for end, inside in zip(operation.inputs, insides, strict=True)
        ]
        return _composite(operation, branches, self._name(operation))

    def _reads_others(self, inside: Set[int], start: int) -> bool:
        """Whether operations read another of several inputs."""
        return bool(self.inputs) and any(
            number <= INPUT and number != start
            for each in inside
            for number in self.graph.operations[each].inputs
        )

    def _between(self, start: int, end: int) -> set[int]:
        """The operations on the paths from one tensor to another."""
        inside: set[int] = set()
        waiting = [end]
        while waiting:
            number = waiting.pop()
            if number == start or number <= INPUT or number in inside:
                continue
            inside.add(number)
            operation = self.graph.operations.get(number)
            waiting += operation.inputs if operation else self.last
        return inside

    def _spelled(self, start: int, join: int) -> list[WrittenLayer]:
        """Operations one after another; tensors that are read later are saved."""
        inside = self._between(start, join)
        order = [number for number in self.used if number in inside]
        names = dict(self.inputs)
        current = start
        for number in order:
            for place, source in enumerate(self.graph.operations[number].inputs):
                if (place or source != current) and source not in names:
                    names[source] = ""
            current = number
        layers: list[WrittenLayer] = []
        current = start
        if start not in self.inputs:
            self._save(start, names, layers)
        for number in order:
            operation = self.graph.operations[number]
            first, *others = operation.inputs
            if first != current:
                layers.append(WrittenLayer("load", {"tensor": names[first]}))
            layers.append(self._merge(operation, number, [names[each] for each in others]))
            layers += self.named(number)
            self._save(number, names, layers)
            current = number
        return layers

    def _save(self, number: int, names: dict[int, str], layers: list[WrittenLayer]) -> None:
        if number in names:
            self.saved += 1
            while _NAMES.format(self.saved) in self.inputs.values():
                self.saved += 1
            names[number] = _NAMES.format(self.saved)
            layers.append(WrittenLayer("save", {"tensor": names[number]}))

    def _name(self, operation: Operation) -> str | None:
        """What the spec calls a layer that the model was written from."""
        if operation.kind == "attention":
            return None  # its modules are its projections
        return operation.place.name if self.graph.outlined and operation.place else None

    def _layer(self, operation: Operation, number: int) -> WrittenLayer:
        parts = {} if operation.inner is None else {"layers": layers_of(operation.inner)}
        made = WrittenLayer(
            operation.kind,
            dict(operation.fields),
            parts,
            arrays=list(operation.arrays),
            scope=operation.scope,
            number=number,
            name=self._name(operation),
        )
        if self.graph.outlined and operation.kind == "slice" and made.fields["axis"] == "channels":
            made.kind = "channel_slice"
            del made.fields["axis"]
        if self.graph.outlined and operation.place:
            made.apart = operation.place.apart
            if operation.kind == BLOCK:  # its last layer has the number
                made.fields, made.number = {"block": operation.place.within[0]}, None
        return made

    def _merge(self, operation: Operation, number: int, others: Sequence[str]) -> WrittenLayer:
        if operation.kind not in JOINS:
            layer = self._layer(operation, number)
            name = "to" if operation.kind == "max_unpool" else "context"
            return replace(layer, fields={**layer.fields, name: others[0]}) if others else layer
        fields: dict[str, object] = {"with": others[0] if len(others) == 1 else list(others)}
        fields |= operation.fields
        if operation.kind != "concat":
            fields["by"] = operation.kind
        return WrittenLayer("merge", fields, scope=operation.scope, name=self._name(operation))


def _composite(
    operation: Operation, branches: list[list[WrittenLayer]], name: str | None
) -> WrittenLayer:
    """A residual of two branches that are added, else a parallel."""
    if operation.kind == "add" and len(branches) == 2 and any(branches):
        main, shortcut = sorted(branches, key=lambda each: -len(list(walk(each))))
        parts = {"layers": main, **({"shortcut": shortcut} if shortcut else {})}
        return WrittenLayer("residual", parts=parts, scope=operation.scope, name=name)
    fields = dict(operation.fields)
    if operation.kind != "concat":
        fields["merge"] = operation.kind
    named = {str(index): branch for index, branch in enumerate(branches)}
    return WrittenLayer("parallel", fields, named, scope=operation.scope, name=name)
