"""What waits for an epoch that does not come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

HEAD = "input: 8x8x1\nlayers: [flatten, {dense: {units: 10}}]\n"


def test_what_is_too_late(found: Callable[[str, str], str]) -> None:
    spec = """\
train:
  learning_rate: {step: {peak: 0.1, at: [2, 3, 4.5], warmup: 3}}
  early_stopping: {patience: 5}
  freeze: [layers.1]
  unfreeze: {at: 3}
  epochs: 3
"""
    assert (
        found("beyond-last-epoch", HEAD + spec)
        == """\
4:62
the warm-up takes 3 epochs and the training has 3 epochs: the peak is never reached
help: a shorter `warmup`, such as a twentieth of the training, or more `epochs`

4:45
the rate falls after epoch 3 and the training has 3 epochs
help: an earlier epoch, or more `epochs`

4:48
the rate falls after epoch 4.5 and the training has 3 epochs
help: an earlier epoch, or more `epochs`

7:18
the frozen layers are trained after epoch 3 and the training has 3 epochs
help: an earlier epoch, or more `epochs`; or leave `unfreeze` out

5:30
the patience is 5 epochs and the training has 3 epochs: all are trained
help: less `patience`, or more `epochs`
"""
    )


@pytest.mark.parametrize(
    "train",
    [
        "",
        "train: {epochs: 1}\n",
        "train: {learning_rate: {cosine: {peak: 0.1, warmup: 0.9}}, epochs: 1}\n",
        "train: {learning_rate: {step: {peak: 0.1, at: [1.5]}}, epochs: 2}\n",
        "train: {learning_rate: {step: {peak: 0.1, every: 30}}, epochs: 2}\n",
        "train: {learning_rate: {one_cycle: 0.1}, early_stopping: {patience: 2}, epochs: 3}\n",
    ],
)
def test_fine(found: Callable[[str, str], str], train: str) -> None:
    assert found("beyond-last-epoch", HEAD + train) == ""
