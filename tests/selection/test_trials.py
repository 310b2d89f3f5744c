"""A search without training: what is drawn, what is rejected, and what is looked at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import cnnkit
from cnnkit.errors import TrainingError, UsageError
from cnnkit.selection.search import trials as search_module
from cnnkit.selection.search.looks import StudyLooks
from cnnkit.selection.search.protocol import Protocol
from cnnkit.selection.search.results import Results, TrialLook, results
from cnnkit.selection.search.space import Space, assignments
from cnnkit.selection.search.study import Study
from cnnkit.selection.search.trials import Outcome, Stop, TrialLoop, directions, slots, space_of
from cnnkit.selection.view.page import look_text, page
from cnnkit.spec.model.search import SearchSettings
from cnnkit.spec.model.spec import Spec
from cnnkit.training.store.epoch import Epoch

TEXT = """\
name: small
input: 8x8x1
variables: {{width: 4, deep: false}}
layers:
  - conv: {{filters: $width, kernel: 3}}
  - {{when: $deep, conv: {{filters: 8, kernel: 3}}}}
  - flatten
  - dense: {{units: 3}}
budget: {{parameters: 2k}}
train: {{data: digits, epochs: 4}}
search:
{}
"""


class Silent:
    def begins(self, number: int, chosen: Mapping[str, Any], spec: Spec) -> None: ...
    def epoch(self, number: int, record: Epoch) -> None: ...
    def ends(self, trial: object) -> None: ...
    def waits(self, running: int) -> None: ...


class Trained:
    """In place of training: the accuracy that a network's width gives, and a curve up to it."""

    def __init__(self) -> None:
        self.specs: list[Spec] = []

    def __call__(self, spec: Spec, stop: Stop) -> Outcome:
        self.specs.append(spec)
        width = width_of(spec)
        if width == 5:
            return Outcome([], failed="step 3 gave a loss or a gradient that is no number")
        history = []
        for epoch in range(1, 5):
            accuracy = width / 100 + (0.1 * epoch if epoch < 4 else 0.2)
            figures = {"loss": 1 - accuracy, "accuracy": accuracy}
            record = Epoch(epoch, figures, figures)
            history.append(record)
            if stop(record):
                return Outcome(history, pruned=True)
        return Outcome(history)


def width_of(spec: Spec) -> int:
    width: int = spec.layers[0].filters  # type: ignore[attr-defined]
    return width


class Searching:
    """A search of a text, in a folder."""

    def __init__(self, text: str, folder: Path, **settings: Any) -> None:
        self.space, search = space_of(cnnkit.load(TEXT.format(text)))
        self.settings = search.settings.model_copy(update=settings)
        url = f"sqlite:///{folder / 'study.db'}"
        self.study = Study(url, "small", directions(self.settings), {})
        self.trained = Trained()
        self.loop = TrialLoop(self.study, self.space, self.settings, self.trained, Silent())
        self.protocol = Protocol(self.loop, folder, "small", "digits", StudyLooks(self.study))

    def run(self) -> Results:
        self.loop.run()
        return self.found()

    def found(self) -> Results:
        return results(self.study, self.space, self.settings, name="small", data="digits", looks=())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    begun: list[Searching] = []

    def begin(text: str, **settings: Any) -> Searching:
        begun.append(Searching(text, tmp_path, **settings))
        return begun[-1]

    yield begin
    for each in begun:
        each.study.close()


def widths(found: Results, *states: str) -> list[Any]:
    return [row.chosen["variables.width"] for row in found.rows if row.state in states]


def test_a_grid_runs_each_combination_once(start: Any) -> None:
    searching = start(
        "  {variables.width: [2, 4, 6], variables.deep: [false, true]}", method="grid"
    )
    found = searching.run()
    assert [tuple(row.chosen.values()) for row in found.complete] == [
        (width, deep) for width in (2, 4, 6) for deep in (False, True)
    ]
    assert found.best is not None
    assert found.best.chosen["variables.width"] == 6
    assert found.best.values == {"accuracy": pytest.approx(0.36)}
    assert found.best.best_epoch == 3


def test_a_condition_leaves_a_choice_out(start: Any) -> None:
    searching = start(
        "  variables.deep: [false, true]\n"
        "  layers.1.filters: {values: [2, 3], when: $deep}\n"
        "  layers.1.kernel: {values: [1, 3], when: $(filters == 3)}",
        method="grid",
    )
    assert [row.chosen for row in searching.run().complete] == [
        {"variables.deep": False},
        {"variables.deep": True, "layers.1.filters": 2},
        {"variables.deep": True, "layers.1.filters": 3, "layers.1.kernel": 1},
        {"variables.deep": True, "layers.1.filters": 3, "layers.1.kernel": 3},
    ]


def test_what_cannot_be_trained_is_rejected_with_the_reason(start: Any) -> None:
    searching = start("  {variables.width: [4, 5, 60], layers.0.kernel: [3, 9]}", method="grid")
    found = searching.run()
    assert [(row.chosen["variables.width"], row.state, row.reason) for row in found.rows] == [
        (4, "complete", None),
        (4, "rejected", "kernel 9 does not fit into the input of 8"),
        (5, "failed", "step 3 gave a loss or a gradient that is no number"),
        (5, "rejected", "kernel 9 does not fit into the input of 8"),
        (60, "rejected", "`parameters` is 7,083, above the budget of 2,000"),
        (60, "rejected", "kernel 9 does not fit into the input of 8"),
    ]
    assert [width_of(spec) for spec in searching.trained.specs] == [4, 5]


@pytest.mark.parametrize("method", ["tpe", "random"])
def test_a_small_space_is_drawn_to_its_end_and_no_network_twice(start: Any, method: str) -> None:
    searching = start("  variables.width: [1, 2, 3, 4, 6, 60]", method=method, trials=30)
    found = searching.run()
    assert sorted(widths(found, "complete", "pruned")) == [1, 2, 3, 4, 6]
    assert not searching.study.slots.unfinished()


def test_trials_that_lag_behind_are_ended_early(start: Any) -> None:
    text = "  variables.width: {integer: [1, 14]}\n  layers.1.filters: {integer: [1, 99]}"
    found = start(text, method="random", trials=20).run()
    pruned = [row for row in found.rows if row.state == "pruned"]
    assert pruned
    assert all(2 <= len(row.history) < 5 for row in pruned)
    assert found.best is not None
    assert found.best.chosen["variables.width"] >= max(widths(found, "pruned"))
    assert len(found.complete) + len(pruned) + found.count("failed") == 20


def test_halving_gives_the_later_rungs_to_the_best(start: Any) -> None:
    text = "  variables.width: {integer: [1, 14]}\n  layers.1.filters: {integer: [1, 9]}"
    found = start(text, method="halving", trials=15).run()
    lengths = {len(row.history) for row in found.rows if row.state == "pruned"}
    assert lengths <= {1, 3}  # the rungs of 4 epochs, each thrice the one before
    assert lengths
    assert found.best is not None
    assert found.best.chosen["variables.width"] >= max(widths(found, "pruned"))


def test_the_same_seed_draws_the_same(start: Any, tmp_path: Path) -> None:
    text = "  train.learning_rate: {{log_uniform: [1e-3, 1]}}\n  settings: {{seed: {}, trials: 4}}"
    drawn = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        searching = Searching(text.format(seed), tmp_path / name)
        drawn.append([row.chosen for row in searching.run().complete])
        searching.study.close()
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 4


def test_more_rejections_than_are_sensible_end_the_search(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "_MOST_REJECTED", 5)
    searching = start("  variables.width: {integer: [1000, 100000]}", method="random")
    with pytest.raises(TrainingError) as error:
        searching.run()
    assert str(error.value).startswith("5 networks in a row were rejected, the last because ")
    assert "above the budget of 2,000: narrow `search:`" in str(error.value)
    assert searching.study.slots.unfinished()


def test_a_grid_without_end_is_refused(start: Any) -> None:
    with pytest.raises(UsageError) as error:
        start("  train.learning_rate: {uniform: [0.1, 1]}", method="grid").run()
    assert str(error.value) == (
        "a grid counts its values, and those of `train.learning_rate` have no end: write a list "
        "or `{range: [from, to, step]}`, or search by tpe or random"
    )
    many = SearchSettings(method="grid")
    space, _ = space_of(
        cnnkit.load(TEXT.format("  {variables.width: {integer: [1, 200]},"
                                " layers.1.filters: {integer: [1, 200]}}"))
    )  # fmt: skip
    with pytest.raises(UsageError, match="the grid has 40,000 combinations, more than 10,000"):
        slots(space, many)


def test_several_objectives_give_a_front(start: Any) -> None:
    searching = start(
        "  {variables.width: [2, 4, 6], variables.deep: [false, true]}",
        method="grid",
        objectives=("accuracy", "parameters"),
    )
    found = searching.run()
    values = {tuple(row.chosen.values()): tuple(row.values.values()) for row in found.complete}
    assert values[(2, False)] == (pytest.approx(0.32), 2 * 9 + 2 + 2 * 36 * 3 + 3)
    # Depth costs parameters here, and width alone makes the accuracy.
    front = [tuple(row.chosen.values()) for row in found.front]
    assert front == [(6, False), (4, False), (2, False)]


def retrain_of(calls: list[Spec]) -> Any:
    def retrain(spec: Spec, folder: Path) -> Mapping[str, float]:
        calls.append(spec)
        return {"accuracy": 0.9, "loss": 0.5}

    return retrain


def test_the_test_split_is_read_once_and_a_second_look_is_told_of(start: Any) -> None:
    searching = start("  variables.width: [2, 4]", method="grid")
    searching.run()
    calls: list[Spec] = []
    found = searching.protocol.conclude(retrain_of(calls), again=False)
    assert [(look.number, look.trial, look.figures) for look in found.looks] == [
        (1, 1, {"accuracy": 0.9, "loss": 0.5})
    ]
    (last,) = calls
    assert last.train is not None
    assert (width_of(last), last.train.epochs, last.train.split.validation) == (4, 3, 0)
    assert last.train.early_stopping is None

    searching.protocol.conclude(retrain_of(calls), again=False)
    assert len(calls) == 1
    with pytest.raises(UsageError) as error:
        searching.protocol.conclude(retrain_of(calls), again=False, pick=0)
    assert str(error.value) == (
        "the test split was read for trial 1, and trial 0 is to be tested now: chosen with "
        "knowledge of that figure, it is no longer judged on unseen data. `--look-again` reads "
        "the split again, and every later figure will say so"
    )
    assert len(calls) == 1
    found = searching.protocol.conclude(retrain_of(calls), again=True, pick=0)
    assert [(look.number, look.trial) for look in found.looks] == [(1, 1), (2, 0)]
    written = searching.protocol.write({})
    text = page(written)
    assert "look number 2 of trial 0" in text
    assert "no longer the accuracy on unseen data" in text


def test_a_look_that_was_interrupted_is_gone_on_with_and_counts_once(start: Any) -> None:
    searching = start("  variables.width: [2, 4]", method="grid")
    searching.run()

    def interrupted(spec: Spec, folder: Path) -> Mapping[str, float]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searching.protocol.conclude(interrupted, again=False)
    assert [look.figures for look in searching.protocol.results().looks] == [{}]
    found = searching.protocol.conclude(retrain_of([]), again=False)
    assert [(look.number, look.figures["accuracy"]) for look in found.looks] == [(1, 0.9)]


def test_what_a_look_says() -> None:
    look = TrialLook(1, 7, "2026-01-02T03:04:05", {"accuracy": 0.98123})
    assert look_text(look) == (
        "Test split, read once, at the end of trial 7: accuracy 98.12 % (2026-01-02T03:04:05)."
    )
    again = look_text(TrialLook(2, None, "2026-01-02T03:04:05", {}))
    assert again.startswith("Test split, look number 2: begun, and not yet at its end")


def test_choices_are_put_in_the_outer_ones_first() -> None:
    chosen = {"train.optimizer.sgd.momentum": 0.5, "train.optimizer": {"sgd": {}}, "input": "8"}
    assert assignments(chosen) == [
        'input="8"',
        'train.optimizer={"sgd": {}}',
        "train.optimizer.sgd.momentum=0.5",
    ]


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("  {}", "the spec has no `search:`"),
    ],
)
def test_a_spec_that_cannot_be_searched(search: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        space_of(cnnkit.load(TEXT.format(search)))
    built = cnnkit.Spec(input="8", layers=(), search={"variables.width": [1]})
    with pytest.raises(UsageError, match="a spec that was built in Python has no text"):
        space_of(built)


def test_choices_survive_the_database(tmp_path: Path) -> None:
    text = "  train.augment: [[], [{shift: 1}]]\n  variables.deep: [false, true]"
    space, _ = space_of(cnnkit.load(TEXT.format(text)))
    assert isinstance(space, Space)
    every: Sequence[Mapping[str, Any]] = list(space.grid())
    assert [space.chosen(space.parameters(dict(chosen))) for chosen in every] == every
    assert every[2] == {"train.augment": [{"shift": 1}], "variables.deep": False}
