"""The receptive field of random networks against the cells that theirs can reach, one by one.

A network is built twice: as a spec, and as functions from a cell to the cells that it reads.
Reachability is then counted in sets of cells, in two ways: as if each map went on beyond its
borders, which is what a receptive field means, and with nothing there, as a gradient would find.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import pytest

import cnnkit
from cnnkit.analysis.field import Field

EXTENT = 72
BATCHES, NETWORKS = 20, 15

Reads = Callable[[int], Iterable[int]]
Sees = Callable[[int], frozenset[int]]


@dataclass(frozen=True)
class Map:
    """A map under construction: its extent, and what its cells see of the input.

    ``sees`` is as if all maps went on, ``inside`` with nothing beyond their borders.
    """

    extent: int
    sees: Sees
    inside: Sees
    stride: float = 1.0


@dataclass
class Chain:
    """Layers of a spec, and the map that comes out."""

    map: Map
    layers: list[Any] = field(default_factory=list)

    def add(self, layer: Any, extent: int, reads: Reads, stride: float = 1.0) -> None:
        """A layer whose cells read cells of the map."""
        before = self.map
        sees = cache(lambda i: frozenset().union(*(before.sees(j) for j in reads(i))))
        inside = cache(
            lambda i: frozenset().union(
                *(before.inside(j) for j in reads(i) if 0 <= j < before.extent)
            )
        )
        self.map = Map(extent, sees, inside, before.stride * stride)
        self.layers.append(layer)


def seeded(number: int) -> Random:
    return Random(number)  # noqa: S311 - networks, not secrets


def start() -> Chain:
    return Chain(Map(EXTENT, lambda i: frozenset([i]), lambda i: frozenset([i])))


# Layers, each by its definition ----------------------------------------------------------------


def window(chain: Chain, random: Random) -> None:
    """A convolution or a pool, padded and dilated."""
    kernel, stride = random.randint(1, 4), random.choice([1, 1, 1, 2, 3])
    kind = random.choice(["conv", "depthwise_conv", "max_pool", "mean_pool"])
    dilation = 1 if kind == "mean_pool" else random.choice([1, 1, 2, 3])
    reach = dilation * (kernel - 1)
    before, after = random.randint(0, reach), random.randint(0, reach)
    fields = {"stride": stride, "padding": [[before, after]], "rounding": "floor"}
    if kind != "mean_pool":
        fields["dilation"] = dilation
    fields["size" if kind.endswith("pool") else "kernel"] = kernel
    if kind == "conv":
        fields["filters"] = 2
    extent = (chain.map.extent + before + after - reach - 1) // stride + 1
    if extent < 4:
        return
    chain.add(
        {kind: fields},
        extent,
        lambda i: [i * stride - before + dilation * k for k in range(kernel)],
        stride,
    )


def pad(chain: Chain, random: Random) -> None:
    before, after = random.randint(0, 3), random.randint(0, 3)
    chain.add(
        {"pad": {"padding": [[before, after]]}},
        chain.map.extent + before + after,
        lambda i: [i - before],
    )


def crop(chain: Chain, random: Random, cells: int | None = None) -> None:
    total = random.randint(0, 4) if cells is None else cells
    before = random.randint(0, total)
    if chain.map.extent - total < 4:
        return
    chain.add(
        {"crop": {"cells": [[before, total - before]]}},
        chain.map.extent - total,
        lambda i: [i + before],
    )


def nearest(chain: Chain, random: Random, factor: int = 0) -> None:
    times = factor or random.randint(2, 4)
    chain.add(
        {"upsample": {"factor": times}}, chain.map.extent * times, lambda i: [i // times], 1 / times
    )


def linear(chain: Chain, random: Random, factor: int = 0) -> None:
    times = factor or random.randint(2, 4)

    def reads(i: int) -> list[int]:
        """The cells on both sides of (i + 1/2)/times − 1/2, or the one that lies there."""
        place, rest = divmod(2 * i + 1 - times, 2 * times)
        return [place, place + 1] if rest else [place]

    layer = {"upsample": {"factor": times, "method": "linear"}}
    chain.add(layer, chain.map.extent * times, reads, 1 / times)


def transposed(chain: Chain, random: Random, factor: int = 0) -> None:
    """Input cell i goes to i·stride − padding + dilation·k."""
    stride = factor or random.randint(1, 3)
    kernel = stride + random.randint(0, 2) if factor else random.randint(1, 5)
    dilation = 1 if factor else random.choice([1, 1, 2, 3])
    reach = dilation * (kernel - 1)
    most = 0 if factor else reach // 2
    before, after = random.randint(0, most), random.randint(0, most)
    old = chain.map.extent
    extent = (old - 1) * stride + reach + 1 - before - after
    if extent < 4:
        return
    fields = {"filters": 2, "kernel": kernel, "stride": stride, "dilation": dilation}

    def reads(i: int) -> list[int]:
        taps = [i + before - dilation * k for k in range(kernel)]
        return [tap // stride for tap in taps if tap % stride == 0]

    layer = {"transposed_conv": {**fields, "padding": [[before, after]]}}
    chain.add(layer, extent, reads, 1 / stride)


def adaptive(chain: Chain, random: Random) -> None:
    """Window i of n is [⌊i·D/n⌋, ⌈(i + 1)·D/n⌉)."""
    old = chain.map.extent
    new = random.randint(max(4, old // 3), old)
    chain.add(
        {"adaptive_mean_pool": {"output": new}},
        new,
        lambda i: range(i * old // new, -(-(i + 1) * old // new)),
        old / new,
    )


ENLARGING = (nearest, linear, transposed)
ANY = (window, window, window, pad, crop, nearest, linear, transposed, adaptive)


def chain_of(random: Random, steps: int, kinds: Iterable[Any] = ANY) -> Chain:
    chain = start()
    for _ in range(steps):
        if chain.map.extent < 160:
            random.choice(list(kinds))(chain, random)
    return chain


# Branches ---------------------------------------------------------------------------------------


def union(maps: Iterable[Map]) -> Map:
    maps = list(maps)
    return Map(
        min(each.extent for each in maps),
        cache(lambda i: frozenset().union(*(each.sees(i) for each in maps))),
        cache(lambda i: frozenset().union(*(each.inside(i) for each in maps))),
        maps[0].stride,
    )


def keeping(chain: Chain, random: Random) -> None:
    """A branch that keeps the stride: windows, or down and up again."""
    before = chain.map.stride
    if random.random() < 0.4:
        factor = random.choice([2, 3])
        fields = {"filters": 2, "kernel": factor + 1, "stride": factor, "rounding": "floor"}
        extent = (chain.map.extent - factor - 1) // factor + 1
        chain.add(
            {"conv": fields},
            extent,
            lambda i: [i * factor + k for k in range(factor + 1)],
            factor,
        )
        random.choice(ENLARGING)(chain, random, factor)
    else:
        kernel, dilation = random.randint(1, 4), random.randint(1, 3)
        reach = dilation * (kernel - 1)
        side = random.randint(0, reach)
        chain.add(
            {"conv": {"filters": 2, "kernel": kernel, "dilation": dilation,
                      "padding": [[side, reach - side]]}},
            chain.map.extent,
            lambda i: [i - side + dilation * k for k in range(kernel)],
        )  # fmt: skip
    assert math.isclose(chain.map.stride, before)


def branched(chain: Chain, random: Random) -> None:
    """Two or three branches, cropped to the shortest and joined."""
    ends = []
    for _ in range(random.randint(2, 3)):
        branch = Chain(chain.map)
        for _ in range(random.randint(0, 2)):
            keeping(branch, random)
        ends.append(branch)
    shortest = min(branch.map.extent for branch in ends)
    for branch in ends:
        if branch.map.extent > shortest:
            crop(branch, random, branch.map.extent - shortest)
    by = random.choice(["add", "concat", "maximum"])
    chain.layers.append({"parallel": {"branches": [branch.layers for branch in ends], "merge": by}})
    if by == "concat":
        chain.layers.append({"conv": {"filters": 2, "kernel": 1}})
    chain.map = union(branch.map for branch in ends)


def gated(chain: Chain, random: Random) -> None:
    """A gate of means over the whole map, in one of the ways in which it is written."""
    before = chain.map
    gates: list[list[Any]] = [
        ["squeeze_excite"],
        [{"save": "map"}, "global_mean_pool", {"dense": {"units": 2}}, "sigmoid",
         {"merge": {"with": "map", "by": "multiply"}}],
        [{"save": "map"}, {"global_max_pool": {"keep_axes": True}},
         {"merge": {"with": "map", "by": "multiply"}}],
        [{"save": "map"}, {"mean_pool": {"size": before.extent}},
         {"merge": {"with": "map", "by": "multiply"}}],
        [{"save": "map"}, "global_mean_pool", {"reshape": {"shape": [2, 1]}},
         {"conv": {"filters": 1, "kernel": 3, "padding": "same"}}, {"reshape": {"shape": [1, 2]}},
         {"merge": {"with": "map", "by": "multiply"}}],
        [{"save": "map"}, {"adaptive_mean_pool": {"output": 1}},
         {"upsample": {"factor": before.extent, "method": "linear"}},
         {"merge": {"with": "map", "by": "add"}}],
        [{"parallel": {"branches": [[], [{"parallel": {
            "branches": [["global_mean_pool"], ["global_max_pool"]], "merge": "add"}}]],
            "merge": "multiply"}}],
    ]  # fmt: skip
    chain.layers += random.choice(gates)
    maps = (before.sees, before.inside)
    seen, inside = (frozenset().union(*map(sees, range(before.extent))) for sees in maps)
    seen &= frozenset(range(EXTENT))
    chain.map = Map(
        before.extent,
        lambda i: before.sees(i) | seen,
        lambda i: before.inside(i) | inside,
        before.stride,
    )


# The comparison ---------------------------------------------------------------------------------


def found(chain: Chain) -> Field:
    shape = f"{EXTENT}x2"
    analysis = cnnkit.analyze(cnnkit.load({"input": shape, "layers": chain.layers}))
    assert not [each for each in analysis.findings if each.level == "error"], analysis.findings
    assert analysis.output == (chain.map.extent, 2)
    assert analysis.tree.fields is not None
    (field,) = analysis.tree.fields
    return field


def lengths(sees: Sees, extent: int) -> Iterator[int]:
    """From the first cell that each position sees to the last."""
    for position in range(extent):
        cells = sees(position)
        yield max(cells) - min(cells) + 1 if cells else 0


def check(chain: Chain) -> bool:
    """Compares; whether the largest field met no border, so that a gradient finds it as well."""
    field, extent = found(chain), chain.map.extent
    numeric = max(lengths(chain.map.inside, extent))
    expected = list(lengths(chain.map.sees, extent))
    if field.spans and field.spans.shift is None:  # known inside the map only
        assert numeric <= field.size <= max(expected), chain.layers
    else:
        assert (field.size, field.smallest) == (max(expected), min(expected)), chain.layers
    assert numeric <= field.size
    return numeric == field.size


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_chain_sees_what_its_cells_reach(batch: int) -> None:
    random = seeded(batch)
    whole = sum(check(chain_of(random, random.randint(1, 6))) for _ in range(NETWORKS))
    assert whole > NETWORKS / 2


@pytest.mark.parametrize("batch", range(BATCHES))
def test_branches_that_meet_see_what_one_of_them_reaches(batch: int) -> None:
    random = seeded(1000 + batch)
    whole = 0
    for _ in range(NETWORKS):
        chain = chain_of(random, random.randint(0, 2))
        for _ in range(random.randint(1, 2)):
            branched(chain, random)
        for _ in range(random.randint(0, 2)):
            random.choice(ANY)(chain, random)
        whole += check(chain)
    assert whole > NETWORKS / 2


@pytest.mark.parametrize("batch", range(BATCHES))
def test_behind_a_gate_all_is_reached(batch: int) -> None:
    random = seeded(2000 + batch)
    whole = 0
    for _ in range(NETWORKS):
        chain = chain_of(random, random.randint(0, 3))
        gated(chain, random)
        for _ in range(random.randint(0, 3)):
            random.choice([*ANY, branched])(chain, random)
        size, extent = found(chain).size, chain.map.extent
        most = max(lengths(chain.map.sees, extent))
        numeric = max(lengths(chain.map.inside, extent))
        assert min(numeric, EXTENT) <= min(size, EXTENT) <= min(most, EXTENT), chain.layers
        whole += min(size, EXTENT) == numeric == EXTENT
    assert whole > NETWORKS / 2


def strided(kernel: int, stride: int) -> Chain:
    chain = start()
    fields = {"filters": 2, "kernel": kernel, "stride": stride, "rounding": "floor"}
    extent = (EXTENT - kernel) // stride + 1
    chain.add({"conv": fields}, extent, lambda i: range(i * stride, i * stride + kernel), stride)
    return chain


@pytest.mark.parametrize("batch", range(BATCHES))
def test_branches_of_other_strides_see_what_one_of_them_reaches(batch: int) -> None:
    """Their cells drift apart from one end of the map to the other."""
    random = seeded(3000 + batch)
    for _ in range(NETWORKS):
        ends = [strided(random.randint(1, 4), stride) for stride in random.sample([1, 2, 3], 2)]
        shortest = min(branch.map.extent for branch in ends)
        for branch in ends:
            crop(branch, random, branch.map.extent - shortest)
        chain = Chain(union(branch.map for branch in ends))
        branches = [branch.layers for branch in ends]
        chain.layers = [{"parallel": {"branches": branches, "merge": "add"}}]
        for _ in range(random.randint(0, 3)):
            if chain.map.extent < 160:
                random.choice(ANY)(chain, random)
        field = found(chain)
        numeric = list(lengths(chain.map.inside, chain.map.extent))
        assert (field.size, field.smallest) == (max(numeric), min(numeric)), chain.layers
