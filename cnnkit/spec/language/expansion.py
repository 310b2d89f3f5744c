"""From the nodes of a text to layers: variables, defaults, blocks, `repeat` and `when` put in.

Faults are collected, never raised: a layer that has one becomes ``Unreadable``, and reading goes
on, so that one run shows all of a file's faults.
"""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import override

from cnnkit.errors import Location
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block, Unreadable
from cnnkit.spec.graph import MAX_DEPTH, MAX_OPERATIONS
from cnnkit.spec.language.blocks import NAME, BlockDefinition, read_arguments
from cnnkit.spec.language.faults import shown
from cnnkit.spec.language.layer import BESIDE, CONDITIONAL, LayerReader
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.language.reader import Faulty, Scope, what
from cnnkit.spec.text.node import Node

_FEWER: Final = "a `repeat` or a block used by blocks multiplies layers: lower its `times`"


class _TooManyLayersError(Exception):
    """The spec expands to more layers than the limit, which is reported; reading stops."""


class Expander(LayerReader):
    """Makes the layers of a spec from nodes."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MAX_OPERATIONS
        # Inside a block or repeat a node is read more than once: what came of it is kept for
        # each set of values of the variables it reads.
        self._shared = 0
        self._made: dict[tuple[object, ...], Layer] = {}
        self._names: dict[int, frozenset[str]] = {}

    def layers(self, node: Node) -> tuple[Layer, ...]:
        """The layers of a spec."""
        try:
            return self._sequence(node, self.variables, "layers")
        except _TooManyLayersError:
            self.trail.clear()
            return (Unreadable(word="layers"),)

    def _sequence(self, node: Node, scope: Scope, label: str) -> tuple[Layer, ...]:
        """The layers of a list, without those whose `when` is false."""
        if not isinstance(node.value, list):
            owner, _, branch = label.partition(".")
            advice = "write one layer a line, each after a dash: `- conv: {filters: 8, kernel: 3}`"
            if branch and isinstance(node.value, dict):
                advice = "write a list, or `{when: …, layers: […]}` for a branch to be left out"
            self.report(
                "wrong-type",
                f"{f'branch `{branch}`' if branch else f'`{owner}`'} is {what(node)}, "
                "not a list of layers",
                advice,
                node.location(),
            )
            return (Unreadable(word="layers"),)
        layers: list[Layer] = []
        named: dict[str, Location | None] = {}
        for index, item in enumerate(node.value):
            self.trail.append(f"{label}.{index}")
            layer = self._layer(item, scope, index)
            if layer is not None:
                layers.append(layer)
                if layer.name is not None:
                    self._unique(layer.name, item, named)
            self.trail.pop()
        return tuple(layers)

    def _unique(self, name: str, node: Node, named: dict[str, Location | None]) -> None:
        where = node.location()
        if isinstance(node.value, dict) and "name" in node.value:
            where = node.value["name"].location()
        if name in named:
            first = named[name]
            self.report(
                "duplicate-name",
                f"two layers of one list are named `{name}`"
                + (f", first on line {first.line}" if first else ""),
                "a name is part of the layer's path: give each its own",
                where,
            )
        named.setdefault(name, where)

    def _layer(self, node: Node, scope: Scope, index: int) -> Layer | None:
        """The layer of a node in a list; None where its `when` is false."""
        self._spend(node)
        if not self._shared:
            return self._new(node, scope, index)
        names = self._names_in(node)
        if not names.issubset(scope):
            return self._new(node, scope, index)
        key = (id(node), index, *[_hashable(scope[name]) for name in sorted(names)])
        made = self._made.get(key)
        if made is None:
            made = self._new(node, scope, index)
            if made is not None:
                self._made[key] = made
        return made

    def _spend(self, node: Node) -> None:
        self._left -= 1
        if self._left < 0:
            message = f"the spec expands to more than {MAX_OPERATIONS:,} layers"
            self.report("too-large", message, _FEWER, node.location())
            raise _TooManyLayersError

    def _names_in(self, node: Node) -> frozenset[str]:
        """The variables that a node and all below it read."""
        known = self._names.get(id(node))
        if known is not None:
            return known
        value = node.value
        names: frozenset[str] = frozenset()
        if isinstance(value, str):
            if "$" in value:
                from cnnkit.spec.language.expression import names_in
                from cnnkit.spec.language.value import ExpressionError

                try:
                    names = names_in(value)
                except ExpressionError:  # reported where the value is read; never remembered
                    names = frozenset({value})
        elif isinstance(value, list | dict):
            inner = value if isinstance(value, list) else value.values()
            names = frozenset().union(*map(self._names_in, inner))
        self._names[id(node)] = names
        return names

    def _new(self, node: Node, scope: Scope, index: int) -> Layer | None:
        if len(self.trail) > MAX_DEPTH:
            message = f"layers are nested more than {MAX_DEPTH} deep"
            self.report("too-large", message, "nest fewer", node.location())
        else:
            try:
                return self._read(node, scope, index)
            except Faulty:
                pass  # it is reported
        return Unreadable(word=_word(node)).placed(LayerPlace(node, None, index))

    def _read(self, node: Node, scope: Scope, index: int) -> Layer | None:
        place, kind = self.kind(node, scope, index)
        name = None
        if isinstance(node.value, dict):
            if "when" in node.value and not self.when(node.value["when"], scope):
                return None
            if "name" in node.value and (name := self.name(node.value["name"], scope)):
                self.trail[-1] = f"{self.trail[-1].rpartition('.')[0]}.{name}"
        if kind in self.blocks:
            return self._block(self.blocks[kind], place, scope, name)
        cls = self.kind_class(kind, place)
        if kind == "repeat":
            return self._repeat(cls, place, scope, name)
        values, faulty = self.values(cls, self.fields(cls, place), scope)
        return self.made(cls, values, faulty, place, name=name)

    @override
    def field(self, cls: type[Layer], field: str, node: Node, scope: Scope) -> Any:
        if field in cls.sequence_fields:
            if field == "shortcut" and node.value == "identity":
                return ()
            return self._sequence(node, scope, field)
        if field == "branches":
            return self._branches(node, scope)
        return super().field(cls, field, node, scope)

    def _branches(self, node: Node, scope: Scope) -> dict[str, tuple[Layer, ...]]:
        value = node.value
        if isinstance(value, list):
            named = {str(index): branch for index, branch in enumerate(value)}
        elif isinstance(value, dict):
            named = {
                name: branch for name, branch in value.items() if self._branch_name(name, node)
            }
        else:
            message = f"`branches` is {what(node)}, not a list of lists of layers"
            advice = "write `branches: [[…], […]]`, or `name: […]` for each branch"
            self.report("wrong-type", message, advice, node.location())
            raise Faulty
        branches = {}
        for name, branch in named.items():
            layers = self._branch(branch, scope)
            if layers is not None:
                branches[name] = self._sequence(layers, scope, f"branches.{name}")
        return branches

    def _branch(self, node: Node, scope: Scope) -> Node | None:
        """The list of a branch's layers; None where its `when` is false."""
        value = node.value
        if not isinstance(value, dict) or value.keys() != CONDITIONAL:
            return node
        return value["layers"] if self.when(value["when"], scope) else None

    def _branch_name(self, name: str, branches: Node) -> bool:
        """Whether a branch may have a name; reports where it may not."""
        if NAME.fullmatch(name):
            return True
        message = f"a branch cannot be named `{name}`"
        advice = "a name is part of a path: a letter, then letters, digits, _ and -"
        self.report("wrong-value", message, advice, branches.key_location(name))
        return False

    def _repeat(self, cls: type[Layer], place: LayerPlace, scope: Scope, name: str | None) -> Layer:
        given = dict(self.fields(cls, place))
        body = given.pop("layers", None)
        values, faulty = self.values(cls, given, scope)
        beside: dict[str, Any] = {"name": name}
        if body is not None:
            copies = self._copies(body, scope, values.get("times", 1), place)
            values["layers"] = copies[0]
            if len(copies) > 1:
                beside["copies"] = copies
        return self.made(cls, values, faulty, place, **beside)

    def _copies(
        self, body: Node, scope: Scope, times: Any, place: LayerPlace
    ) -> tuple[tuple[Layer, ...], ...]:
        """The layers of each copy of a repeat; of one alone where all are the same."""
        if times == 0:
            return ((),)
        if not isinstance(times, int) or times < 0 or "index" not in self._names_in(body):
            times = 1  # where it is no number of copies, the model says so
        if times > MAX_OPERATIONS:
            message = f"`times` is {shown(times)}: at most {MAX_OPERATIONS:,} copies are expanded"
            self.report("too-large", message, "lower it", place.find(("times",)))
            raise Faulty
        copies = []
        self._shared += 1
        try:
            for index in range(times):
                self._spend(body)
                self.passes.append((index + 1, times))
                copies.append(self._sequence(body, {**scope, "index": index}, "layers"))
                self.passes.pop()
        finally:
            self._shared -= 1
        return tuple(copies)

    def _block(
        self, block: BlockDefinition, place: LayerPlace, scope: Scope, name: str | None
    ) -> Layer:
        """The expansion of a block where it is used."""
        used = [use for use, _ in self.uses]
        if block.name in used:
            cycle = " → ".join([*used[used.index(block.name) :], block.name])
            message = f"block `{block.name}` would expand without end: {cycle}"
            advice = "a block may use other blocks, not itself"
            self.report("recursive-block", message, advice, place.find(()))
            raise Faulty
        arguments = read_arguments(self, block, place, scope, self.variables)
        self.uses.append((block.name, place))
        self.trail[-1] += f".{block.name}"
        self._shared += 1
        try:
            layers = self._sequence(block.layers, {**self.variables, **arguments}, "layers")
        finally:
            self._shared -= 1
            self.uses.pop()
        return Block(block=block.name, layers=layers, name=name).placed(place)


def _hashable(value: Any) -> object:
    """A variable's value as part of a key; true and 1 are different values."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return (type(value), value)


def _word(node: Node) -> str:
    """What the report calls a layer that cannot be read."""
    if isinstance(node.value, dict):
        return next((key for key in node.value if key not in BESIDE), "layer")
    return node.value if isinstance(node.value, str) else "layer"
