"""Steps of a network that are computed otherwise than by their operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from jax import Array

Values: TypeAlias = Mapping[int, Array]
"""The outputs of steps by their numbers, those of the inputs among them."""

Compute: TypeAlias = Callable[[Values], Values]
"""From the values before steps to those that are read behind them."""


class Taken(NamedTuple):
    """Steps that are computed otherwise.

    Attributes:
        stop: One past the last of them.
        compute: What does.
    """

    stop: int
    compute: Compute


NOT_TAKEN: Mapping[int, Taken] = MappingProxyType({})
