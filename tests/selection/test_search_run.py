"""The protocol with real training: search, retrain, one look; and the search itself judged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.selection.nested import nested_search
from cnnkit.selection.recipe import recipe
from cnnkit.selection.search.directory import SearchOptions, searched
from cnnkit.selection.view.text import nested_lines, search_lines
from cnnkit.spec.model.spec import Spec
from cnnkit.training.prepare.sealed import sealed


@pytest.fixture(scope="module")
def spec(network: Mapping[str, Any]) -> Spec:
    search = {
        "variables.width": [2, 16],
        "train.learning_rate": [0.02],
        "settings": {"method": "grid"},
    }
    return cnnkit.load({**network, "search": search})


@pytest.fixture(scope="module")
def run(spec: Spec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "run"
    searched(spec, options(path))
    return path


def options(path: Path, **more: Any) -> SearchOptions:
    return SearchOptions(run_dir=path, device="cpu", quiet=True, **more)


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_the_best_is_retrained_on_all_but_the_test_split(run: Path, spec: Spec) -> None:
    found = read(run / "results.json")
    assert [trial["state"] for trial in found["trials"]] == ["complete", "complete"]
    best = max(found["trials"], key=lambda trial: trial["values"]["accuracy"])
    assert found["best"]["trial"] == best["trial"]
    curve = [epoch["validation"]["accuracy"] for epoch in best["history"]]
    assert best["best_epoch"] == 1 + curve.index(max(curve))
    assert best["values"]["accuracy"] == max(curve)

    final = run / f"final-{best['trial']}"
    split, data = read(final / "split.json"), sealed(spec, recipe(spec), None)
    assert split["validation"]["examples"] == 0
    assert split["train"]["examples"] == len(data.indices)
    assert split["test"] == data.splits.record()["test"]
    trained = cnnkit.load(final / "spec.yaml")
    assert trained.train is not None
    assert trained.train.epochs == best["best_epoch"]
    (look,) = found["looks"]
    assert look["trial"] == best["trial"]
    assert look["accuracy"] == read(final / "summary.json")["test"]["accuracy"]


def test_the_same_command_again_does_nothing_twice(run: Path, spec: Spec) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.glob("final-*/**/*") if path.is_file()}
    _, found = searched(spec, options(run))
    after = {path: path.stat().st_mtime_ns for path in run.glob("final-*/**/*") if path.is_file()}
    assert before == after
    assert len(found.rows) == 2
    (look,) = found.looks
    lines = "\n".join(search_lines(found, Path("runs/three-search")))
    assert f"Test split, read once, at the end of trial {look.trial}: accuracy " in lines
    assert "the best by hand: cnnkit train SPEC --set variables.width=" in lines


def test_the_page_needs_nothing_but_itself(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    for heading in ("History", "Parallel coordinates", "Learning curves", "Trials"):
        assert f"<h2>{heading}</h2>" in text
    assert text.count("<svg") == text.count("</svg>") >= 3
    assert text.count("<script") == 1
    assert not re.search(r"<script [^>]|<link|@import|\bsrc=|https?:", text)
    # The names of SVG's and of metadata's vocabularies are no addresses that are fetched.
    fetched = re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?(?!#)[^"')\s>]+""", text)
    assert fetched == []


def test_another_space_is_another_study(run: Path, spec: Spec, network: Mapping[str, Any]) -> None:
    other = cnnkit.load({**network, "search": {"variables.width": [4]}})
    with pytest.raises(UsageError, match="the study `three` was begun with another search"):
        searched(other, options(run))


def test_the_search_is_judged_on_folds_that_it_never_saw(spec: Spec, tmp_path: Path) -> None:
    path, found = nested_search(spec, 2, options(tmp_path / "nested"))
    data = sealed(spec, recipe(spec), None)
    assert sum(fold.examples for fold in found.folds) == len(data.indices)
    assert [fold.fold for fold in found.folds] == [0, 1]
    lines = "\n".join(nested_lines(found, path))
    assert "the search judged over 2 outer folds" in lines
    assert f"the test split of {data.sealed} examples stays sealed" in lines
    kept = read(path / "outer-01.json")
    assert nested_search(spec, 2, options(tmp_path / "nested"))[1] == found
    assert read(path / "outer-01.json") == kept
    assert not list(path.glob("final-*"))
