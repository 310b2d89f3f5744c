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
from cnnkit.analysis.scaling import DeviceMesh, TrainingPlan, planned

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


def predicted(devices: int) -> TrainingPlan:
    analysis = planned(cnnkit.analyze(cnnkit.load(SPEC)), DeviceMesh(data=devices))
    assert analysis.scaling is not None
    return analysis.scaling.plan


def check(found: dict[str, Any], devices: int) -> None:
    """FLOPs, and the bytes of each collective, are those of the plan."""
    plan = predicted(devices)
    assert found["flops"] == plan.flops
    sizes: Counter[tuple[str, int]] = Counter()
    for kind, count, arrays in found["collectives"]:
        sizes[kind, count] += sum(width * math.prod(shape) for width, shape in arrays)
    expected: Counter[tuple[str, int]] = Counter()
    for each in plan.collectives:
        expected[each.kind, each.devices] += each.bytes
    assert sizes == expected


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def test_eight_devices_compute_and_send_what_the_plan_says(source: Path) -> None:
    pytest.importorskip("jax")
    found = compiled(source, 8)
    check(found, 8)
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
def test_so_do_other_numbers_of_devices(source: Path, devices: int) -> None:
    check(compiled(source, devices), devices)
