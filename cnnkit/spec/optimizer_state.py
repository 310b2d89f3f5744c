"""What each optimizer of a recipe keeps from step to step, beside the weights.

Apart from the optimizers' models, which take longer to load than most analyses take: the memory of
a training is in every report.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class StateArrays(NamedTuple):
    """How many arrays as large as the weights are kept.

    Attributes:
        kernels: Of the kernels of convolutions and dense layers.
        others: Of biases, scales, shifts and slopes.
    """

    kernels: int
    others: int


STATE_ARRAYS: Mapping[str, StateArrays] = MappingProxyType(
    {
        "sgd": StateArrays(0, 0),
        "momentum": StateArrays(1, 1),
        "nesterov": StateArrays(1, 1),
        "adam": StateArrays(2, 2),
        "adamw": StateArrays(2, 2),
        "nadam": StateArrays(2, 2),
        "nadamw": StateArrays(2, 2),
        "adamax": StateArrays(2, 2),
        "amsgrad": StateArrays(3, 3),
        "radam": StateArrays(2, 2),
        "adabelief": StateArrays(2, 2),
        "yogi": StateArrays(2, 2),
        "rmsprop": StateArrays(1, 1),
        "adagrad": StateArrays(1, 1),
        "adadelta": StateArrays(2, 2),
        "lamb": StateArrays(2, 2),
        "lars": StateArrays(1, 1),
        "lion": StateArrays(1, 1),
        "muon": StateArrays(1, 2),  # AdamW takes what is no kernel
        "schedule_free_sgd": StateArrays(1, 1),
        "schedule_free_adamw": StateArrays(2, 2),
    }
)
"""The optimizers by their names, with the fields that they have by default."""
