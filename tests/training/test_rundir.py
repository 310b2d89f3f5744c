"""The directory of a run: made whole, never overwritten, one writer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch

SPEC = {"input": 3, "layers": [{"dense": {"units": 2}}], "train": {"learning_rate": 1e-05}}


def made(path: Path | None, name: str = "net") -> RunDirectory:
    return RunDirectory.create(path, name, SPEC, Environment({"jax": "0"}))


def test_a_run_has_its_spec_and_environment_from_the_start(tmp_path: Path) -> None:
    run = made(tmp_path / "new" / "run")
    assert sorted(path.name for path in run.path.iterdir()) == ["environment.json", "spec.yaml"]
    spec = run.read_spec()
    assert spec.input == (3,)
    assert spec.train is not None
    assert spec.train.learning_rate.peak == 1e-5
    assert [path.name for path in run.path.parent.iterdir()] == ["run"]


def test_by_default_runs_get_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [made(None).path for _ in range(3)]
    assert paths == [Path("runs/net"), Path("runs/net-2"), Path("runs/net-3")]


def test_a_given_directory_is_not_overwritten(tmp_path: Path) -> None:
    made(tmp_path / "run")
    with pytest.raises(UsageError, match="nothing is overwritten: go on with its run by --resume"):
        made(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_file_is_not_called_a_run(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("kept")
    with pytest.raises(UsageError) as refused:
        made(tmp_path / "notes")
    assert str(refused.value) == (
        f"{tmp_path / 'notes'} is there already, and nothing is overwritten: give another --run-dir"
    )
    assert (tmp_path / "notes").read_text() == "kept"


def test_no_run_to_open(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no run .*nowhere"):
        RunDirectory.open(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is no run: it has no spec\.yaml"):
        RunDirectory.open(tmp_path)


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    first, second = made(tmp_path / "run"), RunDirectory(tmp_path / "run")
    assert not first.lock.taken
    first.lock.take()
    assert second.lock.taken
    with pytest.raises(UsageError, match=r"is in use: another cnnkit \(process \d+\) trains in it"):
        second.lock.take()
    first.lock.release()
    second.lock.take()
    second.lock.release()


def test_metrics_are_lines_and_a_torn_one_ends_them(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    assert run.read_metrics() == []
    history = [RunEpoch(n, {"loss": 1.0}, None) for n in (1, 2)]
    run.write_metrics(history)
    path = run.path / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [epoch.to_dict() for epoch in run.read_metrics()]
    path.write_text(path.read_text() + '{"epoch": 3, "tr')
    assert run.read_metrics() == history


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    (run.path / "summary.json").write_text("{")
    with pytest.raises(TrainingError, match=r"summary\.json is damaged"):
        run.read_json("summary.json")
    assert run.read_json("split.json") is None


def test_what_is_no_epoch_ends_the_metrics(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    path = run.path / "metrics.jsonl"
    whole = {"epoch": 1, "train": {"loss": 1.0}, "validation": None}
    for line in ('{"epoch": "2"}', "[1]", '{"epoch": 2, "train": {}}'):
        path.write_text(f"{json.dumps(whole)}\n{line}\n")
        assert run.read_metrics() == [RunEpoch(1, {"loss": 1.0}, None)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1]", "it holds no mapping"),
        ("{}", "it has no epochs"),
        ('{"epochs"', "Expecting ':' delimiter: line 1 column 10 (char 9)"),
    ],
)
def test_of_a_damaged_file_is_said_what_to_do(tmp_path: Path, text: str, why: str) -> None:
    run = made(tmp_path / "run")
    (run.path / "summary.json").write_text(text)
    with pytest.raises(TrainingError) as caught:
        run.read_json("summary.json", ("epochs",))
    assert str(caught.value) == (
        f"{run.path / 'summary.json'} is damaged: {why}. Delete it, and go on with the run by "
        f"the command that began it or by `cnnkit train --resume {run.path}`: what it held is "
        f"made again"
    )


def test_a_run_of_another_kind_is_not_written_over(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    assert RunDirectory.open(run.path, "search").path == run.path  # killed before it was either
    run.write_json("split.json", {})
    assert RunDirectory.open(run.path, "training").path == run.path
    with pytest.raises(UsageError, match="run is a training, not a cross-validation: name another"):
        RunDirectory.open(run.path, "cross-validation")


def test_what_a_killed_process_left_is_removed_later(tmp_path: Path) -> None:
    old, new, foreign = (tmp_path / f".run-abcdef{n:02}" for n in range(3))
    for folder in (old, new, foreign):
        folder.mkdir()
        (folder / "spec.yaml").write_text("")
    (foreign / "mine.txt").write_text("")
    for folder in (old, foreign):
        os.utime(folder, (0, 0))
    made(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, foreign.name, "run"]
