"""Checkpoints that each process writes its part of: what is kept, and what is said where one fails.

One process stands for all here; ``test_killed_processes`` has several.
"""

from __future__ import annotations

import errno
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from cnnkit.errors import TrainingError
from cnnkit.training.distributed import saving
from cnnkit.training.distributed.saving import JointCheckpoints
from cnnkit.training.store.arrays import PartsWriter
from cnnkit.training.store.checkpoint import Checkpoints, Record
from cnnkit.training.store.files import DiskFullError

KERNEL = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(saving, "_is_cut", lambda _: True)
    made = JointCheckpoints(tmp_path / "checkpoints")
    yield made
    made.close()


def state(step: int) -> Any:
    return {"kernel": jnp.asarray(KERNEL + step), "step": jnp.int32(step)}


def record(step: int) -> Record:
    return Record(step, [], None, 0.0)


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_what_is_given_away_after_a_save_is_kept(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        saved = state(step)
        checkpoints.save(saved, record(step))
        for each in jax.tree.leaves(saved):
            each.delete()
    checkpoints.wait()
    for step, each in zip((1, 2), checkpoints.found(), strict=True):
        kept = each.restore({"kernel": KERNEL, "step": np.int32(0)})
        assert kept["kernel"].tobytes() == (KERNEL + step).tobytes()
        assert kept["step"] == step
        assert each.record == record(step)
        assert each.arrays()["kernel"].tolist() == (KERNEL + step).tolist()


def test_each_process_reads_what_lies_on_its_devices(checkpoints: Checkpoints) -> None:
    checkpoints.save(state(3), record(3))
    checkpoints.wait()
    lying = jax.tree.map(lambda leaf: leaf.sharding, state(0))
    kept = checkpoints.found()[0].restore_parts(state(0), lying)
    assert kept["kernel"].sharding == lying["kernel"]
    assert np.asarray(kept["kernel"]).tobytes() == (KERNEL + 3).tobytes()


def test_of_one_step_there_is_one_state(checkpoints: Checkpoints) -> None:
    checkpoints.save(state(1), record(1))
    checkpoints.wait()
    written = (checkpoints.found()[0].path / "manifest.json").stat().st_ino
    checkpoints.save(state(1), record(1))
    checkpoints.wait()
    assert (checkpoints.found()[0].path / "manifest.json").stat().st_ino == written


def test_a_process_without_room_says_so(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(state(1), record(1))
    checkpoints.wait()
    asked = []

    def full(_: Path, sizes: list[int]) -> None:
        asked.extend(sizes)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saving, "require_space", full)
    with pytest.raises(DiskFullError) as caught:
        checkpoints.save(state(2), record(2))
    assert str(caught.value) == (
        f"the disk is full: {checkpoints.folder / record(2).name} could not be written; free some "
        f"space there"
    )
    assert asked == [12 * 4, 4]
    assert names(checkpoints) == [record(1).name]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("NOT_FOUND: Error reading local file\nmore"), "NOT_FOUND: Error reading local"),
        (
            TimeoutError("Timed out while waiting for async_write_complete barrier."),
            "{path} is not whole: another process has not written its part of it",
        ),
    ],
)
def test_a_part_that_is_not_written_leaves_no_checkpoint(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    checkpoints.save(state(1), record(1))
    checkpoints.wait()
    wait = ocp.AsyncCheckpointer.wait_until_finished

    def fails(self: Any) -> None:
        wait(self)
        if self._async_manager._thread is None and written:
            raise error

    written: list[bool] = []
    monkeypatch.setattr(ocp.AsyncCheckpointer, "wait_until_finished", fails)
    begun = PartsWriter.finish

    def finish(parts: PartsWriter) -> None:
        written.append(True)
        begun(parts)

    monkeypatch.setattr(PartsWriter, "finish", finish)
    checkpoints.save(state(2), record(2))
    with pytest.raises((OSError, TrainingError)) as caught:
        checkpoints.wait()
    assert text.format(path=checkpoints.folder / record(2).name) in str(caught.value)
    assert names(checkpoints) == [record(1).name]


def test_a_disk_that_is_not_shared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run" / "checkpoints"
    saving._require_shared(folder)
    assert list(folder.parent.iterdir()) == []  # a run that cannot be compiled leaves nothing
    monkeypatch.setattr(saving, "is_first", lambda: False)
    monkeypatch.setattr(saving, "together", nullcontext)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    with pytest.raises(TrainingError) as caught:
        saving._require_shared(folder)
    assert str(caught.value) == (
        f"process 1 does not see {folder}, to which each process writes its part of the weights: "
        f"give all of them a --run-dir on a disk that they share"
    )
