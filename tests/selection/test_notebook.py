"""What a notebook shows of cross-validations and searches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("optuna")
from cnnkit.selection.folds.directory import CrossValidationResult
from cnnkit.selection.folds.fold import Fold
from cnnkit.selection.outer_fold import Nested, OuterFold
from cnnkit.selection.search.results import Results, TrialLook
from cnnkit.selection.search.row import Row
from cnnkit.selection.statistics import Chance
from cnnkit.spec.model.search import SearchSettings
from cnnkit.training.compute.figures import Figures
from tests.report.test_html import Page

HOSTILE = "<script>alert(1)</script>"


def html(value: Any) -> Page:
    """What a notebook asks of a value."""
    text: str = value._repr_html_()
    assert "<script" not in text
    return Page(text)


def folded(accuracies: tuple[float, ...], counts: Any) -> CrossValidationResult:
    folds = tuple(
        Fold(number, 90, Figures(10, {"accuracy": each, "loss": 0.5}, np.array(counts)), (), 1.0)
        for number, each in enumerate(accuracies)
    )
    return CrossValidationResult("net", "bars.npz", (HOSTILE, "dog"), 1200, 0, False, folds)


def test_a_cross_validation_is_its_means_its_folds_and_the_confusion() -> None:
    """0.8 and 0.9 are 0.85 on average, and deviate by √(2·0.05²) = 0.0707."""
    page = html(folded((0.8, 0.9), [[4, 1], [2, 3]]))
    assert "Cross-validation: net bars.npz · 20 examples in 2 folds" in page.text
    assert "The test split of 1,200 examples was not looked at." in page.text
    assert "accuracy 85.00 % ± 7.07" in page.text
    assert "fold trained on judged on accuracy loss 1 90 10 80.00 % 0.5000 2 90 10" in page.text
    assert f"true, called {HOSTILE} dog {HOSTILE} 8 2 dog 4 6" in page.text
    assert [tag for tag, _ in page.tags].count("table") == 3


def test_of_many_classes_the_worst_confusions_are_shown() -> None:
    counts = np.diag(np.full(21, 9))
    counts[3, 5] = 1
    found = replace(folded((0.8, 0.9), counts), classes=())
    assert "378 of 380 right, 99.47 % 3 called 5: 2 of 20, 10.00 %" in html(found).text


def test_what_a_cross_validation_warns_of() -> None:
    found = folded((0.8, 0.9), [[4, 1], [2, 3]])
    failed = replace(found, folds=(replace(found.folds[0], failed=4), found.folds[1]))
    assert "fold 1 lost its numbers at step 5: lower the learning rate" in html(failed).text
    leak = replace(found, random_labels=True, chance=Chance(0.5, 0.3, 0.6))
    assert (
        "labels dealt out at random: accuracy 70.00 % lies outside what chance gives, 30.00 % to "
        "60.00 %: something of the held-out examples leaks into the training"
    ) in html(leak).text


def test_a_nested_search_is_its_outer_folds() -> None:
    outer = OuterFold(0, 3, {"variables.width": 4}, 2, {"accuracy": 0.5}, {"accuracy": 0.75}, 45)
    page = html(Nested("net", "bars.npz", 2, (outer,), 0))
    assert "Nested search: net bars.npz · the search judged over 2 outer folds" in page.text
    assert "Other processes are judging the rest." in page.text
    assert "fold trial epochs judged on accuracy 1 3 2 45 75.00 %" in page.text


def trial(number: int, values: dict[str, float]) -> Row:
    return Row(number, "complete", None, {"variables.width": number}, values, 1, (), {}, 0.5)


def test_a_search_is_its_best_trials() -> None:
    rows = tuple(trial(n, {"accuracy": n / 100}) for n in range(12))
    look = TrialLook(1, 11, "2026-01-02T03:04:05", {"accuracy": 0.5})
    settings = SearchSettings(method="random", trials=12)
    found = Results("net", HOSTILE, settings, rows, (look,), ("variables.width",), 12)
    page = html(found)
    assert f"Search: net {HOSTILE}, random: 12 complete." in page.text
    assert "The best: trial 11. On the validation split: accuracy 11.00 %" in page.text
    assert "The same by hand: cnnkit train SPEC --set variables.width=11" in page.text
    assert "Test split, read once, at the end of trial 11: accuracy 50.00 %" in page.text
    shown = [tag for tag, _ in page.tags].count("tr")
    assert shown == 1 + 10  # the heads, and the ten best
    assert "No trial has been trained to its end yet." in html(replace(found, rows=())).text


def test_a_search_of_two_objectives_is_its_front_with_a_picture() -> None:
    rows = (
        trial(0, {"accuracy": 0.9, "macs": 200.0}),
        trial(1, {"accuracy": 0.8, "macs": 300.0}),  # worse in both
        trial(2, {"accuracy": 0.7, "macs": 100.0}),
    )
    settings = SearchSettings(method="random", trials=3, objectives=["accuracy", "macs"])
    page = html(Results("net", "bars", settings, rows, (), ("variables.width",), 3))
    assert [tag for tag, _ in page.tags].count("tr") == 1 + 2
    assert "the Pareto front" in page.text
    (picture,) = (dict(attributes) for tag, attributes in page.tags if tag == "img")
    assert picture["alt"] == "accuracy against macs"
    assert (picture["src"] or "").startswith("data:image/png;base64,")
