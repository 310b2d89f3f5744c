"""Checkpoints: what comes back, what is noticed, what is kept."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cnnkit.errors import TrainingError
from cnnkit.training.store import checkpoint as module
from cnnkit.training.store.checkpoint import Checkpoints, Record, name_of
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.manifest import DamagedCheckpointError


class Weights(NamedTuple):
    kernel: Any
    step: Any


def state(step: int) -> Weights:
    kernel = np.arange(12, dtype=np.float32).reshape(3, 4) + step
    return Weights(kernel, np.int32(step))


def record(step: int, epochs: int = 0, best: str | None = None) -> Record:
    history = [RunEpoch(number + 1, {}, None) for number in range(epochs)]
    return Record(step, history, best, elapsed=1.5)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Any:
    made = Checkpoints(tmp_path / "checkpoints", keep=2)
    yield made
    made.close()


def saved(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        checkpoints.save(state(step), record(step))
    checkpoints.wait()


def names(checkpoints: Checkpoints) -> list[str]:
    return [each.path.name for each in checkpoints.found()]


def test_what_was_saved_comes_back_in_its_bits(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 7)
    last, problems = checkpoints.last()
    assert last is not None
    assert problems == []
    back = last.restore(state(0))
    assert back.kernel.tobytes() == state(7).kernel.tobytes()
    assert back.kernel.dtype == np.float32
    assert int(back.step) == 7
    assert last.record == record(7)
    assert last.place == (7, 0)
    assert sorted(last.arrays()) == ["kernel", "step"]


def test_the_state_is_copied_before_it_is_changed(checkpoints: Checkpoints) -> None:
    kernel = np.zeros((3, 4), np.float32)
    checkpoints.save(Weights(kernel, np.int32(1)), record(1))
    kernel += 5
    checkpoints.wait()
    (found,) = checkpoints.found()
    assert not found.restore(state(0)).kernel.any()


def test_the_last_ones_and_the_best_that_they_name_are_kept(checkpoints: Checkpoints) -> None:
    best = name_of(1, 1)
    checkpoints.save(state(1), record(1, 1, best))
    for step in (2, 3, 4):
        checkpoints.save(state(step), record(step, step, best))
    checkpoints.wait()
    assert names(checkpoints) == [best, name_of(3, 3), name_of(4, 4)]
    newer = name_of(5, 5)
    checkpoints.save(state(5), record(5, 5, newer))
    checkpoints.wait()
    # The one before still names the old best, and may be needed if this one is damaged.
    assert names(checkpoints) == [best, name_of(4, 4), newer]


@pytest.mark.parametrize("harm", ["truncate", "change", "remove", "add", "manifest"])
def test_damage_is_noticed_and_the_one_before_is_used(checkpoints: Checkpoints, harm: str) -> None:
    saved(checkpoints, 1, 2)
    path = checkpoints.found()[-1].path
    victim = max((path / "state").rglob("*"), key=lambda each: each.stat().st_size * each.is_file())
    content = victim.read_bytes()
    if harm == "truncate":
        victim.write_bytes(content[: len(content) // 2])
    elif harm == "change":
        victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "remove":
        victim.unlink()
    elif harm == "add":
        (path / "state" / "more").write_bytes(b"")
    else:
        (path / "manifest.json").write_text("{")
    last, problems = checkpoints.last()
    assert last is not None
    assert last.place == (1, 0)
    (problem,) = problems
    said = {
        "truncate": "is not as it was written",
        "change": "is not as it was written",
        "remove": "is missing",
        "add": "is not as it was written",
        "manifest": "has no readable manifest.json",
    }
    assert said[harm] in problem
    assert path.name in problem


def test_none_is_whole(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 1)
    (checkpoints.found()[0].path / "record.json").unlink()
    last, problems = checkpoints.last()
    assert last is None
    assert len(problems) == 1


def test_a_link_is_refused(checkpoints: Checkpoints, tmp_path: Path) -> None:
    saved(checkpoints, 1)
    path = checkpoints.found()[0].path / "record.json"
    (tmp_path / "elsewhere").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert "is a link, which no checkpoint holds" in checkpoints.last()[1][0]


def test_another_network_is_refused(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 1)
    (found,) = checkpoints.found()
    with pytest.raises(DamagedCheckpointError, match="network"):
        found.restore(Weights(np.zeros((9, 9), np.float32), np.int32(0)))
    with pytest.raises(DamagedCheckpointError, match="network"):
        found.restore({"other": np.zeros(3, np.float32)})


def test_what_a_killed_process_left_is_no_checkpoint_and_goes(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 1)
    (checkpoints.folder / ".pending-step-00000002-epoch-0000-77").mkdir()
    assert names(checkpoints) == [name_of(1, 0)]
    checkpoints.clean()
    assert [path.name for path in checkpoints.folder.iterdir()] == [name_of(1, 0)]


def test_a_damaged_one_of_the_same_step_is_written_anew(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 1)
    (checkpoints.found()[0].path / "record.json").write_text("{}")
    saved(checkpoints, 1)
    last, problems = checkpoints.last()
    assert last is not None
    assert problems == []


def test_a_full_disk_is_said_and_the_one_before_stays(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(checkpoints, 1)

    def full(path: Path, value: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "write_json", full)
    checkpoints.save(state(2), record(2))
    with pytest.raises(TrainingError, match=r"the disk is full: .* could not be written"):
        checkpoints.wait()
    last, problems = checkpoints.last()
    assert last is not None
    assert last.place == (1, 0)
    assert problems == []
    assert [path.name for path in checkpoints.folder.iterdir()] == [name_of(1, 0)]


def test_discarded_after_a_place(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 1, 2)
    checkpoints.discard_after((1, 0))
    assert names(checkpoints) == [name_of(1, 0)]


def test_the_manifest_names_every_file(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 1)
    path = checkpoints.found()[0].path
    written = json.loads((path / "manifest.json").read_text())["sha256"]
    files = {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}
    assert written.keys() == files - {"manifest.json"}
