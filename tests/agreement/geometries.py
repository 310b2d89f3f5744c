"""A sweep of small geometries, by hand: ``python -m tests.agreement.geometries --count 5000``.

Convolutions and transposed ones of few cells, with strides, dilations and paddings up to and beyond
the kernel: the network and the code that it is converted to for Flax, their values and gradients,
against the sum that defines them in float64, and against PyTorch where it is installed. Each
geometry is printed before it is computed: if the process is ended, the last line says by which.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import cnnkit
from cnnkit.layers.resample import TransposedWindow
from cnnkit.network import build, kernels
from cnnkit.spec.graph import Node
from cnnkit.spec.tracing import trace
from tests.agreement.converted import channels_first, module_of

BATCH = 2
# Each of these once ended the process: forwards, or in a gradient.
KNOWN: tuple[tuple[list[int], str, dict[str, Any]], ...] = (
    (
        [3, 2, 2],
        "transposed_conv",
        {"kernel": [2, 4], "stride": [2, 4], "padding": [1, 3], "output_padding": [0, 1]},
    ),
    (
        [4, 2, 2],
        "transposed_conv",
        {"kernel": [2, 3], "stride": 2, "padding": [1, 0], "output_padding": [1, 0]},
    ),
    ([2, 3, 2], "transposed_conv", {"kernel": [3, 1], "stride": [2, 4], "output_padding": [0, 1]}),
    ([4, 2, 3], "conv", {"kernel": [2, 4], "stride": [2, 4], "padding": [1, 3]}),
    # This one was converted to one window too many, which lies beyond the input.
    (
        [2, 1, 1],
        "conv",
        {"kernel": [2, 1], "stride": 2, "padding": [3, [4, 1]], "rounding": "ceil"},
    ),
)
Arrays = tuple[np.ndarray, ...]


def drawn(number: int, seed: int) -> dict[str, Any] | None:
    """A spec of one layer, or None if that number's is none that can be computed."""
    draw = random.Random(f"{seed}.{number}")  # noqa: S311 - geometries, not secrets
    rank = draw.choice([1, 2, 2, 2, 3])
    kind = draw.choice(["conv", "transposed_conv", "transposed_conv"])
    groups = draw.choice([1, 1, 2])

    def each(low: int, high: int) -> list[int]:
        return [draw.randint(low, high) for _ in range(rank)]

    fields: dict[str, Any] = {
        "filters": groups * draw.randint(1, 2),
        "groups": groups,
        "kernel": each(1, 4),
        "stride": each(1, 4),
        "dilation": each(1, 2) if draw.random() < 0.4 else 1,
        "padding": [each(0, 4)[:1] * 2 if draw.random() < 0.7 else [*each(0, 4), 0][:2]
                    for _ in range(rank)],
    }  # fmt: skip
    if kind == "transposed_conv":
        fields["output_padding"] = [draw.randint(0, max(0, s - 1)) for s in fields["stride"]]
    else:
        fields["rounding"] = draw.choice(["floor", "ceil"])
    spec = _spec([*each(1, 5), groups * draw.randint(1, 2)], kind, fields)
    return None if cnnkit.analyze(cnnkit.load(spec)).findings else spec


def _spec(shape: list[int], kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"input": shape, "layers": [{kind: {"filters": 2, "bias": False, **fields}}]}


@dataclass(frozen=True)
class Case:
    """A layer, its operands, and a weight for each number of its output."""

    spec: cnnkit.Spec
    node: Node
    x: np.ndarray
    kernel: np.ndarray
    towards: np.ndarray

    @property
    def groups(self) -> int:
        return int(getattr(self.node.layer, "groups", 1))


def case_of(data: dict[str, Any]) -> Case:
    spec = cnnkit.load(data)
    (node,) = trace(spec.layers, spec.input, spec.rounding).nodes
    (kernel,) = (each for each in node.effect.weights if each.name == "kernel")
    draw = np.random.default_rng(0)
    shapes = ((BATCH, *spec.input), kernel.shape, (BATCH, *(node.output or ())))
    x, weights, towards = (draw.integers(-4, 5, shape).astype(np.float32) for shape in shapes)
    return Case(spec, node, x, weights, towards)


def by_definition(case: Case) -> Arrays:
    """The output, and the gradients by the input and the kernel: each a sum over three cells."""
    x, kernel, towards = (each.astype(np.float64) for each in (case.x, case.kernel, case.towards))
    y, dx, dkernel = np.zeros_like(towards), np.zeros_like(x), np.zeros_like(kernel)
    inputs, outputs = x.shape[-1] // case.groups, y.shape[-1] // case.groups
    axes = [list(_met(window)) for window in case.node.effect.windows]
    for cells in itertools.product(*axes):
        read, cell, written = (tuple(places) for places in zip(*cells, strict=True))
        for group in range(case.groups):
            at = (slice(None), *read, slice(group * inputs, (group + 1) * inputs))
            to = (slice(None), *written, slice(group * outputs, (group + 1) * outputs))
            by = (*cell, slice(None), to[-1])
            y[to] += x[at] @ kernel[by]
            dx[at] += towards[to] @ kernel[by].T
            dkernel[by] += x[at].T @ towards[to]
    return y, dx, dkernel


def _met(window: Any) -> Iterator[tuple[int, int, int]]:
    """The cells of input, kernel and output that are multiplied along an axis."""
    for read, cell in itertools.product(range(window.extent), range(window.size)):
        if isinstance(window, TransposedWindow):
            written = read * window.stride + cell * window.dilation - window.before
        else:
            written, rest = divmod(read + window.before - cell * window.dilation, window.stride)
            if rest:
                continue
        if 0 <= written < window.output:
            yield read, cell, written


def by_network(case: Case) -> Arrays:
    """By the network, as it is trained."""
    return _by_flax(case, nnx.eval_shape(lambda: build(case.spec)))


def by_plain_network(case: Case) -> Arrays:
    """By the network of XLA's own operations."""
    with kernels.plain_only():
        return by_network(case)


def by_converted(case: Case) -> Arrays:
    """By the code for Flax."""
    model = module_of(case.spec, "flax").MODEL
    return _by_flax(case, nnx.eval_shape(lambda: model(rngs=nnx.Rngs(0))))


def _by_flax(case: Case, model: Any) -> Arrays:
    split: Any = nnx.split(model, nnx.Param, ...)
    graphdef, params, rest = split
    (leaf,), tree = jax.tree.flatten(params)
    assert leaf.shape == case.kernel.shape

    @jax.jit
    def run(x: jax.Array, kernel: jax.Array, towards: jax.Array) -> Any:
        def forward(x: jax.Array, kernel: jax.Array) -> Any:
            return nnx.merge(graphdef, jax.tree.unflatten(tree, [kernel]), rest)(x)

        y, pullback = jax.vjp(forward, x, kernel)
        return y, *pullback(towards)

    return tuple(map(np.asarray, run(*map(jnp.asarray, (case.x, case.kernel, case.towards)))))


def by_torch(case: Case) -> Arrays:
    """By PyTorch's functions."""
    import torch
    from torch.nn import functional

    windows = case.node.effect.windows
    rank, transposed = len(windows), isinstance(windows[0], TransposedWindow)
    options = {name: [getattr(w, name) for w in windows] for name in ("stride", "dilation")}
    x = torch.tensor(channels_first(case.x).copy(), requires_grad=True)
    kernel = torch.tensor(case.kernel, requires_grad=True)
    given = kernel.movedim((-1, -2), (0, 1))
    if transposed:
        each = given.shape[0] // case.groups
        given = torch.cat([part.transpose(0, 1) for part in torch.split(given, each)])
        whole = getattr(functional, f"conv_transpose{rank}d")(
            x, given, groups=case.groups, **options
        )
    else:
        whole = functional.pad(x, [4 for _ in range(2 * rank)])  # by more than any padding
        whole = getattr(functional, f"conv{rank}d")(
            functional.pad(whole, [8 for _ in range(2 * rank)]), given, groups=case.groups,
            dilation=options["dilation"],
        )  # fmt: skip
    for axis, window in enumerate(windows, start=2):
        start = window.before if transposed else 12 - window.before
        step = 1 if transposed else window.stride
        end = start + step * (window.output - 1) + 1
        missing = max(0, end - whole.shape[axis])
        more = torch.zeros([missing if at == axis else n for at, n in enumerate(whole.shape)])
        whole = torch.cat([whole, more], axis)
        whole = whole[(*[slice(None)] * axis, slice(start, end, step))]
    whole.backward(torch.tensor(channels_first(case.towards).copy()))
    assert x.grad is not None
    assert kernel.grad is not None
    y, dx = (np.moveaxis(each.detach().numpy(), 1, -1) for each in (whole, x.grad))
    return y, dx, kernel.grad.numpy()


def sides() -> dict[str, Callable[[Case], Arrays]]:
    """What is compared with the definition."""
    found: dict[str, Callable[[Case], Arrays]] = {
        "network": by_network,
        "plain": by_plain_network,
        "converted": by_converted,
    }
    try:
        import torch  # noqa: F401
    except ImportError:
        return found
    return {**found, "PyTorch": by_torch}


def check(data: dict[str, Any]) -> list[str]:
    """What differs from the definition."""
    case, wrong = case_of(data), []
    right = by_definition(case)
    for name, side in sides().items():
        for what, found, expected in zip(("y", "dx", "dkernel"), side(case), right, strict=True):
            # Whole numbers of which float32 holds every sum.
            if found.shape != expected.shape or not np.array_equal(found, expected):
                wrong.append(f"{name}: {what}")
    return wrong


def main() -> int:
    """Runs the geometries, prints what differs, and gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    numbers = range(options.count)
    known = (_spec(*each) for each in KNOWN)
    specs = itertools.chain(known, (drawn(number, options.seed) for number in numbers))
    computed = failures = 0
    for data in filter(None, specs):
        print(json.dumps(data), flush=True)
        wrong = check(data)
        computed += 1
        if wrong:
            failures += 1
            print("DIFFERS", *wrong, sep="\n  ", flush=True)
    print(f"{computed:,} geometries, {failures} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
