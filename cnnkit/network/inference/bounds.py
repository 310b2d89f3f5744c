"""Which values of a program are looked at, so that no number is lost in it without a word.

oneDNN's rectifiers, clips and max pools make a number of NaN, where XLA's give NaN: what overflows
inside of a network would come out as a probability. From a bound of the inputs follows one of every
value, for a filter gives at most the sum of its absolute weights times the bound of what it reads.
Values from which others could leave float32 are watched: they must lie within the bound of the
inputs. Weights that are no numbers have no bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cnnkit.network.kernels.onednn.inference import Instruction, Post, RefusedProgramError

Numbers = NDArray[np.float32]

FURTHEST = 1e12
"""How far from zero inputs and watched values may lie. What networks compute lies within a few
thousands; the less it is, the fewer values are watched."""
_LARGEST = 1e30
"""What no value may be able to exceed; float32 ends at 3.4e38, which leaves room for the sums that
means are made of."""

_LIMITED: Mapping[str, Callable[[Post], float]] = {
    "clip": lambda post: max(abs(post.alpha), abs(post.beta)),
    "logistic": lambda _: 1.0,
    "tanh": lambda _: 1.0,
    "hard_sigmoid": lambda _: 1.0,
}
"""Functions that give no more than this, whatever they are given."""


def watched_in(instructions: Sequence[Instruction], inputs: Sequence[int]) -> list[int]:
    """The values of a program that are looked at while it runs.

    Args:
        instructions: In order, fused.
        inputs: The values that are given, which are looked at too.

    Raises:
        RefusedProgramError: The weights are no numbers, or so large that there is no bound.
    """
    bounds = dict.fromkeys(inputs, FURTHEST)
    watched: list[int] = []
    for each in instructions:
        reached, bound = _reached(each, bounds)
        if not reached <= _LARGEST:
            read = (*each.inputs, *(post.value for post in each.posts if not post.function))
            for value in read:
                if not bounds[value] <= FURTHEST:
                    watched.append(value)
                    bounds[value] = FURTHEST
            reached, bound = _reached(each, bounds)
            if not reached <= _LARGEST:
                raise RefusedProgramError("its weights could overflow float32")
        bounds[each.output] = bound
    return sorted(watched)


def _reached(each: Instruction, bounds: Mapping[int, float]) -> tuple[float, float]:
    """The largest size of what an instruction comes upon, and of what it gives."""
    bound = reached = _of_result(each, [bounds[value] for value in each.inputs])
    for post in each.posts:
        bound = _after(post, bound, bounds)
        reached = np.maximum(reached, bound)  # NaN where one is
    return float(reached), float(bound)


def _of_result(each: Instruction, read: Sequence[float]) -> float:
    """The bound of a result before what is done to it."""
    match each.kind:
        case "convolution" | "dense":
            sizes = _sizes(each.weights)
            of_filters = sizes.sum(tuple(range(sizes.ndim - 1)), np.float64)
            return float(np.max(of_filters * read[0] + _sizes(each.bias)))
        case "affine":
            factors = _sizes(each.weights).astype(np.float64)
            return float(np.max(factors * read[0] + _sizes(each.bias)))
        case "binary" if each.algorithm in ("add", "subtract"):
            return sum(read)
        case "binary" if each.algorithm == "multiply":
            return math.prod(read)
        case _:  # the largest, the smallest, means, and channels one behind the other
            return max(read)


def _after(post: Post, bound: float, bounds: Mapping[int, float]) -> float:
    if not post.function:
        return bound + bounds[post.value]
    if limit := _LIMITED.get(post.function):
        return limit(post)
    # All others give at most what they are given, but for the slope of what is below zero.
    return max(1.0, abs(post.alpha)) * bound + 1.0


def _sizes(numbers: Numbers | None) -> Numbers:
    """How far numbers lie from zero."""
    return np.zeros(1, np.float32) if numbers is None else np.abs(numbers)
