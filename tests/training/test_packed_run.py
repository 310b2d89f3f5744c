"""A packed data set trains as the one that it was packed from, to the bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from cnnkit.data import Dataset
from cnnkit.data.dataset import ExampleArrays
from cnnkit.data.shard_writer import pack
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Images
from cnnkit.training.completion import Result
from cnnkit.training.prepare.feed import BatchShare
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import resume, train
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise in three classes of 16 images, of 8 patients, and the same packed beside it."""
    folder = tmp_path_factory.mktemp("sets") / "photos"
    random = np.random.default_rng(0)
    for number in range(48):
        path = folder / ("left", "middle", "right")[number % 3] / f"p{number % 8}-{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 128, (7, 6, 1)).astype(np.uint8)
        pixels[:, number % 3 * 2 :][:, :2] += 60
        Image.fromarray(pixels[..., 0]).save(path)
    pack(Images(images=str(folder)), folder.parent / "packed", shards=3)
    return folder


def trained(recipe: Recipe, data: dict[str, str], run_dir: Path, **fields: Any) -> Result:
    split = {"validation": 0.25, "test": 0.25, "group": r"(p\d)-"}
    spec = recipe(data=data, split=split, batch_size=8, augment=[{"shift": 1}], **fields)
    return train(spec, run_dir=run_dir, display=Quiet())


@pytest.mark.parametrize("streamed", [True, pytest.param(False, marks=pytest.mark.long)])
def test_packed_data_give_the_same_training(
    streamed: bool, recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if streamed:
        monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
        monkeypatch.setattr("cnnkit.training.prepare.material.load", _from_files)
    runs = [
        trained(recipe, data, tmp_path / name, epochs=2)
        for name, data in (
            ("folder", {"images": str(photos)}),
            ("packed", {"packed": str(photos.parent / "packed")}),
        )
    ]
    assert compare(runs[0].path, runs[1].path) == []
    for name in ("wrong.csv", "files.json", "split.json"):
        one, other = ((run.path / name).read_text() for run in runs)
        assert one == other
    assert "left/p0-0.png" in (runs[1].path / "files.json").read_text()
    waits = [
        json.loads(line)["time"]["waiting"]
        for line in (runs[1].path / "metrics.jsonl").read_text().splitlines()
    ]
    assert all(wait >= 0 for wait in waits) if streamed else waits == [None, None]


def _from_files(*given: Any, **named: Any) -> Dataset:
    """The data set with its inputs left in the files or the records."""
    from cnnkit.data import load

    return load(*given, **named, budget=0)


def test_a_run_on_packed_data_goes_on_within_an_epoch(
    recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
    monkeypatch.setattr("cnnkit.training.prepare.material.load", _from_files)
    data = {"packed": str(photos.parent / "packed")}
    whole = trained(recipe, data, tmp_path / "whole", epochs=2)
    asked = {"left": 5}

    def agree(self: object) -> bool:
        asked["left"] -= 1
        if asked["left"] == 0:
            self.received = signal.SIGTERM  # type: ignore[attr-defined]
        return asked["left"] <= 0

    monkeypatch.setattr("cnnkit.training.loop.Pace.took", lambda *_: None)  # a step a call
    with monkeypatch.context() as patch:
        patch.setattr("cnnkit.training.interruption.Interruption.agree", agree)
        begun = trained(recipe, data, tmp_path / "begun", epochs=2)
    assert begun.ending == "interrupted"
    assert (begun.path / "metrics.jsonl").read_text().count("\n") == 1  # of epochs of 3 steps
    assert resume(begun.path, display=Quiet()).ending == "epochs"
    assert compare(whole.path, begun.path) == []


def test_a_run_that_is_killed_within_an_epoch_goes_on_as_if_it_had_not_been(
    recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
    monkeypatch.setattr("cnnkit.training.prepare.material.load", _from_files)
    monkeypatch.setattr("cnnkit.training.loop.Pace.took", lambda *_: None)  # a step a call
    whole, killed, asked = tmp_path / "whole", tmp_path / "killed", {"left": 5}

    def agree(self: object) -> bool:
        asked["left"] -= 1
        if asked["left"] == 0:  # what `kill -9` leaves in the second epoch
            shutil.copytree(whole, killed, ignore=shutil.ignore_patterns("*.lock"))
        return False

    with monkeypatch.context() as patch:
        patch.setattr("cnnkit.training.interruption.Interruption.agree", agree)
        trained(recipe, {"packed": str(photos.parent / "packed")}, whole, epochs=2)
    assert (killed / "metrics.jsonl").read_text().count("\n") == 1
    assert resume(killed, display=Quiet()).ending == "epochs"
    assert compare(whole, killed) == []


class _OfProcesses:
    """How a batch of 8 lies on as many devices as processes, of which one is this process's."""

    def __init__(self, own: int, count: int) -> None:
        self._own, self._each = own, 8 // count

    def addressable_devices_indices_map(self, shape: tuple[int]) -> dict[object, Any]:
        assert shape == (8,)
        return {object(): (slice(self._own * self._each, (self._own + 1) * self._each),)}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_all_processes_together_read_the_batch_that_one_reads(count: int) -> None:
    chosen = np.array([7, 3, 9, 1, 0, 4, 2, 8])
    read = [BatchShare(_OfProcesses(own, count), 8).of(chosen).tolist() for own in range(count)]  # type: ignore[arg-type]
    assert {len(each) for each in read} == {8 // count}
    assert [number for each in read for number in each] == [7, 3, 9, 1, 0, 4, 2, 8]


def test_one_process_reads_all_of_a_batch() -> None:
    share = BatchShare(jax.sharding.SingleDeviceSharding(jax.devices()[0]), 4)
    inputs = np.arange(12, dtype=np.float32).reshape(6, 2)
    table = ExampleArrays(inputs, inputs)
    pool = share.pool(*table.at(share.of(np.array([5, 0, 2, 2]))))
    np.testing.assert_array_equal(pool.inputs, inputs[[5, 0, 2, 2]])
    assert pool.targets is pool.inputs


# What `cnnkit` does, with a data set that is streamed, however small, and a count of what is read.
PROGRAM = """
import sys
from functools import partial
import cnnkit.training.prepare.material as material
from cnnkit.__main__ import main
from cnnkit.data import Dataset
from cnnkit.data.records import Records

Dataset.fits_on_device = lambda *_: False
material.load = partial(material.load, budget=0)
read, real = [], Records.__getitem__

def counted(self, number):
    read.append(number)
    return real(self, number)

Records.__getitem__ = counted
sys.argv = ["cnnkit", *sys.argv[1:]]
try:
    main()
finally:
    print("read", len(read), flush=True)
"""


@pytest.mark.long
def test_two_processes_read_each_its_part_and_train_as_one(
    recipe: Recipe, photos: Path, tmp_path: Path
) -> None:
    spec = recipe(data={"packed": str(photos.parent / "packed")}, batch_size=8, epochs=8)
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_dict()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"

    def started(run: str, flags: str, *given: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, "train", str(tmp_path / "spec.json")]
        return subprocess.Popen(
            [*command, "--run-dir", str(tmp_path / run), "--device", "cpu", *given],
            env={**os.environ, "XLA_FLAGS": flags},
            stdout=subprocess.PIPE,
            text=True,
        )

    alone = [started("one", "--xla_force_host_platform_device_count=2")]
    both = [
        started("two", "", "--coordinator", place, "--processes", "2", "--process-id", str(index))
        for index in range(2)
    ]
    counts = [int(each.communicate(timeout=300)[0].split()[-1]) for each in (*alone, *both)]
    curves = [
        [json.loads(line) for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("one", "two")
    ]
    for one, two in zip(*curves, strict=True):
        for part in ("train", "validation"):
            assert two[part]["loss"] == pytest.approx(one[part]["loss"], rel=1e-5)
    # Beside its half of the batches and of the mean a process looks at a few examples.
    assert max(counts[1:]) < 0.6 * counts[0]
