"""Several runs on one page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cnnkit.errors import UsageError
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.kinds import SPLIT
from cnnkit.training.store.summary import Summary
from cnnkit.training.view.overlay import charts_over, named, overlay, write_overlay
from tests.cli.command import Run


def begun(path: Path, train: dict[str, Any], losses: list[float]) -> RunDirectory:
    """A run with a loss an epoch; that of the validation is twice as high."""
    spec = {"name": path.name, "input": "4", "layers": ["relu"], "train": train}
    run = RunDirectory.create(path, path.name, spec, Environment())
    run.write_json(SPLIT, {"data": {"digest": "0"}})
    run.write_metrics(
        [
            RunEpoch(number, {"loss": loss}, {"loss": 2 * loss})
            for number, loss in enumerate(losses, start=1)
        ]
    )
    return run


def table(page: str, caption: str) -> list[list[str]]:
    """The cells of a table, row by row."""
    found = re.search(rf'aria-label="{caption}">(.*?)</table>', page, re.DOTALL)
    assert found is not None
    rows = re.findall(r"<tr.*?>(.*?)</tr>", found[1])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_figures_curves_and_what_is_not_the_same(tmp_path: Path) -> None:
    slow = begun(tmp_path / "slow", {"epochs": 2, "learning_rate": 0.1}, [1.0, 0.5])
    fast = begun(tmp_path / "fast", {"epochs": 3, "learning_rate": 0.1}, [1.0, 0.5, 0.25])
    summary = Summary(
        data="digits", validation={"examples": 9, "loss": 0.5}, best_epoch=3, seconds=65.0
    )
    fast.write_json("summary.json", summary.to_dict())
    page = overlay([slow, fast])
    assert "<h1>slow, fast</h1>" in page
    assert table(page, "Runs") == [
        ["run", "epochs", "best epoch", "judged on", "loss", "verdict", "time"],
        ["slow", "2", "—", "—", "—", "—", "—"],
        ["fast", "3", "3", "validation", "0.5000", "—", "1:05"],
    ]
    assert '<td data-value="65.0">1:05</td>' in page  # by which rows are sorted
    assert table(page, "What is not the same") == [
        ["field", "slow", "fast"],
        ["train.epochs", "2", "3"],
    ]


def test_each_run_has_one_colour_and_one_switch(tmp_path: Path) -> None:
    runs = [begun(tmp_path / name, {}, [1.0, 0.5]) for name in ("a", "b")]
    (chart,) = charts_over([(run.path.name, run.read_metrics()) for run in runs])
    assert [(each.told, each.colour, each.dashed) for each in chart.series] == [
        ("a, validation", 0, False),
        ("a, training", 0, True),
        ("b, validation", 1, False),
        ("b, training", 1, True),
    ]
    assert [each.name for each in chart.legend] == ["a", "b"]
    assert list(chart.series[0].y) == [2.0, 1.0]


def test_runs_of_one_name_are_told_apart_by_their_paths() -> None:
    paths = [Path("one/run"), Path("two/run"), Path("other")]
    assert named(paths) == [str(paths[0]), str(paths[1]), "other"]


def test_several_runs_need_a_file(tmp_path: Path, run: Run) -> None:
    for name in ("a", "b"):
        begun(tmp_path / name, {}, [1.0])
    paths = [str(tmp_path / name) for name in ("a", "b")]
    ended = run("report", *paths)
    assert ended.code == 2
    assert ended.err == (
        "cnnkit: 2 runs are laid over one another on one page, which is of none of them: say where "
        "to write it, `--output runs.html`\n"
    )
    output = tmp_path / "runs.html"
    assert run("report", *paths, "--output", str(output)).out == f"{output}\n"
    assert "<h1>a, b</h1>" in output.read_text("utf-8")


def test_only_trainings_are_laid_over_one_another(tmp_path: Path) -> None:
    begun(tmp_path / "a", {}, [1.0])
    search = begun(tmp_path / "b", {}, [1.0])
    (search.path / SPLIT).unlink()
    (search.path / "results.json").write_text(json.dumps({}))
    with pytest.raises(UsageError, match=r"b is a search, not a training: name another directory"):
        write_overlay([tmp_path / "a", tmp_path / "b"], tmp_path / "runs.html")
