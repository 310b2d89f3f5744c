"""What the model of scaling says of a step, held to what XLA makes of the same step."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import cnnkit
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.scaling import plans_of

ROOT = Path(__file__).parents[2]
# Valid padding, for XLA leaves out the products of padding, and two examples for each device at
# least: of one, it makes no product of a kernel's gradient.
SPEC = """
input: 12x12x3
layers:
  - conv: {filters: 8, kernel: 3, bias: false}
  - batch_norm
  - relu
  - conv: {filters: 16, kernel: 4, stride: 2}
  - relu
  - flatten
  - dense: {units: 5}
  - softmax
train: {batch_size: 128, optimizer: adam}
"""
MAPS = """
input: 16x12x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, bias: false}
  - relu
  - conv: {filters: 16, kernel: 5, padding: same}
  - relu
  - max_pool: {size: 2}
  - conv: {filters: 4, kernel: 3, padding: same}
  - global_mean_pool
  - dense: {units: 5}
  - softmax
train: {batch_size: 16, optimizer: adam}
"""


def compiled(source: Path, devices: int) -> dict[str, Any]:
    """What XLA makes of a step for so many devices, in a process that has them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.agreement.compiled_step", str(source), str(devices)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any], text: str, devices: int) -> None:
    """FLOPs, the bytes of each kind of collective, and how many there are, are those of the plan.

    On CPUs a reduce-scatter is an all-reduce, of which each device keeps its part.
    """
    (analysis,) = plans_of([cnnkit.analyze(cnnkit.load(text))], devices)
    assert isinstance(analysis, Analysis)
    assert analysis.scaling is not None
    plan = analysis.scaling.plan
    # Maps that are cut are padded: see `SPEC`.
    assert found["flops" if plan.mesh.spatial == 1 else "flops_with_padding"] == plan.flops
    sizes: Counter[tuple[str, int]] = Counter()
    for kind, count, arrays in found["collectives"]:
        sizes[kind, count] += sum(width * math.prod(shape) for width, shape in arrays)
    expected: Counter[tuple[str, int]] = Counter()
    for each in plan.collectives:
        kind = "all-reduce" if each.kind == "reduce-scatter" else each.kind
        expected[kind, 0 if kind == "collective-permute" else each.devices] += each.bytes
    assert sizes == expected
    counts = Counter(kind for kind, *_ in found["collectives"])
    rounds = Counter[str]()
    for each in plan.collectives:
        rounds["all-reduce" if each.kind == "reduce-scatter" else each.kind] += each.rounds
    assert counts["all-gather"] == rounds["all-gather"]
    assert counts["collective-permute"] == 2 * rounds["collective-permute"]  # one a direction
    mesh = plan.mesh
    # Else sums over strips go in a round more; and where `shard` is all devices, what is cut goes
    # with what is whole, for on CPUs both are sums over all of them. The means of norms that each
    # part has by itself wait for nothing, and may go with any other.
    if plan.synchronized and mesh.spatial == 1 and (mesh.data > 1 or mesh.shard == 1):
        assert counts["all-reduce"] == rounds["all-reduce"]


def compiled_of(text: str, devices: int, folder: Path) -> dict[str, Any]:
    pytest.importorskip("jax")
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return compiled(path, devices)


def test_eight_devices_compute_and_send_what_the_plan_says(tmp_path: Path) -> None:
    found = compiled_of(SPEC, 8, tmp_path)
    check(found, SPEC, 8)
    # One product of 10·10·8 outputs by 27, of 4·4·16 by 128, of 256 by 5; forwards, for the
    # kernels, and for the maps but the first; 16 examples, two FLOPs each.
    first, second, dense = 10 * 10 * 8 * 27, 4 * 4 * 16 * 128, 256 * 5
    assert found["flops"] == 2 * 16 * (2 * first + 3 * second + 3 * dense)
    # All gradients go in two rounds: the norm must know its sums before the kernel below it.
    kernels = {(5, 256), (4, 4, 8, 16), (3, 3, 3, 8)}
    rounds = [
        {tuple(shape) for _, shape in arrays} & kernels for _, _, arrays in found["collectives"]
    ]
    assert list(filter(None, rounds)) == [{(5, 256), (4, 4, 8, 16)}, {(3, 3, 3, 8)}]


@pytest.mark.long
@pytest.mark.parametrize("devices", [1, 2, 4, 64])
def test_so_do_other_numbers_of_devices(devices: int, tmp_path: Path) -> None:
    check(compiled_of(SPEC, devices, tmp_path), SPEC, devices)


@pytest.mark.long
@pytest.mark.parametrize(
    ("layers", "parallel", "devices"),
    [
        (SPEC, "{shard: 2}", 2),
        (SPEC, "{shard: 4}", 4),
        (SPEC, "{shard: 4}", 8),
        (SPEC, "{shard: 2, sync_batch_norm: false}", 8),
        (SPEC, "{shard: 4}", 64),
        (MAPS, "{spatial: 2}", 2),
        (MAPS, "{spatial: 4}", 4),
        (MAPS, "{spatial: 2}", 8),
        (MAPS, "{spatial: 4}", 8),
        (MAPS.replace("batch_size: 16", "batch_size: 32"), "{spatial: 4}", 64),
    ],
)
def test_so_do_devices_that_share_out_weights_and_maps(
    layers: str, parallel: str, devices: int, tmp_path: Path
) -> None:
    text = layers.replace("adam}", f"adam, parallel: {parallel}}}")
    check(compiled_of(text, devices, tmp_path), text, devices)
