"""Networks that answer for each pixel are chosen and compared as others are, by their metrics."""

from __future__ import annotations

import json
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

OUTPUTS = {"mean_iou": 3, "psnr": 1}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of noise, and which of their pixels are bright; one counts nowhere."""
    path = tmp_path_factory.mktemp("maps") / "bright.npz"
    inputs = np.random.default_rng(2).random((24, 4, 4, 1)).astype(np.float32)
    masks = (inputs[..., 0] > 0.7).astype(np.uint8)  # no pixel is of the third class
    masks[:, 0, 0] = 255
    np.savez(path, x=inputs, y=masks)
    return path


def with_rate(arrays: Path, rate: float, metric: str = "mean_iou", **fields: Any) -> cnnkit.Spec:
    """A network of one convolution that says which pixels are bright, or gives the image."""
    asked: dict[str, Any] = {"data": {"arrays": str(arrays), "ignore": 255}}
    if metric == "psnr":
        asked = {"data": {"arrays": str(arrays)}, "target": "input", "loss": "mean_squared_error"}
    train = {
        **asked,
        "split": {"validation": 6, "test": 6},
        "optimizer": "adam",
        "learning_rate": rate,
        "epochs": 2,
        "batch_size": 6,
    }
    layers = [{"conv": {"filters": OUTPUTS[metric], "kernel": 1}}]
    return cnnkit.load(
        {"name": "bright", "input": "4x4x1", "layers": layers, "train": train, **fields}
    )


def searching(arrays: Path, rates: list[float]) -> cnnkit.Spec:
    search = {"train.learning_rate": rates, "settings": {"method": "grid"}}
    return with_rate(arrays, 0.1, search=search)


def test_a_search_of_maps(arrays: Path, tmp_path: Path) -> None:
    options = SearchOptions(run_dir=tmp_path / "run", device="cpu", quiet=True)
    path, found = searched(searching(arrays, [1e-6, 0.3]), options)
    assert found.settings.objectives == ("mean_iou",)
    values = {row.chosen["train.learning_rate"]: row.values["mean_iou"] for row in found.complete}
    assert values[0.3] > values[1e-6]
    assert found.best is not None
    assert found.best.chosen["train.learning_rate"] == 0.3
    (look,) = found.looks
    assert list(look.figures) == ["mean_iou", "mean_dice", "pixel_accuracy", "boundary_f1", "loss"]
    assert "mean_iou" in "\n".join(search_lines(found, path))
    assert (path / "report.html").exists()


@pytest.mark.parametrize("metric", OUTPUTS)
def test_folds_of_maps_are_compared(arrays: Path, metric: str, tmp_path: Path) -> None:
    paths = []
    for name, rate in (("slow", 1e-6), ("quick", 0.3)):
        options = FoldOptions(folds=3, run_dir=tmp_path / name, device="cpu", quiet=True)
        path, found = cross_validated(with_rate(arrays, rate, metric), options)
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


def test_a_nested_search_of_maps(arrays: Path, tmp_path: Path) -> None:
    options = SearchOptions(run_dir=tmp_path / "run", device="cpu", quiet=True)
    path, found = nested_search(searching(arrays, [0.3]), 2, options)
    assert [fold.choices for fold in found.folds] == [{"train.learning_rate": 0.3}] * 2
    assert sum(fold.examples for fold in found.folds) == 18
    assert "mean_iou" in "\n".join(nested_lines(found, path))
