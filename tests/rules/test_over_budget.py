"""Totals above what `budget:` allows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
