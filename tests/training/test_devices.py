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


CNNKIT = [sys.executable, "-m", "cnnkit"]


def run_on(
    count: int, source: Path, run: Path, *, processes: int = 1, parallel: str | None = None
) -> list[dict[str, object]]:
    """The epochs of a run on so many virtual devices of each process, cut as the spec says."""
    train = ["train", str(source), "--run-dir", str(run), "--device", "cpu"]
    train += ["--set", f"train.parallel={parallel}"] if parallel is not None else []
    done = subprocess.run(
        [*CNNKIT, *(["launch", "-n", str(processes), "--"] if processes > 1 else []), *train],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
        },
    )
    assert done.returncode == 0, done.stderr
    assert "1 | " not in done.stdout  # one process shows what all of them come to
    environment = json.loads((run / "environment.json").read_text())
    assert len(environment["devices"]) == count * processes
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def source(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec that is trained on several devices.

    Its steps are small: over larger ones what was rounded otherwise would grow.
    """
    path = tmp_path_factory.mktemp("several") / "spec.json"
    spec = recipe(
        epochs=4, augment=[{"shift": 1}], ema=0.9, optimizer={"sgd": {}}, learning_rate=0.01
    ).to_dict()
    spec["layers"][0]["conv"] |= {"filters": 32, "padding": "same"}  # 1,152 values by 3 then
    path.write_text(json.dumps(spec))
    return path


@pytest.fixture(scope="module")
def one(source: Path) -> list[dict[str, object]]:
    """What one device makes of it."""
    return run_on(1, source, source.parent / "one")


def agree(found: list[dict[str, object]], one: list[dict[str, object]]) -> None:
    """The curve of one device, but for sums over devices, which round otherwise."""
    assert len(found) == len(one) == 4
    for ours, theirs in zip(found, one, strict=True):
        assert ours["step"] == theirs["step"]
        for split in ("train", "validation"):
            assert ours[split] == pytest.approx(theirs[split], rel=1e-5)


@pytest.mark.long
def test_eight_devices_give_the_curve_of_one(
    source: Path, one: list[dict[str, object]], tmp_path: Path
) -> None:
    agree(run_on(8, source, tmp_path / "run"), one)


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("parallel", ["{}", "{shard: 2}", "{spatial: 2}"])
def test_processes_that_share_out_weights_and_maps_give_the_curve_of_one(
    processes: int, parallel: str, source: Path, one: list[dict[str, object]], tmp_path: Path
) -> None:
    """And once more the same, to the bit."""
    runs = [
        run_on(2, source, tmp_path / name, processes=processes, parallel=parallel)
        for name in ("run", "again")[: 1 + (processes == 2)]
    ]
    agree(runs[0], one)
    assert all(by_numbers(run) == by_numbers(runs[0]) for run in runs)


def by_numbers(run: list[dict[str, object]]) -> list[dict[str, object]]:
    """What a run came to, without how long it took."""
    return [{key: epoch[key] for key in ("step", "train", "validation")} for epoch in run]


@pytest.mark.long
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
