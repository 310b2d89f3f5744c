"""Figures that come several times become blocks, with what differs as their arguments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnkit.importing.writing.arguments import NEUTRAL, Arguments, halves
from cnnkit.layers.kinds import KINDS

Data = dict[str, Any]
"""A layer as plain data: one kind with its fields, and perhaps ``when``."""

VARIABLE = frozenset(
    {
        "filters", "kernel", "stride", "padding", "dilation", "groups", "multiplier", "units",
        "size", "rate", "start", "stop", "factor",
    }
)  # fmt: skip
"""Fields that may differ between the copies of a block."""
_WEIGHTED = ("conv", "depthwise_conv", "transposed_conv", "dense")
_COMPOSITE = ("residual", "parallel")
_SHORT = {"batch_norm": "norm", "depthwise_conv": "depthwise", "transposed_conv": "transposed"}
_FEWEST_RUNS = 3


@dataclass(slots=True)
class Blocks:
    """The blocks found so far.

    Attributes:
        bodies: Their arguments and layers, by their names.
        widths: How many layers of one list a use of each stands for.
    """

    bodies: dict[str, Data] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)

    def find(self, layers: list[Data]) -> list[Data]:
        """The layers, with what comes several times as uses of blocks."""
        layers = self._runs(layers)
        self._composites(layers)
        return layers

    def _runs(self, layers: list[Data]) -> list[Data]:
        """A layer with weights and the norm and activation behind it, where there are many."""
        found: dict[Any, list[list[Data]]] = defaultdict(list)
        for each in lists(layers):
            for start, stop in _run_places(each):
                found[_skeleton(each[start:stop])].append(each[start:stop])
        uses: dict[int, Data] = {}
        for copies in found.values():
            if len(copies) >= _FEWEST_RUNS:
                for copy, use in zip(copies, self._block(copies, _run_name), strict=True):
                    uses[id(copy[0])] = use
        return _replaced(layers, uses)

    def _composites(self, layers: list[Data]) -> None:
        """Residuals and parallels of one form; those inside others first."""
        places: dict[int, list[tuple[list[Data], int]]] = defaultdict(list)
        for each in lists(layers):
            for index, layer in enumerate(each):
                if kind_of(layer) in _COMPOSITE:
                    places[_height(layer)].append((each, index))
        for height in sorted(places):
            alike: dict[Any, list[tuple[list[Data], int]]] = defaultdict(list)
            for place in places[height]:
                alike[_skeleton([place[0][place[1]]])].append(place)
            for found in alike.values():
                if len(found) > 1:
                    copies = [[each[index]] for each, index in found]
                    uses = self._block(copies, _composite_name)
                    for (each, index), use in zip(found, uses, strict=True):
                        each[index] = use

    def _block(self, copies: list[list[Data]], name_of: Callable[[list[Data]], str]) -> list[Data]:
        """Makes a block of copies of one form, and gives the use that stands for each."""
        arguments = Arguments(len(copies))
        body = _Template(arguments, self.bodies).layers(copies)
        taken = self.free(name_of(copies[0]))
        given = arguments.defaults()
        self.bodies[taken] = {**({"arguments": given} if given else {}), "layers": body}
        self.widths[taken] = len(copies[0])
        return [{taken: use} for use in arguments.uses()]

    def free(self, name: str) -> str:
        """A name that no block and no kind has, as near as can be."""
        number, taken = 1, name
        while taken in self.bodies or taken in KINDS:
            number += 1
            taken = f"{name}_{number}"
        return taken


@dataclass(frozen=True, slots=True)
class _Template:
    """The layers of a block, made of those of its copies side by side."""

    arguments: Arguments
    bodies: dict[str, Data]

    def layers(self, copies: Sequence[list[Data]]) -> list[Data]:
        return [self._layer(list(each)) for each in zip(*copies, strict=True)]

    def _layer(self, copies: list[Data]) -> Data:
        kind = kind_of(copies[0])
        every = [copy[kind] for copy in copies]
        names = dict.fromkeys(name for fields in every for name in fields)
        fields: Data = {}
        for name in names:
            if name == "branches":
                branches = zip(*(each[name] for each in every), strict=True)
                fields[name] = [self.layers(list(branch)) for branch in branches]
            elif name == "shortcut":
                fields[name] = self._shortcut([each.get(name) for each in every])
            elif name == "layers":
                fields[name] = self.layers([each[name] for each in every])
            else:
                fields[name] = self._field(kind, name, every, fields)
        return {kind: fields}

    def _field(self, kind: str, name: str, every: list[Data], made: Data) -> Any:
        default = NEUTRAL.get(name)
        if kind in self.bodies:
            default = self.bodies[kind].get("arguments", {}).get(name, default)
        vector = [each.get(name, default) for each in every]
        kernel = made.get("kernel")
        if name == "padding" and isinstance(kernel, str):
            kernels = [each.get("kernel") for each in every]
            if halves(kernels, vector):
                return f"$({kernel.removeprefix('$')} // 2)"
        return self.arguments.expression(name, vector)

    def _shortcut(self, parts: list[list[Data] | None]) -> list[Data]:
        """The layers of a shortcut that some copies have: the others leave them out."""
        there = [index for index, part in enumerate(parts) if part]
        whole = [part for part in parts if part]
        inner = Arguments(len(whole))
        template = _Template(inner, self.bodies).layers(whole)
        spread = {
            name: [
                vector[there.index(index)] if index in there else None
                for index in range(len(parts))
            ]
            for name, vector in inner.vectors.items()
        }
        names = {f"${name}": self.arguments.expression(name, v) for name, v in spread.items()}
        layers = [_renamed(layer, names) for layer in template]
        if len(there) == len(parts):
            return layers
        asked = self.arguments.expression(
            "project", [index in there for index in range(len(parts))]
        )
        return [{"when": asked, **layer} for layer in layers]


def _renamed(value: Any, names: dict[str, Any]) -> Any:
    """Plain data with the arguments of one template as those of another."""
    if isinstance(value, dict):
        return {key: _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    if isinstance(value, str) and value.startswith("$("):
        for old, new in names.items():
            word = old.removeprefix("$")
            inner_text = str(new).removeprefix("$")
            value = (
                " ".join(inner_text if part == word else part for part in _words(value))
                if word in _words(value)
                else value
            )
        return value if value.startswith("$") else f"$({value})"
    return names.get(value, value) if isinstance(value, str) else value


def _words(text: str) -> list[str]:
    return text.removeprefix("$(").removesuffix(")").split(" ")


def kind_of(layer: Data) -> str:
    """The kind of a layer, or the block that it uses."""
    return next(key for key in layer if key not in ("when", "name"))


def lists(layers: list[Data]) -> Iterator[list[Data]]:
    """A list of layers and all lists in it, the innermost first."""
    for layer in layers:
        for part in parts_of(layer):
            yield from lists(part)
    yield layers


def parts_of(layer: Data) -> list[list[Data]]:
    """The lists of layers of a composite layer."""
    fields = layer[kind_of(layer)]
    return [
        *fields.get("branches", []),
        *(fields[k] for k in ("layers", "shortcut") if k in fields),
    ]


def _height(layer: Data) -> int:
    inner = [_height(each) for part in parts_of(layer) for each in part]
    return max(inner, default=0) + (kind_of(layer) in _COMPOSITE)


def _skeleton(layers: list[Data]) -> Any:
    """What copies of one block have in common."""
    found = []
    for layer in layers:
        kind = kind_of(layer)
        fields = layer[kind]
        own = {
            name: repr(value)
            for name, value in fields.items()
            if kind in KINDS and name not in VARIABLE | {"branches", "layers", "shortcut"}
        }
        inner = [_skeleton(part) for part in fields.get("branches", [])]
        inner.append(_skeleton(fields.get("layers", [])))
        found.append((kind, layer.get("name"), tuple(sorted(own.items())), tuple(inner)))
    return tuple(found)


def _run_places(layers: list[Data]) -> Iterator[tuple[int, int]]:
    index = 0
    while index < len(layers):
        stop = index + 1
        if kind_of(layers[index]) in _WEIGHTED:
            while stop < len(layers) and _follows(layers[stop]):
                stop += 1
            if stop - index > 1:
                yield index, stop
        index = stop


def _follows(layer: Data) -> bool:
    family = KINDS.get(kind_of(layer))
    return family in ("normalization", "activation") and kind_of(layer) != "softmax"


def _replaced(layers: list[Data], uses: dict[int, Data]) -> list[Data]:
    """The layers with runs, known by their first layer, as the uses that stand for them."""
    made: list[Data] = []
    index = 0
    runs = dict(_run_places(layers))
    while index < len(layers):
        layer = layers[index]
        if id(layer) in uses:
            made.append(uses[id(layer)])
            index = runs[index]
            continue
        fields = layer[kind_of(layer)]
        for name in ("layers", "shortcut"):
            if name in fields:
                fields[name] = _replaced(fields[name], uses)
        if "branches" in fields:
            fields["branches"] = [_replaced(part, uses) for part in fields["branches"]]
        made.append(layer)
        index += 1
    return made


def _run_name(layers: list[Data]) -> str:
    return "_".join(_SHORT.get(kind_of(layer), kind_of(layer)) for layer in layers)


def _composite_name(layers: list[Data]) -> str:
    """What the figure is usually called."""
    (layer,) = layers
    kind = kind_of(layer)
    fields = layer[kind]
    if kind == "residual":
        weighted = [
            each[kind_of(each)].get("kernel", 1)
            for each in fields["layers"]
            if "filters" in each[kind_of(each)] or "kernel" in each[kind_of(each)]
        ]
        return "bottleneck" if len(weighted) == 3 and weighted[0] == weighted[2] == 1 else "unit"
    if fields.get("merge", "concat") != "concat":
        return "branches"
    return "dense_layer" if [] in fields["branches"] else "mixed"
