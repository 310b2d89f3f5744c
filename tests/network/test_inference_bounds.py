"""Which values of a program are looked at while it runs."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.network.inference.bounds import FURTHEST, watched_in
from cnnkit.network.kernels.onednn.inference import Instruction, Post, RefusedProgramError


def dense(output: int, weights: object, *posts: Post, bias: object = (0, 0)) -> Instruction:
    numbers = np.array(weights, np.float32), np.array(bias, np.float32)
    return Instruction("dense", output, (output - 1,), weights=numbers[0], bias=numbers[1],
                       posts=list(posts))  # fmt: skip


LARGE = [[3e8, 1], [-3e8, 2]]
"""A layer that gives at most 6e8 times what it reads; of the largest inputs 6e20."""


def test_what_cannot_grow_far_is_not_watched() -> None:
    assert watched_in([dense(1, [[1, 2], [3, 4]]), dense(2, [[5, 6], [7, 8]])], [0]) == []


def test_what_another_value_could_overflow_from_is_watched() -> None:
    # 6e8 · 6e8 · 1e12 = 3.6e29, and once more would be 2e38.
    assert watched_in([dense(at, LARGE) for at in (1, 2, 3)], [0]) == [2]
    assert watched_in([dense(at, LARGE) for at in range(1, 6)], [0]) == [2, 4]


@pytest.mark.parametrize(
    "post", [Post("clip", 0.0, 6.0), Post("tanh"), Post("logistic"), Post("hard_sigmoid")]
)
def test_a_function_with_limits_begins_anew(post: Post) -> None:
    assert watched_in([dense(1, LARGE), dense(2, LARGE, post), dense(3, LARGE)], [0]) == []


@pytest.mark.parametrize("post", [Post("relu"), Post("gelu"), Post("swish", 1.702)])
def test_another_does_not(post: Post) -> None:
    assert watched_in([dense(1, LARGE), dense(2, LARGE, post), dense(3, LARGE)], [0]) == [2]


def test_what_is_added_is_watched_too() -> None:
    # 1e12 · 6e8 = 6e20, times itself 3.6e41.
    program = [dense(1, LARGE), Instruction("binary", 2, (1, 1), "multiply")]
    assert watched_in(program, [0]) == [1]
    steep = [[6e17, 0], [0, 0]]  # 6e29 of the largest inputs
    program = [dense(1, steep), Instruction("function", 2, (1,), posts=[Post("relu")])]
    program.append(Instruction("binary", 3, (1, 2), "add"))
    assert watched_in(program, [0]) == [1, 2]


def test_means_and_concatenations_stay_within_what_they_read() -> None:
    program = [
        dense(1, LARGE),
        Instruction("concatenation", 2, (0, 1)),
        Instruction("global_mean", 3, (2,)),
        Instruction("pool", 4, (3,), "max"),
        Instruction(
            "affine", 5, (4,), weights=np.array([3e8], np.float32), bias=np.array([1], np.float32)
        ),
        Instruction(
            "affine", 6, (5,), weights=np.array([3e8], np.float32), bias=np.array([1], np.float32)
        ),
    ]
    # 6e20 · 3e8 = 1.8e29.
    assert watched_in(program, [0]) == [5]


@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e30])
def test_weights_without_a_bound_are_refused(weight: float) -> None:
    assert weight != weight or weight * FURTHEST > 1e30
    with pytest.raises(RefusedProgramError, match="its weights could overflow float32"):
        watched_in([dense(1, [[weight, 0], [0, 1]])], [0])
    with pytest.raises(RefusedProgramError, match="its weights could overflow float32"):
        watched_in([dense(1, [[1, 0], [0, 1]], bias=(weight * 10, 0))], [0])
