"""The best epoch and early stopping follow from the epochs alone."""

from __future__ import annotations

import pytest

from cnnkit.spec.model.training import EarlyStopping
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.history import best, stops_early, waited


def epochs(*figures: tuple[float, float] | None) -> list[Epoch]:
    """Epochs with an accuracy and a loss of the validation, or without one."""
    return [
        Epoch(number, {}, None if each is None else {"accuracy": each[0], "loss": each[1]})
        for number, each in enumerate(figures, 1)
    ]


def test_the_highest_accuracy_is_the_best() -> None:
    history = epochs((0.5, 1.0), (0.9, 0.4), (0.8, 0.2))
    found = best(history, "accuracy")
    assert found is not None
    assert found.epoch == 2
    lowest = best(history, "loss")
    assert lowest is not None
    assert lowest.epoch == 3


def test_of_equals_the_one_of_lower_loss_then_the_first() -> None:
    found = best(epochs((0.9, 0.5), (0.9, 0.3), (0.9, 0.3)), "accuracy")
    assert found is not None
    assert found.epoch == 2


def test_what_is_no_number_is_never_the_best() -> None:
    history = epochs((0.5, 1.0), (float("nan"), float("nan")), (0.4, 2.0))
    assert best(history, "accuracy") == history[0]
    assert best(history, "loss") == history[0]


def test_without_a_validation_it_is_the_last() -> None:
    assert best(epochs(None, None), "accuracy") == Epoch(2, {}, None)
    assert best([], "accuracy") is None


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [([0.5], 0), ([0.5, 0.6], 0), ([0.6, 0.5, 0.6], 2), ([0.6, 0.5, 0.7, 0.7], 1)],
)
def test_epochs_without_improvement(accuracies: list[float], expected: int) -> None:
    assert waited(epochs(*((each, 1.0) for each in accuracies)), "accuracy") == expected


def test_a_small_improvement_is_none_where_more_is_asked_for() -> None:
    history = epochs((0.50, 1.0), (0.51, 1.0), (0.54, 1.0), (0.56, 1.0))
    assert waited(history, "accuracy", 0.05) == 0
    assert waited(history[:3], "accuracy", 0.05) == 2


def test_patience_ends_the_training() -> None:
    history = epochs((0.6, 1.0), (0.5, 1.0), (0.5, 1.0))
    assert stops_early(history, "accuracy", EarlyStopping(patience=2))
    assert not stops_early(history, "accuracy", EarlyStopping(patience=3))
    assert not stops_early(history, "accuracy", None)
