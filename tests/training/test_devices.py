"""Several devices: the batch is spread, and the run is that of one device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.prepare.device import choose

Recipe = Callable[..., Spec]


def run_on(count: int, source: Path, run: Path) -> list[dict[str, object]]:
    """The epochs of a run on so many virtual devices."""
    flags = f"--xla_force_host_platform_device_count={count}"
    done = subprocess.run(
        [sys.executable, "-m", "cnnkit", "train", str(source), "--run-dir", str(run)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XLA_FLAGS": flags},
    )
    assert done.returncode == 0, done.stderr
    environment = json.loads((run / "environment.json").read_text())
    assert len(environment["devices"]) == count
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_eight_devices_give_the_curve_of_one(recipe: Recipe, tmp_path: Path) -> None:
    source = tmp_path / "spec.json"
    spec = recipe(epochs=4, augment=[{"shift": 1}], ema=0.9)
    source.write_text(json.dumps(spec.to_dict()))
    one, eight = (run_on(count, source, tmp_path / f"run-{count}") for count in (1, 8))
    assert len(one) == len(eight) == 4
    for ours, theirs in zip(one, eight, strict=True):
        for split in ("train", "validation"):
            # Sums over devices round otherwise, and batch statistics carry that on.
            assert ours[split] == pytest.approx(theirs[split], rel=2e-3, abs=1e-4)


def test_a_batch_that_cannot_be_cut_uses_fewer_devices(recipe: Recipe, tmp_path: Path) -> None:
    source = tmp_path / "spec.json"
    source.write_text(json.dumps(recipe(epochs=1, batch_size=6).to_dict()))
    done = subprocess.run(
        [sys.executable, "-m", "cnnkit", "train", str(source), "--run-dir", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
    )
    assert done.returncode == 0, done.stderr
    assert (
        "3 of 4 devices are used: a batch of 6 is cut into equal parts, so `batch_size` is best a "
        "multiple of 4"
    ) in done.stdout


def test_a_device_that_is_not_there_says_what_it_needs() -> None:
    with pytest.raises(UsageError) as caught:
        choose("tpu")
    assert str(caught.value) == (
        "--device tpu: JAX finds no TPU here, only cpu; it needs the plug-in for TPUs: "
        "pip install 'jax[tpu]'"
    )
    with pytest.raises(UsageError, match=r"it needs the plug-in for NVIDIA's: pip install 'jax\["):
        choose("gpu")
