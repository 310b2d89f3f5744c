"""What a network is given of the examples: floats, standardized."""

from __future__ import annotations

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array


class ChannelStatistics(Protocol):
    """What standardizes: a feed, or the statistics of a run."""

    @property
    def mean(self) -> Any:
        """What is subtracted, a channel each."""
        ...

    @property
    def deviation(self) -> Any:
        """What is divided by."""
        ...


def scaled(inputs: Any) -> Any:
    """uint8 inputs as 0..1; others as they are, in float32. Of several each, by its name."""

    def floats(array: Array) -> Array:
        values = array.astype(jnp.float32)
        return values / 255 if array.dtype == jnp.uint8 else values

    return jax.tree.map(floats, inputs)


def standardized(images: Any, by: ChannelStatistics) -> Any:
    """Mean off, deviation divided out, a channel each. Of several inputs each, by its name."""
    return jax.tree.map(
        lambda values, mean, deviation: (values - jnp.asarray(mean)) / jnp.asarray(deviation),
        images,
        by.mean,
        by.deviation,
    )
