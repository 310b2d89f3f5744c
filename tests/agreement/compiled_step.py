"""Compiles a step of training for virtual devices, and prints what XLA made of it as JSON.

``python -m tests.agreement.compiled_step SPEC DEVICES``: the FLOPs of the convolutions and matrix
products of each device, without those of padding and with them, and the collectives: how many
devices take part in each, and its bytes.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

_ARRAY = re.compile(r"\b(pred|[a-z]+\d+)\[([\d,]*)\]")
_DEFINED = re.compile(r"^\s*(?:ROOT )?%?([\w.-]+) = (.*?) ([\w-]+)\((.*)$")
_LISTED = re.compile(r"replica_groups=\{\{([\d,]+)\}")
_COUNTED = re.compile(r"replica_groups=\[\d+,(\d+)\]")
_NAMED = re.compile(r"replica_groups=mesh\[([^\]]*)\](?:, device_ids=\S+)? \{([^}]*)\}")
COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all")


def arrays(text: str) -> list[tuple[int, tuple[int, ...]]]:
    """The widths in bytes and the shapes of the arrays of a type: ``f32[3,4]{1,0}``."""
    found = []
    for name, extents in _ARRAY.findall(text):
        bits = 8 if name == "pred" else int(re.sub(r"\D", "", name))
        found.append((bits // 8, tuple(map(int, filter(None, extents.split(","))))))
    return found


def size(text: str) -> int:
    """The bytes of the arrays of a type."""
    return sum(width * math.prod(shape) for width, shape in arrays(text))


def collectives(program: str) -> Iterator[tuple[str, int, list[tuple[int, tuple[int, ...]]]]]:
    """The kind of each, the devices that take part in it together, and the arrays that it gives."""
    for line in program.splitlines():
        found = _DEFINED.match(line)
        if found is None or found[3].removesuffix("-start") not in COLLECTIVES:
            continue
        yield found[3].removesuffix("-start"), _devices(line), arrays(found[2])


def _devices(line: str) -> int:
    """The devices of a group; of a permutation, which has no groups, 0."""
    if groups := _NAMED.search(line):
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", groups[1]))
        return math.prod(int(sizes[axis]) for axis in re.findall(r"'(\w+)'", groups[2]))
    if groups := _COUNTED.search(line):
        return int(groups[1])
    groups = _LISTED.search(line)
    return len(groups[1].split(",")) if groups else 0


def flops(program: str, *, padding: bool = False) -> int:
    """Twice the multiplications of all convolutions and products, with or without padding's."""
    shapes: dict[str, tuple[int, ...]] = {}
    total = 0
    for line in program.splitlines():
        found = _DEFINED.match(line)
        if found is None:
            continue
        name, kind, operation, rest = found.groups()
        given = arrays(kind)
        shapes[name] = given[0][1] if given else ()
        if operation not in ("convolution", "dot"):
            continue
        operands = list(re.findall(r"%([\w.-]+)", rest))[:2]
        left, right = (shapes[each] for each in operands)
        if operation == "dot":
            axes = re.search(r"lhs_contracting_dims=\{([\d,]*)\}", rest)
            assert axes is not None
            depth = math.prod(left[int(axis)] for axis in axes[1].split(",") if axis)
            total += 2 * math.prod(shapes[name]) * depth
        else:
            total += 2 * _products(shapes[name], left, right, rest, padding=padding)
    return total


def _products(
    output: tuple[int, ...],
    left: tuple[int, ...],
    right: tuple[int, ...],
    rest: str,
    *,
    padding: bool,
) -> int:
    """The multiplications of a convolution: by cells of its input, if asked of its padding too."""
    labels = re.search(r"dim_labels=(\w+)_(\w+)->(\w+)", rest)
    assert labels is not None
    window = dict(re.findall(r"(size|stride|pad|lhs_dilate|rhs_dilate)=([\dx_-]+)", rest))
    axes = [each for each in labels[3] if each.isdigit()]
    pairs = 1
    for number, axis in enumerate(axes):
        of = {key: value.split("x")[number] for key, value in window.items()}
        extent = left[labels[1].index(axis)]
        before = int(of.get("pad", "0_0").split("_")[0])
        stride, base = int(of.get("stride", 1)), int(of.get("lhs_dilate", 1))
        apart = int(of.get("rhs_dilate", 1))
        pairs *= sum(
            (padding or 0 <= place < (extent - 1) * base + 1) and place % base == 0
            for at in range(output[labels[3].index(axis)])
            for cell in range(right[labels[2].index(axis)])
            for place in [at * stride - before + cell * apart]
        )
    batch = output[labels[3].index("b")]
    filters = output[labels[3].index("f")]
    return pairs * batch * filters * right[labels[2].index("i")]


def compiled(source: str, count: int) -> Any:
    """The program of a step on so many virtual devices, and XLA's account of it."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import NamedSharding, PartitionSpec

    import cnnkit
    from cnnkit.training.compute.state import ExamplePool, Feed
    from cnnkit.training.compute.step import make_steps
    from cnnkit.training.distributed.layout import layout_of

    # What an accelerator is given: on CPUs a small convolution may be another program of ours.
    jax.lax.platform_dependent = lambda *given, default, **others: default(*given)
    spec = cnnkit.load(source)
    train = spec.train
    assert train is not None
    layout = layout_of(jax.devices("cpu")[:count], train.parallel)
    batch = train.known_batch
    steps = make_steps(spec, train, examples=batch, batch_size=batch, layout=layout)

    def array(*shape: int, dtype: Any = jnp.float32) -> Any:
        return jax.ShapeDtypeStruct(shape, dtype)

    classes = cnnkit.analyze(spec).graph.output or ()
    feed = Feed(
        pool=ExamplePool(array(batch, *spec.input), array(batch, dtype=jnp.int32)),
        train=array(batch, dtype=jnp.int32),
        mean=array(spec.input[-1]),
        deviation=array(spec.input[-1]),
        class_weights=array(*classes),
        seed=array(dtype=jnp.uint32),
    )
    state = jax.eval_shape(steps.init, feed.seed)
    where: dict[str, Any] = {}
    if layout.mesh is not None:
        lying, whole = layout.of_state(state), NamedSharding(layout.mesh, PartitionSpec())
        where = {"in_shardings": (lying, whole, whole), "out_shardings": lying}
    update = jax.jit(steps.update, donate_argnums=0, **where)
    return update.lower(state, feed, feed.train).compile()


def main() -> None:
    """Prints what XLA made of a step."""
    source, count = sys.argv[1], int(sys.argv[2])
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    text = compiled(source, count).as_text()
    found = {
        "flops": flops(text),
        "flops_with_padding": flops(text, padding=True),
        "collectives": list(collectives(text)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
