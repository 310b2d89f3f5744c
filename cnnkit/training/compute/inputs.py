"""What a network is given of the examples: floats, standardized."""

from __future__ import annotations

from typing import Protocol

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


class ChannelStatistics(Protocol):
    """What standardizes: a feed, or the statistics of a run."""

    @property
    def mean(self) -> ArrayLike:
        """What is subtracted, a channel each."""
        ...

    @property
    def deviation(self) -> ArrayLike:
        """What is divided by."""
        ...


def scaled(inputs: Array) -> Array:
    """uint8 inputs as 0..1; others as they are, in float32."""
    if inputs.dtype == jnp.uint8:
        return inputs.astype(jnp.float32) / 255
    return inputs.astype(jnp.float32)


def standardized(images: Array, by: ChannelStatistics) -> Array:
    """Mean off, deviation divided out, a channel each."""
    return (images - jnp.asarray(by.mean)) / jnp.asarray(by.deviation)
