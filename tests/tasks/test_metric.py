"""The table of metrics: each is complete, and whoever judges by one asks the table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnkit.tasks.metric import (
    CHOOSING,
    METRICS,
    Metric,
    class_of,
    default_metric,
    followed,
    headline,
    is_metric,
    metric_of,
    ordered,
)
from cnnkit.tasks.task import TASKS, targets_are, task_of

ROOT = Path(__file__).parents[2] / "cnnkit"

# Which way each is better, stated here once more, by hand.
PARTS = {
    "accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "roc_auc", "average_precision",
    "top5", "mean_iou", "mean_dice", "pixel_accuracy", "boundary_f1",
}  # fmt: skip
HIGHER = PARTS | {"matthews", "kappa", "psnr", "ssim"}
ERRORS = {"loss", "mean_squared_error", "mean_absolute_error"}
LOWER = ERRORS | {"calibration_error"}


def test_which_way_each_metric_is_better() -> None:
    assert {name for name, metric in METRICS.items() if metric.rises} == HIGHER
    assert {name for name, metric in METRICS.items() if not metric.rises} == LOWER
    assert metric_of("recall.sick").rises


@pytest.mark.parametrize("name", [*sorted(PARTS), "recall.cat"])
def test_of_what_rises_the_larger_ranks_higher(name: str) -> None:
    metric = metric_of(name)
    assert metric.rank(0.9) > metric.rank(0.8) > metric.rank(None) == metric.rank(float("nan"))
    assert metric.shown(0.99259) == "99.26 %"
    assert metric.spread(0.9812, 0.004) == "98.12 % ± 0.40"
    assert metric.difference(-0.0102) == "-1.02 points"


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_of_what_falls_the_smaller_ranks_higher(name: str) -> None:
    metric = metric_of(name)
    assert metric.rank(0.1) > metric.rank(0.2) > metric.rank(None) == metric.rank(float("inf"))
    assert metric.difference(0.0123456) == "0.01235"
    assert "%" not in metric.shown(0.25)


def test_what_is_no_number_is_a_dash() -> None:
    assert METRICS["loss"].shown(None) == METRICS["accuracy"].shown(float("nan")) == "—"
    assert METRICS["loss"].shown(0.57412) == "0.5741"
    assert METRICS["mean_squared_error"].shown(46318.25) == "4.632e+04"


def test_every_metric_has_its_function_and_no_function_is_without_a_metric() -> None:
    figures = pytest.importorskip("cnnkit.training.compute.figures")
    assert {name for name, metric in METRICS.items() if metric.of_scores} == {*figures._OF_SCORES}
    assert {name for name, metric in METRICS.items() if not metric.of_scores} == {
        *figures._FUNCTIONS
    }
    assert not [name for name in CHOOSING if METRICS[name].of_scores]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_loss_and_something_to_choose_by(task: str) -> None:
    assert task in METRICS["loss"].tasks
    others = {"values": "loss", "segmentation": "mean_iou", "images": "psnr"}
    assert default_metric([task]) == others.get(task, "accuracy")
    assert default_metric([task]) in CHOOSING


def test_the_recall_of_a_class_is_a_metric() -> None:
    assert class_of("recall.a.b") == "a.b"
    assert class_of("accuracy") is None
    assert [is_metric(name) for name in ("recall.0", "recall.", "recall", "macs")] == [
        True, False, False, False,
    ]  # fmt: skip
    with pytest.raises(KeyError):
        metric_of("recall.")


def test_the_order_and_what_is_followed() -> None:
    assert ordered(["loss", "macro_f1", "recall.0", "accuracy"]) == (
        "recall.0", "accuracy", "macro_f1", "loss",
    )  # fmt: skip
    of_classes = [name for name, metric in METRICS.items() if metric.of_any(["classes"])]
    assert followed(of_classes) == ("loss", "accuracy")
    assert followed(of_classes, "macro_f1") == ("loss", "accuracy", "macro_f1")
    assert followed(["pixel_accuracy", "mean_iou", "loss"]) == ("loss", "mean_iou")
    assert headline(["loss", "pixel_accuracy", "mean_iou"]) == "mean_iou"
    assert followed(["loss"], "macro_f1") == ("loss",)
    assert headline(["mean_squared_error", "loss"]) == "loss"


@pytest.mark.parametrize(
    ("possible", "width", "shares", "outputs", "task"),
    [
        (("classes",), None, False, 10, "classes"),
        (("classes",), 10, True, 10, "classes"),  # probabilities under a softmax
        (("classes",), 10, False, 10, "classes"),
        (("classes", "binary", "labels"), None, False, 3, "classes"),
        (("classes", "binary", "labels"), None, False, 1, "binary"),
        (("classes", "binary", "labels"), 1, False, 1, "binary"),
        (("classes", "binary", "labels"), 3, False, 3, "labels"),
        (("classes", "binary", "labels"), 3, True, 3, "classes"),  # one-hot
        (("values",), 3, False, 3, "values"),
        (("values",), 1, True, 1, "values"),
    ],
)
def test_the_task_of_targets(
    possible: tuple[str, ...], width: int | None, shares: bool, outputs: int, task: str
) -> None:
    assert task_of(possible, width, shares=shares, outputs=outputs) == task  # type: ignore[arg-type]
    assert targets_are([task]) == ("numbers" if task == "values" else "classes")


def comparisons(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where something is held against the name of a metric, or against a list of such names."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        equal = any(isinstance(each, (ast.Eq, ast.NotEq)) for each in node.ops)
        sides = [node.left, *node.comparators] if equal else node.comparators
        for side in sides:
            names = side.elts if isinstance(side, (ast.Tuple, ast.List, ast.Set)) else [side]
            for name in names:
                if isinstance(name, ast.Constant) and name.value in METRICS:
                    yield node.lineno, name.value


def test_no_other_file_says_which_way_a_metric_is_better() -> None:
    """A comparison with the name of a metric, such as `name == "accuracy"`, is a second table."""
    found = [
        (path.relative_to(ROOT).as_posix(), *where)
        for path in sorted(ROOT.rglob("*.py"))
        if path.parent.name != "tasks"
        for where in comparisons(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []
    for fault in ('max if name == "accuracy" else min', 'name in ("macs", "accuracy")'):
        assert list(comparisons(ast.parse(fault))) == [(1, "accuracy")]


def test_a_metric_is_frozen() -> None:
    with pytest.raises(AttributeError):
        METRICS["loss"].better = "higher"  # type: ignore[misc]
    assert isinstance(METRICS["loss"], Metric)
