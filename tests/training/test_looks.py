"""The test split stays sealed until it is opened, and each look at it is counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.options import Options
from cnnkit.training.retraining import retrain
from cnnkit.training.run import train
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.listing import runs_of
from cnnkit.training.store.looks import RunLooks, look_text
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def trained(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looks")
    for name, fields in (
        ("a", {}),
        ("b", {"learning_rate": 0.02}),
        ("other", {"split": {"validation": 15, "test": 18}}),
    ):
        train(recipe(epochs=2, **fields), run_dir=folder / name, display=Quiet())
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """Two runs of one split, and one of another; none was looked at."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def test_looks_are_counted_among_the_runs_that_share_the_split(runs: Path) -> None:
    assert not list(runs.glob("*/looks.json"))
    first = evaluate(runs / "a", Options())
    assert first.look == 1
    assert look_text(1, list(first.looks)) == "test split: look number 1, the first of its runs"
    # The same weights once more are no new look.
    assert evaluate(runs / "a", Options()).look == 1
    second = evaluate(runs / "b", Options())
    assert second.look == 2
    assert look_text(2, list(second.looks)) == (
        f"test split: look number 2, after {runs / 'a'}. A network that was chosen with knowledge "
        "of the looks before is no longer judged on unseen data"
    )
    assert evaluate(runs / "other", Options()).look == 1
    (look,) = read(runs / "b" / "looks.json")["looks"]
    assert look["figures"]["accuracy"] == second.figures["accuracy"]
    assert [len(RunLooks(RunDirectory(runs / name)).looks()) for name in ("a", "b", "other")] == [
        2,
        2,
        1,
    ]


def test_a_look_counts_though_it_never_came_to_its_end(runs: Path) -> None:
    RunLooks(RunDirectory(runs / "a")).open("step-00000008-epoch-0002")
    assert evaluate(runs / "b", Options()).look == 2


def test_other_data_are_no_look(runs: Path, arrays: Path) -> None:
    from cnnkit.spec.model.training import Arrays

    found = evaluate(runs / "a", Options(), data=Arrays(arrays=str(arrays)))
    assert (found.look, found.looks) == (None, ())
    assert not (runs / "a" / "looks.json").exists()


def test_runs_are_sorted_by_validation_and_show_what_was_looked_at(runs: Path) -> None:
    rows = runs_of(runs)
    figures = [row.validation for row in rows if row.validation is not None]
    assert len(figures) == len(rows)
    assert figures == sorted(figures, reverse=True)
    assert [row.test for row in rows] == [None, None, None]
    found = evaluate(runs / "b", Options())
    tested = {Path(row.run).name: row.test for row in runs_of(runs)}
    assert tested == {"a": None, "b": found.figures["accuracy"], "other": None}


def test_the_last_training_is_on_training_and_validation_examples(runs: Path) -> None:
    result = retrain(runs / "a", display=Quiet())
    assert result.path == runs / "a-final"
    assert result.summary is not None
    split, before = read(result.path / "split.json"), read(runs / "a" / "split.json")
    assert [split[name]["examples"] for name in ("train", "validation", "test")] == [75, 0, 15]
    assert split["test"] == before["test"]
    assert result.summary["epochs"] == read(runs / "a" / "summary.json")["best_epoch"]
    assert result.summary["test"]["examples"] == 15
    assert (result.summary["sealed"], result.summary["validation"]) == (0, None)
    # It has opened the test split: who looks after it is told so.
    again = evaluate(result.path, Options())
    assert (again.look, again.figures) == (1, result.summary["test"])
    assert evaluate(runs / "a", Options()).look == 2


def test_what_cannot_be_retrained_says_why(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(split={"validation": 0, "test": 15}, epochs=1)
    train(spec, run_dir=tmp_path / "run", display=Quiet())
    with pytest.raises(UsageError, match="held no validation split back: there is nothing to"):
        retrain(tmp_path / "run", display=Quiet())


def test_validation_of_its_own_is_trained_on_where_none_is_wanted() -> None:
    from cnnkit.data.dataset import Dataset, Examples
    from cnnkit.data.split import split
    from cnnkit.spec.model.training import SplitSettings

    examples = Examples(np.zeros((20, 4), np.float32), np.arange(20, dtype=np.int32) % 2)
    dataset = Dataset("made", examples, None, ("0", "1"), validation=np.arange(5))
    assert len(split(dataset, SplitSettings(test=0.2)).validation) == 5
    joined = split(dataset, SplitSettings(test=0.2, validation=0))
    assert (len(joined.train), len(joined.validation), len(joined.test)) == (16, 0, 4)
