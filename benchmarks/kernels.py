"""The kernels against XLA's own operations, on the shapes of the zoo: value and gradients.

For every convolution and pool of the networks in specs/zoo/, the time of its forward and backward
pass as `cnnkit.network.kernels` computes it, over that of `kernels.plain`; the aim is never to be
more than 5 % slower. A sample by default; `--all` takes all shapes, for half an hour.

    CNNKIT_ONEDNN=off python benchmarks/kernels.py --sample 20
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax import Array
from measuring import heading, in_turn, machine, milliseconds, table, versions

import cnnkit
from cnnkit.layers.base import Layer
from cnnkit.layers.convolution import Conv, DepthwiseConv
from cnnkit.layers.pooling import MaxPool, MeanPool
from cnnkit.layers.window import Window
from cnnkit.network import kernels, runtime
from cnnkit.network.convolution import paddings
from cnnkit.network.kernels import onednn, plain
from cnnkit.network.kernels.onednn import build
from cnnkit.spec.tracing import trace

ZOO = Path(__file__).parent.parent / "specs" / "zoo"
BAR = 1.05
CELLS = 1 << 22
"""Cells of the input and output of a batch at the most, so that a shape takes milliseconds."""

SHORTEST = 0.01
"""Seconds that a measurement takes at least."""


class Case(NamedTuple):
    """A layer of the zoo: hashable, so that each is measured once."""

    kind: str
    input: tuple[int, ...]
    filters: int
    groups: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def text(self) -> str:
        """The case as the table shows it."""
        shape, size = ("x".join(map(str, extents)) for extents in (self.input, self.size))
        to = f" → {self.filters}" if self.filters else ""
        more = f", groups {self.groups}" if self.groups > 1 else ""
        return f"{self.kind} {size} of {shape}{to}, stride {self.stride[0]}{more}"


def cases() -> Iterator[Case]:
    """The layers of the zoo that are computed by a kernel."""
    for path in sorted(ZOO.glob("*.yaml")):
        spec = cnnkit.load(path)
        graph = trace(spec.layers, spec.input, spec.rounding)
        for node in graph.nodes:
            layer = node.layer
            windows = [window for window in node.effect.windows if isinstance(window, Window)]
            if not windows or len(windows) < len(node.effect.windows):
                continue
            if not isinstance(layer, (Conv, DepthwiseConv, MaxPool, MeanPool)):
                continue
            shape = graph.shape(node.inputs[0]) or ()
            output = node.output or ()
            convolved = isinstance(layer, (Conv, DepthwiseConv))
            yield Case(
                "conv" if convolved else layer.kind,
                shape,
                output[-1] if convolved else 0,
                _groups(layer, shape),
                tuple(window.size for window in windows),
                tuple(window.stride for window in windows),
                paddings(windows),
                tuple(window.dilation for window in windows),
            )


def _groups(layer: Layer, shape: tuple[int, ...]) -> int:
    if isinstance(layer, DepthwiseConv):
        return shape[-1]
    return layer.groups if isinstance(layer, Conv) else 1


def batch_of(case: Case) -> int:
    """As many examples as the cells allow, at most 128, a multiple of 8 where possible."""
    cells = 1
    for extent in case.input:
        cells *= extent
    examples = max(1, min(128, CELLS // cells))
    return examples // 8 * 8 or examples


def passes(module: Any, case: Case, *operands: Array) -> tuple[Array, ...]:
    """The value of a layer and its gradients, weighted by itself."""
    if case.kind == "conv":
        function = partial(
            module.convolve,
            stride=case.stride,
            padding=case.padding,
            dilation=case.dilation,
            groups=case.groups,
        )
    else:
        function = partial(
            getattr(module, case.kind),
            size=case.size,
            stride=case.stride,
            padding=case.padding,
        )

    value, pull = jax.vjp(function, *operands)
    return (value, *pull(value))


def measured(case: Case, n: int) -> tuple[float, float]:
    """The seconds of the kernel and of the plain operation."""
    keys = jax.random.split(jax.random.key(0))
    operands = [jax.random.normal(keys[0], (batch_of(case), *case.input))]
    if case.kind == "conv":
        shape = (*case.size, case.input[-1] // case.groups, case.filters)
        operands.append(jax.random.normal(keys[1], shape))
    programs = {
        name: jax.jit(partial(passes, module, case)).lower(*operands)
        for name, module in (("kernel", kernels), ("plain", plain))
    }
    if programs["kernel"].as_text() == programs["plain"].as_text():
        programs.pop("kernel")  # the same, so of the same speed
    sides = {
        name: partial(_seconds, program.compile(), operands) for name, program in programs.items()
    }
    taken = in_turn(sides, n)
    return taken.get("kernel", taken["plain"]), taken["plain"]


def hardly_faster(record: Path) -> set[Case]:
    """The shapes that a record of an earlier run has as slower, or less than 5 % faster."""
    shapes = json.loads(record.read_text())["shapes"]
    return {
        Case(**{name: _hashable(shape[name]) for name in Case._fields})
        for shape in shapes
        if BAR * shape["kernel"] > shape["plain"]
    }


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _seconds(compiled: Any, operands: list[Array]) -> float:
    """The seconds of a call; of a short one the mean of as many as make ten milliseconds."""
    calls, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < SHORTEST or not calls:
        jax.block_until_ready(compiled(*operands))
        calls += 1
    return taken / calls


def main() -> None:
    """Measures, prints the table, and says which shapes are slower than they may be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=16, help="shapes, drawn by chance")
    parser.add_argument("--all", action="store_true", help="all shapes")
    parser.add_argument("--again", type=Path, help="those that this record has as hardly faster")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-n", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--quick", action="store_true", help="two shapes, n = 1")
    given = parser.parse_args()
    if given.quick:
        given.sample, given.n = 2, 1
    for line in runtime.prepare():
        print(line)
    every = sorted(set(cases()))
    chosen = random.Random(given.seed).sample(every, given.sample)  # noqa: S311
    if given.all:
        chosen = every
    if given.again:
        chosen = sorted(hardly_faster(given.again) & set(every))
    state = onednn.load()
    in_use = build.version() if state.active else f"not used: {state.reason}"
    facts = machine() | versions("jax", "jaxlib") | {"oneDNN": in_use}
    print(f"{heading(facts)}; {len(chosen)} of {len(every)} shapes, medians of n = {given.n}\n")
    rows, slower, record = [], [], []
    for number, case in enumerate(chosen, 1):
        kernel, simple = measured(case, given.n)
        print(f"{number}/{len(chosen)} {simple / kernel:.2f} {case.text}", file=sys.stderr)
        rows.append(
            (case.text, milliseconds(kernel), milliseconds(simple), f"{simple / kernel:.2f}")
        )
        record.append(
            {**case._asdict(), "batch": batch_of(case), "kernel": kernel, "plain": simple}
        )
        if kernel > BAR * simple:
            slower.append(case.text)
    print(table(("shape", "kernel", "plain", "× as fast"), rows))
    print(f"\nmore than {BAR - 1:.0%} slower: {', '.join(slower) or 'none'}")
    if given.json:
        given.json.write_text(json.dumps({"machine": facts, "shapes": record}, indent=2) + "\n")


if __name__ == "__main__":
    main()
