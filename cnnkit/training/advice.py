"""What to do about a run that failed, in the terms of the recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.schedule import Warmed

_USUAL: Final[Mapping[str, float]] = MappingProxyType(
    {
        "sgd": 0.1, "momentum": 0.1, "nesterov": 0.1, "schedule_free_sgd": 0.1, "lars": 0.1,
        "adadelta": 1.0, "adagrad": 0.01, "muon": 0.02, "lion": 1e-4,
    }
)  # fmt: skip
"""The rates at which most networks train by an optimizer."""
_USUAL_OF_MOMENTS: Final = 1e-3
_FAR: Final = 100
"""So many times the usual rate nothing but the rate is the cause; so much below, it is not."""


def not_a_number(train: Train, rate: float, step: int) -> str:
    """What to try where the loss or a gradient was no number.

    Args:
        train: The recipe.
        rate: The learning rate of the step.
        step: The step, from 0.
    """
    usual = _USUAL.get(train.optimizer.kind, _USUAL_OF_MOMENTS)
    if rate < usual / _FAR:
        return f"At a rate so low the cause is in the data: {_values(train, step)}"
    tries = [f"a lower learning rate, such as {lower(rate, usual):g}, or `learning_rate: find`"]
    if rate <= usual * _FAR:
        if train.optimizer.clip_norm is None and train.optimizer.clip_value is None:
            tries.append(f"`clip_norm: 1` in `{train.optimizer.kind}`")
        if isinstance(train.learning_rate, Warmed) and not train.learning_rate.warmup:
            tries.append("a warm-up, `warmup: 1`")
    told = f"Try {_either(tries)}"
    return told if rate > usual else f"{told}; where none helps, {_values(train, step)}"


def lower(rate: float, usual: float) -> float:
    """A power of ten at least ten times below a rate, and no higher than the usual.

    >>> lower(1e9, 0.1), lower(0.3, 0.1), lower(0.001, 0.001)
    (0.1, 0.01, 0.0001)
    """
    exponent = math.floor(round(math.log10(min(rate / 10, usual)), 9))
    return float(f"1e{exponent}")


def _values(train: Train, step: int) -> str:
    """Where values that are too large may come from."""
    looks = ["look at the range of the values (`cnnkit data show`)"]
    if train.standardize == "none":
        looks.append("take `standardize: per_channel`")
    if not train.loss.of_classes:
        looks.append("bring the targets to a range such as 0 to 1")
    if step == 0:
        looks.append("see whether the first weights are too large (`init`)")
    return ", ".join(looks)


def out_of_memory(train: Train, batch_size: int, platform: str) -> str:
    """What to try where the memory of the device did not suffice."""
    tries = []
    if batch_size > 1:
        half = batch_size // 2
        tries.append(
            f"`batch_size: {half}` with `accumulate: {2 * train.accumulate}`, the same steps but "
            f"for the statistics of batch norm"
        )
        tries.append("`batch_size: auto`")
    if train.precision == "float32" and platform != "cpu":
        tries.append("`precision: bfloat16`, which halves the activations")
    tries.append("a smaller input or network")
    return f"Try {_either(tries)}"


def _either(tries: list[str]) -> str:
    *most, last = tries
    return f"{', '.join(most)}, or {last}" if most else last


_KNOWN: Final[Mapping[tuple[int, ...], str]] = MappingProxyType(
    {(8, 8, 1): "digits", (28, 28, 1): "mnist", (32, 32, 3): "cifar10"}
)
"""The published data sets by the shape of their examples."""


def recipe_for(shape: tuple[int, ...]) -> str:
    """The least that a spec says of its training, with data that fit its input."""
    return f"  train:\n    data: {data_for(shape)}\n    epochs: 10"


def data_for(shape: tuple[int, ...]) -> str:
    """The data that fit an input: a set that is known by its name, or files of the user's own."""
    of_files = "{images: FOLDER}" if len(shape) == 3 else "{arrays: FILE.npz}"
    return _KNOWN.get(shape, of_files)
