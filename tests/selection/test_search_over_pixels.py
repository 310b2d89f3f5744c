"""Networks that answer for each pixel are chosen and compared as others are, by their metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit.selection.comparison.entries import compared_by, entries_of
from cnnkit.selection.comparison.pairs import compare
from cnnkit.selection.folds.directory import FoldOptions, cross_validated
from cnnkit.selection.nested import nested_search
from cnnkit.selection.search.directory import SearchOptions, searched
from cnnkit.selection.view.text import fold_lines, nested_lines, search_lines

SEARCH = {"train.learning_rate": [1e-6, 0.3], "settings": {"method": "grid"}}
OUTPUTS = {"mean_iou": 3, "psnr": 1}


@pytest.fixture(scope="module", params=OUTPUTS)
def metric(request: pytest.FixtureRequest) -> str:
    """What networks of maps are judged by: of classes, and of images."""
    return str(request.param)


@pytest.fixture(scope="module")
def maps(metric: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """A network of one convolution that says which pixels are bright, or gives the image."""
    path = tmp_path_factory.mktemp("maps") / "bright.npz"
    inputs = np.random.default_rng(2).random((24, 4, 4, 1)).astype(np.float32)
    masks = (inputs[..., 0] > 0.7).astype(np.uint8)  # no pixel is of the third class
    masks[:, 0, 0] = 255
    np.savez(path, x=inputs, y=masks)
    asked: dict[str, Any] = {"data": {"arrays": str(path), "ignore": 255}}
    if metric == "psnr":
        asked = {"data": {"arrays": str(path)}, "target": "input", "loss": "mean_squared_error"}
    return {
        "name": "bright",
        "input": "4x4x1",
        "layers": [{"conv": {"filters": OUTPUTS[metric], "kernel": 1}}],
        "train": {
            **asked,
            "split": {"validation": 6, "test": 6},
            "optimizer": "adam",
            "epochs": 2,
            "batch_size": 6,
        },
    }


def with_rate(maps: Mapping[str, Any], rate: float) -> cnnkit.Spec:
    return cnnkit.load({**maps, "train": {**maps["train"], "learning_rate": rate}})


def test_a_search_of_maps(maps: Mapping[str, Any], metric: str, tmp_path: Path) -> None:
    options = SearchOptions(run_dir=tmp_path / "run", device="cpu", quiet=True)
    path, found = searched(cnnkit.load({**maps, "search": SEARCH}), options)
    assert found.settings.objectives == (metric,)
    values = {row.chosen["train.learning_rate"]: row.values[metric] for row in found.complete}
    assert values[0.3] > values[1e-6]
    assert found.best is not None
    assert found.best.chosen["train.learning_rate"] == 0.3
    (look,) = found.looks
    assert metric in look.figures
    assert metric in "\n".join(search_lines(found, path))
    assert (path / "report.html").exists()


def test_folds_of_maps_are_compared(maps: Mapping[str, Any], metric: str, tmp_path: Path) -> None:
    paths = []
    for name, rate in (("slow", 1e-6), ("quick", 0.3)):
        options = FoldOptions(folds=3, run_dir=tmp_path / name, device="cpu", quiet=True)
        path, found = cross_validated(with_rate(maps, rate), options)
        paths.append(path)
    assert found.metrics[0] == metric
    assert found.chance is None
    text = "\n".join(fold_lines(found, path))
    summary = json.loads((path / "summary.json").read_text())
    assert summary["examples"] == 18
    if metric == "mean_iou":
        assert "confusion of pixels, each example predicted by a network that never saw it" in text
        counts = np.array(summary["confusion"])
        assert counts.shape == (3, 3)
        assert counts.sum() == 18 * 15  # without the pixels that are ignored
        assert found.names == ("0", "1", "2")
    assert compared_by(paths, None) == metric
    (comparison,) = compare(entries_of(paths, metric), metric)
    assert comparison.difference is not None
    assert comparison.difference.mean > 0
    assert comparison.labels == (0, 1, 2)
    assert "Over 3 folds the" in comparison.sentences()[0]
    if metric == "mean_iou":
        (comparison,) = compare(entries_of(paths, "recall.1"), "recall.1")
        assert comparison.labels == (0, 1, 2)


def test_a_nested_search_of_maps(maps: Mapping[str, Any], metric: str, tmp_path: Path) -> None:
    options = SearchOptions(run_dir=tmp_path / "run", device="cpu", quiet=True)
    path, found = nested_search(cnnkit.load({**maps, "search": SEARCH}), 2, options)
    assert [fold.values["train.learning_rate"] for fold in found.folds] == [0.3, 0.3]
    assert sum(fold.examples for fold in found.folds) == 18
    assert metric in "\n".join(nested_lines(found, path))
