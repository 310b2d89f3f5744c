"""Totals above what `budget:` allows."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def test_each_total_above_its_bound(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
  - conv: {filters: 16, kernel: 3}
budget:
  parameters: 1k
  macs: 100M
  state: 0
  inference_memory: 1KiB
"""
    assert (
        found("over-budget", spec)
        == """\
6:15
`parameters` is 1,248: 248 above the budget of 1,000 (24.8 %)
help: the largest part is `layers.1`, conv, with 1,168

9:21
`inference_memory` is 66,624 bytes: 65,600 above the budget of 1,024 (6,406.3 %)
help: make the network smaller, or raise the budget
"""
    )


def test_a_budget_of_nothing(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - batch_norm
budget: {state: 0, neurons: 0}
"""
    assert (
        found("over-budget", spec)
        == """\
4:17
`state` is 2: 2 above the budget of 0
help: the largest part is `layers.0`, batch_norm, with 2
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
budget: {parameters: 80, neurons: 5408, training_memory: 1GiB}
"""
    assert found("over-budget", spec) == ""


TRAINED = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
budget: {training_memory: 1MiB, inference_memory: 28KiB}
train: TRAIN
"""


@pytest.mark.parametrize(
    ("train", "batch", "needed"),
    [
        # 80 weights, their gradients and two slots of Adam; of each example of the batch 784 inputs
        # and 26·26·8 outputs, which the forward pass holds at once.
        ("{batch_size: 400}", 400, 4 * (4 * 80 + 400 * (784 + 5408))),
        ("{epochs: 1, batch_size: 43}", 43, 4 * (4 * 80 + 43 * (784 + 5408))),
        ("{epochs: 1}", 128, 4 * (4 * 80 + 128 * (784 + 5408))),
    ],
)
def test_memory_for_training_is_that_of_the_recipes_batch(
    found: Callable[[str, str], str], train: str, batch: int, needed: int
) -> None:
    text = found("over-budget", TRAINED.replace("TRAIN", train))
    assert text.splitlines()[1].startswith(
        f"`training_memory` is {needed:,} bytes for a batch of {batch}: {needed - 2**20:,} above"
    )


@pytest.mark.parametrize("train", ["{batch_size: 42}", "{batch_size: auto}"])
def test_memory_for_training_within_the_budget(
    found: Callable[[str, str], str], train: str
) -> None:
    assert found("over-budget", TRAINED.replace("TRAIN", train)) == ""
