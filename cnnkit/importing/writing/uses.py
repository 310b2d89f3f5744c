"""Blocks that the spec of a model had: their uses, and the repeats that these are copies in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnkit.importing.graph import BLOCK
from cnnkit.importing.writing.blocks import Blocks, Data, kind_of, lists, parts_of
from cnnkit.importing.writing.variants import Variants


def blocks_as_they_were(data: list[Data]) -> tuple[list[Data], Blocks]:
    """The layers with repeats, and with uses of blocks, which are made of what each use has."""
    layers = _repeated(data)
    blocks = Blocks()
    heights: dict[str, int] = {}
    for each in layers:
        _height(each, heights)
    for name in sorted(heights, key=lambda name: heights[name]):
        _define(name, layers, blocks)
    return layers, blocks


def _define(name: str, layers: list[Data], blocks: Blocks) -> None:
    """Makes a block of all uses that there are of it."""
    uses = [layer for each in lists(layers) for layer in each if _block_of(layer) == name]
    bodies = [use[BLOCK]["layers"] for use in uses]
    body, given, arguments = Variants(len(uses), blocks.bodies).template(bodies)
    blocks.bodies[name] = {**({"arguments": given} if given else {}), "layers": body}
    for use, own in zip(uses, arguments, strict=True):
        del use[BLOCK]
        use[name] = own


def _block_of(layer: Data) -> str | None:
    return layer[BLOCK]["block"] if BLOCK in layer else None


def _height(layer: Data, heights: dict[str, int]) -> int:
    """How many blocks a layer is made of, one in the other; notes it of each block."""
    inner = [_height(each, heights) for part in parts_of(layer) for each in part]
    height, name = max(inner, default=0), _block_of(layer)
    if name is not None:
        height += 1
        heights[name] = max(heights.get(name, 0), height)
    return height


def _repeated(layers: list[Data]) -> list[Data]:
    """The layers with copies of one repeat as that, where they are alike."""
    made: list[Data] = []
    for repeat, copies in _runs(layers):
        parts = [_inner(each) for each in copies]
        bodies = [_body(each) for each in parts]
        if repeat is None or any(body != bodies[0] for body in bodies):
            made += [layer for each in parts for layer in _spliced(each)]
            continue
        name = copies[0][BLOCK]["block"].name
        fields = {"times": len(copies), "layers": bodies[0]}
        made.append({**({"name": name} if name else {}), "repeat": fields})
    return made


def _runs(layers: list[Data]) -> Iterator[tuple[str | None, list[Data]]]:
    """Copies of one repeat together, each other layer alone."""
    run: list[Data] = []
    before: str | None = None
    for layer in layers:
        repeat = layer[BLOCK]["block"].repeat if BLOCK in layer else None
        if run and (repeat is None or repeat != before):
            yield before, run
            run = []
        run.append(layer)
        before = repeat
    if run:
        yield before, run


def _inner(layer: Data) -> Data:
    """A layer whose own layers are repeated where they are copies."""
    kind = kind_of(layer)
    fields: dict[str, Any] = dict(layer[kind])
    for name in ("layers", "shortcut"):
        if name in fields:
            fields[name] = _repeated(fields[name])
    if "branches" in fields:
        fields["branches"] = [_repeated(part) for part in fields["branches"]]
    if kind == BLOCK:
        fields["block"] = fields["block"].block
    return {**layer, kind: fields}


def _body(copy: Data) -> list[Data]:
    """The layers that a copy of a repeat is."""
    if BLOCK not in copy:
        return [copy]
    fields = copy[BLOCK]
    return [{BLOCK: fields}] if fields["block"] else fields["layers"]


def _spliced(layer: Data) -> list[Data]:
    """A layer, or those of a copy that is no block."""
    return layer[BLOCK]["layers"] if BLOCK in layer and not layer[BLOCK]["block"] else [layer]
