"""From the nodes of a text to layers: variables, defaults, blocks, `repeat` and `when` put in.

Faults are collected, never raised: a layer that has one becomes ``UnreadableLayer``, and reading
goes on, so that one run shows all of a file's faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from typing_extensions import override

from cnnkit.errors import Location
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block, UnreadableLayer
from cnnkit.layers.field import Rounding
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.blocks import NAME, BlockDefinition, read_arguments
from cnnkit.spec.language.branches import BranchReader
from cnnkit.spec.language.faults import shown
from cnnkit.spec.language.incoming import NAMES, Incoming, Seen, without_incoming
from cnnkit.spec.language.layer import BESIDE
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.language.reader import Faulty, LayerArgument, Scope, what
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.tracing import MAX_DEPTH, MAX_OPERATIONS

_FEWER: Final = "a `repeat` or a block used by blocks multiplies layers: lower its `times`"


class _TooManyLayersError(Exception):
    """The spec expands to more layers than the limit, which is reported; reading stops."""


class Expander(BranchReader):
    """Makes the layers of a spec from nodes."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MAX_OPERATIONS
        # Inside a block or repeat a node is read more than once: what came of it is kept for
        # each set of values of the variables it reads.
        self._shared = 0
        self._made: dict[tuple[object, ...], Layer] = {}
        self._names: dict[int, frozenset[str]] = {}
        # Where a layer asks for what comes in, all are traced as they are read.
        self._incoming: Incoming | None = None

    def layers(
        self, node: YamlNode, inputs: Shape | Mapping[str, Shape] | None, rounding: Rounding
    ) -> tuple[Layer, ...]:
        """The layers of a spec, applied to an input or several of known shapes."""
        if self._asks(node):
            self._incoming = Incoming(inputs, rounding)
        try:
            return self.sequence(node, self.variables, "layers")
        except _TooManyLayersError:
            self.trail.clear()
            return (UnreadableLayer(word="layers"),)

    def _asks(self, node: YamlNode) -> bool:
        """Whether a layer, a block or the defaults ask for what comes in."""
        defaults = [each for fields in self.defaults.values() for each in fields.values()]
        blocks = [block.layers for block in self.blocks.values()]
        texts = {each.source.text for each in (node, *defaults, *blocks)}
        if all(text and not any(name in text for name in NAMES) for text in texts):
            return False  # a search of the text is quicker than of the nodes
        asked = self._names_in(node)
        asked = asked.union(*map(self._names_in, defaults))
        for block in self.blocks.values():
            asked |= self._names_in(block.layers) - block.arguments.keys()
            asked = asked.union(*map(self._names_in, block.arguments.values()))
        return bool(asked & NAMES - self.variables.keys())

    @override
    def sequence(self, node: YamlNode, scope: Scope, label: str) -> tuple[Layer, ...]:
        if isinstance(node.value, str) and "$" in node.value:
            return self._given(node, scope, label)
        incoming = self._incoming
        if incoming is None:
            return self._listed(node, scope, label)
        start = incoming.enter()
        try:
            return self._listed(node, without_incoming(scope), label)
        finally:
            incoming.leave(start)

    def _given(self, node: YamlNode, scope: Scope, label: str) -> tuple[Layer, ...]:
        """The layers that an expression stands for: an argument, or kinds by name."""
        try:
            value = self.evaluated(node, str(node.value), scope)
        except Faulty:
            return (UnreadableLayer(word="layers"),)
        if isinstance(value, LayerArgument):
            return self._argument(value, label)
        kinds = [value] if isinstance(value, str) else value
        if not _are_words(kinds):
            return self._listed(node, scope, label)  # which says that it is no list of layers
        return self.sequence(node.with_value([node.with_value(kind) for kind in kinds]), {}, label)

    def _argument(self, argument: LayerArgument, label: str) -> tuple[Layer, ...]:
        """The layers of an argument, where they are put; they are read where they are written."""
        uses, self.uses = self.uses, list(argument.uses)
        try:
            return self.sequence(argument.listed, argument.scope, label)
        finally:
            self.uses = uses

    def _listed(self, node: YamlNode, scope: Scope, label: str) -> tuple[Layer, ...]:
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
            return (UnreadableLayer(word="layers"),)
        layers: list[Layer] = []
        named: dict[str, Location | None] = {}
        for index, item in enumerate(node.value):
            self.trail.append(f"{label}.{index}")
            layer = self._layer(item, scope, index)
            if layer is not None:
                layers.append(layer)
                if self._incoming is not None:
                    self._incoming.passed(layer)
                if layer.name is not None:
                    self._unique(layer.name, item, named)
            self.trail.pop()
        return tuple(layers)

    def _unique(self, name: str, node: YamlNode, named: dict[str, Location | None]) -> None:
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

    def _layer(self, node: YamlNode, scope: Scope, index: int) -> Layer | None:
        """The layer of a node in a list; None where its `when` is false."""
        self._spend(node)
        if self._incoming is not None:
            unknown = self._incoming.names() is None
            if unknown and self._names_in(node) & NAMES - scope.keys():
                return UnreadableLayer(word=_word(node)).placed(LayerPlace(node, None, index))
            return self._new(node, self.seen(scope), index)
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

    @override
    def seen(self, scope: Scope) -> Scope:
        if self._incoming is None:
            return scope
        return Seen(without_incoming(scope), self._incoming.names() or {})

    @override
    def copy_scope(self, scope: Scope, number: int) -> Scope:
        return {**without_incoming(scope), "index": number}

    def _spend(self, node: YamlNode) -> None:
        self._left -= 1
        if self._left < 0:
            message = f"the spec expands to more than {MAX_OPERATIONS:,} layers"
            self.report("too-large", message, _FEWER, node.location())
            raise _TooManyLayersError

    def _names_in(self, node: YamlNode) -> frozenset[str]:
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

    def _new(self, node: YamlNode, scope: Scope, index: int) -> Layer | None:
        if len(self.trail) > MAX_DEPTH:
            message = f"layers are nested more than {MAX_DEPTH} deep"
            self.report("too-large", message, "nest fewer", node.location())
        else:
            try:
                return self._read(node, scope, index)
            except Faulty:
                pass  # it is reported
        return UnreadableLayer(word=_word(node)).placed(LayerPlace(node, None, index))

    def _read(self, node: YamlNode, scope: Scope, index: int) -> Layer | None:
        if isinstance(node.value, str) and "$" in node.value:
            given = self.evaluated(node, node.value, scope)
            if isinstance(given, LayerArgument) or _are_words(given):
                word = node.value.removeprefix("$")
                word = word if NAME.fullmatch(word) else "layers"
                self.trail[-1] += f".{word}"
                layers = self.sequence(node, scope, "layers")
                return Block(block=word, layers=layers).placed(LayerPlace(node, None, index))
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
        if kind == "each" and self._incoming is not None:
            return self._each(cls, place, scope, name)
        values, faulty = self.values(cls, self.fields(cls, place), scope)
        return self.made(cls, values, faulty, place, name=name)

    @override
    def field(self, cls: type[Layer], field: str, node: YamlNode, scope: Scope) -> Any:
        if field in cls.sequence_fields:
            if field == "shortcut" and node.value == "identity":
                return ()
            return self.sequence(node, scope, field)
        if field == "branches":
            return self.branches(node, scope)
        return super().field(cls, field, node, scope)

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

    def _each(self, cls: type[Layer], place: LayerPlace, scope: Scope, name: str | None) -> Layer:
        """What comes into the layers inside is a slice, which the axis decides."""
        given = dict(self.fields(cls, place))
        body = given.pop("layers", None)
        values, faulty = self.values(cls, given, scope)
        incoming = self._incoming
        if body is not None and incoming is not None:
            start = incoming.cut(values.get("axis", 0))
            try:
                values["layers"] = self.sequence(body, scope, "layers")
            finally:
                incoming.tensor = start
        return self.made(cls, values, faulty, place, name=name)

    def _copies(
        self, body: YamlNode, scope: Scope, times: Any, place: LayerPlace
    ) -> tuple[tuple[Layer, ...], ...]:
        """The layers of each copy of a repeat; of one alone where all are the same."""
        if times == 0:
            return ((),)
        alike = "index" not in self._names_in(body)
        if not isinstance(times, int) or times < 0 or (alike and self._incoming is None):
            times = 1  # where it is no number of copies, the model says so
        if times > MAX_OPERATIONS:
            message = f"`times` is {shown(times)}: at most {MAX_OPERATIONS:,} copies are expanded"
            self.report("too-large", message, "lower it", place.find(("times",)))
            raise Faulty
        copies = []
        self._shared += 1
        start = self._incoming.tensor if self._incoming else None
        try:
            for index in range(times):
                self._spend(body)
                self.passes.append((index + 1, times))
                copies.append(self._body(body, self.copy_scope(scope, index)))
                self.passes.pop()
        finally:
            self._shared -= 1
            if self._incoming and start:
                self._incoming.tensor = start
        if alike and all(copy == copies[0] for copy in copies):
            return (copies[0],)
        return tuple(copies)

    def _body(self, body: YamlNode, scope: Scope) -> tuple[Layer, ...]:
        """The layers of one copy: they open no scope of saved tensors, and the next follows."""
        if self._incoming is None or not isinstance(body.value, list):
            return self.sequence(body, scope, "layers")
        return self._listed(body, scope, "layers")

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
        arguments = read_arguments(self, block, place, scope, self.seen(self.variables))
        self.uses.append((block.name, place))
        self.trail[-1] += f".{block.name}"
        self._shared += 1
        try:
            layers = self.sequence(block.layers, {**self.variables, **arguments}, "layers")
        finally:
            self._shared -= 1
            self.uses.pop()
        return Block(block=block.name, layers=layers, name=name).placed(place)


def _are_words(value: object) -> TypeGuard[list[str]]:
    """Whether a value is a list of words, which may name kinds."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _hashable(value: Any) -> object:
    """A variable's value as part of a key; true and 1 are different values."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return (type(value), value)


def _word(node: YamlNode) -> str:
    """What the report calls a layer that cannot be read."""
    if isinstance(node.value, dict):
        return next((key for key in node.value if key not in BESIDE), "layer")
    return node.value if isinstance(node.value, str) else "layer"
