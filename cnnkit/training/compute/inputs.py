"""What a network is given of the examples: floats, standardized."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cnnkit.training.compute.state import Feed


def scaled(inputs: Array) -> Array:
    """uint8 inputs as 0..1; others as they are, in float32."""
    if inputs.dtype == jnp.uint8:
        return inputs.astype(jnp.float32) / 255
    return inputs.astype(jnp.float32)


def standardized(images: Array, feed: Feed) -> Array:
    """Mean off, deviation divided out, a channel each."""
    return (images - feed.mean) / feed.deviation
