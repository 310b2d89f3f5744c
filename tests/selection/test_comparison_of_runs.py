"""Paired statistics against scipy and hand calculation; what a comparison says."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy")
from scipy import stats

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.selection.comparison.entries import compared_by, entries_of
from cnnkit.selection.comparison.pairs import Entry, compare
from cnnkit.selection.statistics import chance, holm, mean_and_deviation, paired_difference
from cnnkit.selection.view.text import comparison_text
from cnnkit.tasks.metric import METRICS
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.environment import Environment

FIGURES = st.lists(
    st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=3, max_size=12
)


@given(FIGURES)
def test_independent_pairs_are_students_t_test(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    spread = [b - a for a, b in pairs]
    if max(spread) - min(spread) < 1e-6:
        return
    expected = stats.ttest_rel(second, first)
    interval = expected.confidence_interval(0.95)
    found = paired_difference(first, second)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert found.low == pytest.approx(interval.low, rel=1e-6, abs=1e-12)
    assert found.high == pytest.approx(interval.high, rel=1e-6, abs=1e-12)


def test_the_corrected_test_of_folds_by_hand() -> None:
    """Differences 1, 2, 3, 4 of four folds with a test part of 1/3: s² = 5/3.

    The variance of the mean is (1/4 + 1/3)·5/3 = 35/36, t = 2.5/√(35/36), with 3 degrees.
    """
    found = paired_difference([0, 0, 0, 0], [1, 2, 3, 4], overlap=1 / 3)
    error = math.sqrt(35 / 36)
    assert found.mean == 2.5
    assert found.p_value == pytest.approx(2 * stats.t.sf(2.5 / error, 3))
    assert found.high - found.mean == pytest.approx(3.182446 * error, rel=1e-6)  # a table of t
    assert not found.clear
    assert paired_difference([0, 0, 0, 0], [1, 2, 3, 4]).clear


def test_equal_differences_have_no_spread() -> None:
    same = paired_difference([0.5, 0.6], [0.5, 0.6])
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    shifted = paired_difference([1.0, 2.0], [2.0, 3.0])
    assert (shifted.mean, shifted.p_value) == (1, 0)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_chance_of_fair_and_of_lopsided_guesses() -> None:
    fair = chance([[25, 25], [25, 25]])
    assert fair.accuracy == 0.5
    assert (fair.low, fair.high) == (0.37, 0.63)  # the 0.5 % quantiles of 100 coins
    lopsided = chance([[81, 9], [9, 1]])
    assert lopsided.accuracy == pytest.approx(0.9 * 0.9 + 0.1 * 0.1)
    shared = chance([[25, 25], [25, 25]], folds=10, overlap=1 / 9)
    assert shared.high > fair.high


def test_the_deviation_is_that_of_the_figures() -> None:
    mean, deviation = mean_and_deviation([1, 2, 3, 4])
    assert mean == 2.5
    assert deviation == pytest.approx(math.sqrt(5 / 3))
    assert mean_and_deviation([7]) == (7, 0)


def folds(name: str, figures: list[float], key: str = "k") -> Entry:
    return Entry(name, "folds", dict(enumerate(figures)), 1 / 4, key, (name,))


def test_a_clear_difference_in_plain_words() -> None:
    """The differences have s² = 2.2e-6: 2.7764·√((1/5 + 1/4)·s²) is 0.276 points."""
    narrow = folds("narrow", [0.90, 0.91, 0.92, 0.90, 0.91])
    wide = folds("wide", [0.95, 0.962, 0.97, 0.951, 0.958])
    (comparison,) = compare([narrow, wide], "accuracy")
    assert comparison.better is wide
    found = comparison.sentences()
    assert found[0] == (
        "Over 5 folds the accuracy of wide is on average 5.02 points higher than that of narrow; "
        "95 % interval of the difference: 4.74 points to 5.30 points."
    )
    assert found[1].startswith("wide is better: a difference as large comes about by chance in")
    assert found[2].endswith("(Nadeau and Bengio, 2003).")


@pytest.mark.parametrize("metric", [*METRICS, "recall.sick"])
def test_the_better_one_by_each_metric(metric: str) -> None:
    """What is 0.9 and 0.5: the second is worse by what rises, and better by what falls."""
    high, low = folds("high", [0.9, 0.91, 0.92]), folds("low", [0.5, 0.511, 0.519])
    (comparison,) = compare([high, low], metric)
    falling = ("loss", "mean_squared_error", "mean_absolute_error", "calibration_error")
    rises = metric not in falling
    assert comparison.better is (high if rises else low)
    assert comparison.sentences()[1].startswith(f"{'high' if rises else 'low'} is better")


def test_a_difference_of_macro_f1_is_in_points() -> None:
    found = compare([folds("a", [0.9, 0.9]), folds("b", [0.8, 0.79])], "macro_f1")[0].sentences()
    assert found[0].startswith("Over 2 folds the macro F1 of b is on average 10.50 points lower")


def test_what_runs_are_compared_by(network: Mapping[str, Any], tmp_path: Path) -> None:
    run = training(tmp_path / "a", network, 0, 0.8)
    assert compared_by([run], None) == "accuracy"
    assert compared_by([run], "recall.0") == "recall.0"
    summary = {"test": {"loss": 1.0, "mean_squared_error": 1.0}}
    RunDirectory(run).write_json("summary.json", summary)
    assert compared_by([run], None) == "loss"
    with pytest.raises(UsageError) as caught:
        compared_by([run], "macro-f1")
    assert str(caught.value) == (
        "--metric macro-f1: there is no such metric; did you mean macro_f1?"
    )


def test_the_recall_of_a_class_is_compared_too(network: Mapping[str, Any], tmp_path: Path) -> None:
    test = {
        "loss": 1.0,
        "classes": [{"name": "no", "recall": 0.9}, {"name": "sick", "recall": 0.2}],
    }
    run = training(tmp_path / "a", network, 0, 0.8)
    RunDirectory(run).write_json("summary.json", {"test": test})
    (entry,) = entries_of([run], "recall.sick")
    assert entry.figures == {0: 0.2}
    with pytest.raises(UsageError, match=r"has no recall\.ill of held-out examples"):
        entries_of([run], "recall.ill")


def test_a_difference_that_chance_explains() -> None:
    (comparison,) = compare(
        [folds("a", [0.90, 0.95, 0.92]), folds("b", [0.93, 0.94, 0.93])], "accuracy"
    )
    assert comparison.better is None
    assert comparison.sentences()[1] == (
        "That is no evidence that one is better: folds alone make such a difference often enough "
        f"(p = {comparison.p_value:.2g})."
    )


def test_less_loss_is_better() -> None:
    high = folds("high", [0.5, 0.51, 0.52, 0.50])
    low = folds("low", [0.3, 0.315, 0.32, 0.30])
    (comparison,) = compare([high, low], "loss")
    assert comparison.better is low
    assert "is on average 0.1987 lower than" in comparison.sentences()[0]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (folds("b", [1, 2], key="other"), "a and b have different folds: cross-validate both on"),
        (
            Entry("b", "seeds", {0: 1.0}, 0, "k", ()),
            "a is of folds and b of seeds: only like is compared with like",
        ),
    ],
)
def test_what_cannot_be_paired(other: Entry, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare([folds("a", [1, 2]), other], "accuracy")
    with pytest.raises(UsageError, match="a is the only network here"):
        compare([folds("a", [1, 2])], "accuracy")


def training(folder: Path, network: Mapping[str, Any], seed: int, accuracy: float) -> Path:
    """A run directory as `cnnkit train` leaves it."""
    spec = cnnkit.load({**network, "train": {**network["train"], "seed": seed}})
    run = RunDirectory.create(folder, "run", spec.to_dict(), Environment())
    run.write_json("split.json", {"data": "three"})
    run.write_json("summary.json", {"format": 1, "test": {"accuracy": accuracy, "loss": 1.0}})
    return folder


def test_trainings_are_put_together_by_recipe_and_paired_by_seed(
    network: Mapping[str, Any], tmp_path: Path
) -> None:
    wide = {**network, "variables": {"width": 32}}
    runs = [
        training(tmp_path / f"{name}-{seed}", spec, seed, base + seed / 1000)
        for name, spec, base in (("narrow", network, 0.8), ("wide", wide, 0.85))
        for seed in (0, 1, 2)
    ]
    entries = entries_of(runs, "accuracy")
    assert [(entry.name, entry.pairing) for entry in entries] == [
        ("narrow-0", "seeds"),
        ("wide-0", "seeds"),
    ]
    assert entries[1].figures == {0: 0.85, 1: 0.851, 2: 0.852}
    text = comparison_text(entries, "accuracy", "text")
    assert "narrow-0  accuracy 80.10 % ± 0.10 over 3 seeds\n" in text
    assert "Over 3 seeds the accuracy of wide-0 is on average 5.00 points higher" in text
    assert json.loads(comparison_text(entries, "accuracy", "json"))["comparisons"][0]["better"]
    page = comparison_text(entries, "accuracy", "html")
    assert "Over 3 seeds the accuracy of wide-0 is on average 5.00 points higher" in page
    cells = ("wide-0", "85.10 % ± 0.10", "85.00 %", "85.10 %", "85.20 %")
    assert "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" in page
    assert "accuracy of what was held out over seed: narrow-0 from 80 % to 80.2 %" in page

    again = training(tmp_path / "again", network, 0, 0.9)
    with pytest.raises(UsageError, match="are of one recipe and one seed, 0: the second says"):
        entries_of([*runs, again], "accuracy")
    with pytest.raises(UsageError, match="has no macro_f1 of held-out examples"):
        entries_of(runs, "macro_f1")
    other = training(tmp_path / "other", wide, 7, 0.9)
    with pytest.raises(UsageError, match="narrow-0 has the seeds 0, other 7: none is in both"):
        compare(entries_of([runs[0], other], "accuracy"), "accuracy")
    (single,) = compare(entries_of([runs[0], runs[3]], "accuracy"), "accuracy")
    assert single.sentences()[0] == (
        "narrow-0 and wide-0 share one seed only: a single pair says nothing of chance."
    )


@pytest.mark.parametrize(
    ("text", "why"), [("[]", "it holds no mapping"), ("{}", "it has no folds")]
)
def test_a_damaged_summary_is_named(
    network: Mapping[str, Any], tmp_path: Path, text: str, why: str
) -> None:
    run = RunDirectory.create(tmp_path / "run", "net", dict(network), Environment())
    cut = {"data": "digits", "examples": [0], "fold": [0], "random_labels": False}
    run.write_json("folds.json", cut)
    (run.path / "summary.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        entries_of([run.path], "accuracy")
    assert str(caught.value) == f"{run.path / 'summary.json'} is damaged: {why}"


def test_an_unfinished_run_is_not_compared(network: Mapping[str, Any], tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", "run", cnnkit.load(network).to_dict(), Environment())
    with pytest.raises(UsageError, match=r"has no summary\.json: it has not come to its end"):
        entries_of([tmp_path / "run"], "accuracy")
