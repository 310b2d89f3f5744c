"""Advice leads to what is usual, also from values far from it."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from cnnkit.spec.model.training import Train
from cnnkit.training import advice
from cnnkit.training.advice import lower, not_a_number, out_of_memory


def train(**fields: Any) -> Train:
    return Train.model_validate({"data": "digits", "epochs": 1, **fields})


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(advice).failed == 0


@pytest.mark.parametrize(
    ("rate", "usual", "suggested"),
    [(1e9, 0.1, 0.1), (1e30, 1e-3, 1e-3), (1.0, 0.1, 0.1), (0.1, 0.1, 0.01), (0.3, 0.1, 0.01),
     (0.05, 0.1, 1e-3), (1e-3, 1e-3, 1e-4), (3e-4, 1e-3, 1e-5)],
)  # fmt: skip
def test_a_rate_falls_by_orders_of_magnitude(rate: float, usual: float, suggested: float) -> None:
    assert lower(rate, usual) == pytest.approx(suggested, rel=1e-12)
    assert lower(rate, usual) <= rate / 10 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("optimizer", "rate", "suggested"),
    [("sgd", 1e9, "0.1"), ("adam", 1e9, "0.001"), ("adam", 1e-3, "0.0001"), ("lion", 1.0, "0.0001"),
     ("sgd", 0.5, "0.01"), ("muon", 100.0, "0.01")],
)  # fmt: skip
def test_the_suggested_rate_is_one_that_the_optimizer_trains_at(
    optimizer: str, rate: float, suggested: str
) -> None:
    told = not_a_number(train(optimizer=optimizer, learning_rate=rate), rate, 5)
    start = f"Try a lower learning rate, such as {suggested}, or `learning_rate: find`"
    assert told.startswith(start)


def test_where_only_the_rate_can_be_the_cause_nothing_else_is_advised() -> None:
    told = not_a_number(train(learning_rate=1e9), 1e9, 0)
    assert told == "Try a lower learning rate, such as 0.1, or `learning_rate: find`"


def test_at_a_usual_rate_clipping_and_the_data_are_looked_at() -> None:
    told = not_a_number(train(optimizer="sgd", learning_rate=0.1), 0.1, 3)
    assert told == (
        "Try a lower learning rate, such as 0.01, or `learning_rate: find`, `clip_norm: 1` in "
        "`sgd`, or a warm-up, `warmup: 1`; where none helps, look at the range of the values "
        "(`cnnkit data show`)"
    )


def test_at_a_tiny_rate_a_lower_one_is_not_advised() -> None:
    recipe = train(learning_rate=1e-9, loss="mean_squared_error", standardize="none")
    assert not_a_number(recipe, 1e-9, 0) == (
        "At a rate so low the cause is in the data: look at the range of the values (`cnnkit data "
        "show`), take `standardize: per_channel`, bring the targets to a range such as 0 to 1, see "
        "whether the first weights are too large (`init`)"
    )


def test_of_one_example_no_smaller_batch_is_advised() -> None:
    assert out_of_memory(train(batch_size=1), 1, "gpu") == (
        "Try `precision: bfloat16`, which halves the activations, or a smaller input or network"
    )
    assert out_of_memory(train(batch_size=7, accumulate=3), 7, "cpu") == (
        "Try `batch_size: 3` with `accumulate: 6`, the same steps but for the statistics of batch "
        "norm, `batch_size: auto`, or a smaller input or network"
    )


@pytest.mark.parametrize(
    ("shape", "data"),
    [((8, 8, 1), "digits"), ((28, 28, 1), "mnist"), ((32, 32, 3), "cifar10"),
     ((64, 64, 3), "{images: FOLDER}"), ((100, 1), "{arrays: FILE.npz}"),
     ((12,), "{arrays: FILE.npz}")],
)  # fmt: skip
def test_the_hint_names_data_of_the_shape(shape: tuple[int, ...], data: str) -> None:
    assert advice.recipe_for(shape) == f"  train:\n    data: {data}\n    epochs: 10"
