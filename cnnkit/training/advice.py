"""What to do about a run that failed, in the terms of the recipe."""

from __future__ import annotations

from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.schedule import Warmed

_THIRD = 3


def not_a_number(train: Train, rate: float) -> str:
    """What to try where the loss or a gradient was no number."""
    tries = [f"a lower learning rate, such as {rate / _THIRD:.2g}"]
    if train.optimizer.clip_norm is None and train.optimizer.clip_value is None:
        tries.append(f"`clip_norm: 1` in `{train.optimizer.kind}`")
    if isinstance(train.learning_rate, Warmed) and not train.learning_rate.warmup:
        tries.append("a warm-up, `warmup: 1`")
    if train.precision != "float32":
        tries.append("`precision: float32`")
    return f"Try {_either(tries)}"


def out_of_memory(train: Train, batch_size: int, platform: str) -> str:
    """What to try where the memory of the device did not suffice."""
    tries = []
    if batch_size > 1:
        half = batch_size // 2
        tries.append(
            f"`batch_size: {half}` with `accumulate: {2 * train.accumulate}`, which trains alike"
        )
    tries.append("`batch_size: auto`")
    if train.precision == "float32" and platform != "cpu":
        tries.append("`precision: bfloat16`, which halves the activations")
    return f"Try {_either(tries)}"


def _either(tries: list[str]) -> str:
    *most, last = tries
    return f"{', '.join(most)}, or {last}" if most else last


RECIPE = """  train:
    data: digits
    epochs: 10"""
"""The least that a spec says of its training."""
