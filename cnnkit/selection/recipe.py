"""A recipe that can be repeated, as all runs that are compared need the same."""

from __future__ import annotations

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.prepare.resolution import recipe_of


def recipe(spec: Spec) -> Train:
    """How the network is trained, where that can be repeated many times.

    Raises:
        UsageError: The spec has no `train:`, or figures that are found by trials.
    """
    train = recipe_of(spec)
    for found, field, example in (
        (train.batch_size == "auto", "batch_size: auto", "train.batch_size=128"),
        (train.learning_rate.finds, "learning_rate: find", "train.learning_rate=0.01"),
    ):
        if found:
            raise UsageError(
                f"`{field}` is found by trials, and all runs that are compared need the same: "
                f"write a number, or give one by `--set {example}`"
            )
    if train.precision == "auto":
        raise UsageError(
            "`precision: auto` is chosen by the machine, and all runs that are compared need the "
            "same: write `float32` or `bfloat16`, or give one by `--set train.precision=bfloat16`"
        )
    return train
