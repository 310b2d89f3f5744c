"""Pictures: what stands in them, not how they look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.view.curves import draw_confusion, draw_curves, save_confusion, save_curves


def history(epochs: int, *, accuracy: bool = True, validation: bool = True) -> list[RunEpoch]:
    records = []
    for epoch in range(1, epochs + 1):
        figures = {"loss": 1 / epoch, **({"accuracy": 1 - 0.5 / epoch} if accuracy else {})}
        other = {name: value * 0.9 for name, value in figures.items()} if validation else None
        records.append(RunEpoch(epoch, figures, other, learning_rate=0.1))
    return records


def test_a_panel_for_each_of_loss_accuracy_and_rate_with_both_splits() -> None:
    figure = Figure()
    draw_curves(figure, history(5), best=4, title="net")
    loss, accuracy, rate = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "learning rate"]
    for axes in (loss, accuracy):
        legend = axes.get_legend()
        assert legend is not None
        labels = [text.get_text() for text in legend.get_texts()]
        assert labels[:2] == ["training", "validation"]
        assert labels[2].startswith("best, epoch 4: ")
    np.testing.assert_allclose(
        np.asarray(loss.lines[0].get_ydata()), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    )
    np.testing.assert_allclose(np.asarray(rate.lines[0].get_ydata()), 0.1)
    dashed = [line for line in loss.lines if list(np.asarray(line.get_xdata())) == [4, 4]]
    assert len(dashed) == 1


def test_a_regression_has_no_panel_of_accuracy_and_no_validation_no_line() -> None:
    figure = Figure()
    draw_curves(figure, history(3, accuracy=False, validation=False), best=None, title="")
    assert [axes.get_title() for axes in figure.axes] == ["loss", "learning rate"]
    assert len(figure.axes[0].lines) == 1


def test_a_figure_that_is_no_number_is_a_gap() -> None:
    records = history(3)
    records[1] = replace(records[1], train={**records[1].train, "loss": None})
    figure = Figure()
    draw_curves(figure, records, best=None, title="")
    assert np.isnan(np.asarray(figure.axes[0].lines[0].get_ydata(), float)).tolist() == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_files_are_whole_and_the_same_each_time(tmp_path: Path, suffix: str) -> None:
    first, again = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    for path in (first, again):
        save_curves(path, history(2), best=1, title="net")
    assert first.read_bytes() == again.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == [first.name, again.name]
    if suffix == "png":
        with Image.open(first) as image:
            assert image.width > 2000  # a column of a paper at 300 dots an inch


def test_the_confusion_matrix_has_counts_and_names() -> None:
    figure = Figure()
    counts = np.array([[90, 0], [10, 0]])
    draw_confusion(figure, counts, ("negative", "positive"), title="test")
    axes = figure.axes[0]
    assert axes.get_title() == "test: 90 of 100 right, 90.00 %"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["negative", "positive"]
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "90", (0, 1): "10"}  # column, row: true positives read negative


@pytest.mark.parametrize(
    ("classes", "numbered", "ticks"), [(20, 20, 20), (30, 0, 30), (100, 0, 10)]
)
def test_many_classes_are_named_where_there_is_room(
    classes: int, numbered: int, ticks: int
) -> None:
    figure = Figure()
    names = [str(n) for n in range(classes)]
    draw_confusion(figure, np.eye(classes, dtype=int), names, title="")
    axes = figure.axes[0]
    assert len(axes.texts) == numbered
    assert len(axes.get_xticks()) == ticks


def test_no_examples_and_a_class_that_never_occurs(tmp_path: Path) -> None:
    figure = Figure()
    draw_confusion(figure, np.zeros((3, 3), int), ("a", "b", "c"), title="")
    assert figure.axes[0].get_title() == "empty"
    save_confusion(tmp_path / "c.png", np.array([[2, 1], [0, 0]]), ("a" * 60, "b"))
    assert (tmp_path / "c.png").stat().st_size > 1000
