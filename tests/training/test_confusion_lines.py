from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")

from sklearn import metrics as oracle

from cnnkit.training.compute.metrics import summarize
from cnnkit.training.view import confusion
from cnnkit.training.view.conclusion import measured_lines
from cnnkit.training.view.confusion import class_counts, confusion_lines

# The cells of a screening: of 12 sick 11 are found, of 107 well 3 are called sick.
SCREENING = [[11, 1], [3, 104]]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    size = os.terminal_size((80, 24))
    monkeypatch.setattr(confusion, "get_terminal_size", lambda fallback: size)


def figures(counts: Any, names: list[str]) -> dict[str, Any]:
    found = summarize(np.asarray(counts)).to_dict()
    rows = zip(names, found["classes"], strict=True)
    return {**found, "loss": 0.5, "classes": [{"name": name, **row} for name, row in rows]}


def test_a_screening_by_hand() -> None:
    assert class_counts(SCREENING) == [(11, 3, 1, 104), (104, 1, 3, 11)]
    lines = list(measured_lines("test", figures(SCREENING, ["sick", "well"]), 28))
    start = lines.index("      predicted")
    assert lines[start:] == [
        "      predicted",
        "true  sick  well",
        "sick    11     1",
        "well     3   104",
        "",
        "class      TP   FP   FN  precision  sensitivity  specificity      F1  examples",
        # 11/14, 11/12, 104/107 and 22/26; then 104/105, 104/107, 11/12 and 208/212
        "sick       11    3    1     0.7857       0.9167       0.9720  0.8462        12",
        "well      104    1    3     0.9905       0.9720       0.9167  0.9811       107",
        "micro                       0.9664       0.9664               0.9664",
        "macro                       0.8881       0.9443               0.9136",
        "weighted                    0.9698       0.9664               0.9675",
    ]


def test_counts_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    true, said = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    expected = oracle.multilabel_confusion_matrix(true, said)
    of_classes = class_counts(oracle.confusion_matrix(true, said))
    of_labels = class_counts(expected)
    assert of_classes == of_labels
    assert [(n.true_negatives, n.false_positives) for n in of_classes] == [
        tuple(each[0]) for each in expected
    ]
    assert [n.specificity for n in of_classes] == pytest.approx(
        [oracle.recall_score(true != one, said != one) for one in range(4)]
    )


def test_there_is_no_specificity_without_others() -> None:
    (only, empty) = class_counts([[5, 0], [0, 0]])
    assert (only.specificity, empty.specificity) == (None, 1.0)
    lines = list(measured_lines("test", figures([[5, 0], [0, 0]], ["a", "b"]), None))
    row = next(line for line in lines if line.startswith("a  ") and "1.0000" in line)
    assert row.split() == ["a", "5", "0", "0", "1.0000", "1.0000", "—", "1.0000", "5"]


def test_long_names_are_shortened_to_the_width_of_the_terminal() -> None:
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "van"]
    lines = list(confusion_lines(figures(np.full((10, 10), 1234), names)))
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == ["true", "airp…", "auto…", *names[2:7], "horse", "ship", "van"]
    assert lines[4].split() == ["automobile", *["1,234"] * 10]


def test_of_many_classes_the_confusions_that_are_the_most_frequent() -> None:
    counts = 90 * np.eye(100, dtype=np.int64)
    counts[3, 5], counts[7, 2] = 9, 4
    lines = list(confusion_lines(figures(counts, [f"kind {n}" for n in range(100)])))
    assert lines == [
        "",
        "most often taken for another class:",
        "  kind 3 for kind 5: 9 of 99",
        "  kind 7 for kind 2: 4 of 94",
    ]
    none = figures(np.eye(100, dtype=np.int64), [str(n) for n in range(100)])
    assert list(confusion_lines(none)) == ["", "no class is taken for another"]


def test_labels_and_pixels_have_no_matrix() -> None:
    labels = figures([[[8, 1], [2, 9]], [[5, 5], [0, 10]]], ["cat", "dog"])
    assert list(confusion_lines(labels)) == []
    assert list(confusion_lines({"pixels": 4, "confusion": [[1, 1], [1, 1]], "classes": []})) == []
    rows = [line.split() for line in measured_lines("test", labels, None)]
    assert next(row for row in rows if row[:1] == ["cat"])[:4] == ["cat", "9", "1", "2"]
