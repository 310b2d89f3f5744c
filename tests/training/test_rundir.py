"""The directory of a run: made whole, never overwritten, one writer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.rundir import RunDirectory

SPEC = {"input": 3, "layers": [{"dense": {"units": 2}}], "train": {"learning_rate": 1e-05}}


def made(path: Path | None, name: str = "net") -> RunDirectory:
    return RunDirectory.create(path, name, SPEC, {"jax": "0"})


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


def test_no_run_to_open(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no run .*nowhere"):
        RunDirectory.open(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is no run: it has no spec\.yaml"):
        RunDirectory.open(tmp_path)


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    first, second = made(tmp_path / "run"), RunDirectory(tmp_path / "run")
    assert not first.locked
    first.lock()
    assert second.locked
    with pytest.raises(UsageError, match=r"is in use: another cnnkit \(process \d+\) trains in it"):
        second.lock()
    first.release()
    second.lock()
    second.release()


def test_metrics_are_lines_and_a_torn_one_ends_them(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    assert run.read_metrics() == []
    run.write_metrics([{"epoch": 1}, {"epoch": 2}])
    path = run.path / "metrics.jsonl"
    assert [json.loads(line) for line in path.read_text().splitlines()] == run.read_metrics()
    path.write_text(path.read_text() + '{"epoch": 3, "tr')
    assert run.read_metrics() == [{"epoch": 1}, {"epoch": 2}]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    (run.path / "summary.json").write_text("{")
    with pytest.raises(TrainingError, match=r"summary\.json cannot be read"):
        run.read_json("summary.json")
    assert run.read_json("split.json") is None
