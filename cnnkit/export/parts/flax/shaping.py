"""Maps enlarged and rearranged, and channels weighed."""

import math

import jax
import jax.numpy as jnp
from flax import nnx


def upsample(x: jax.Array, extents: tuple[int, ...], method: str) -> jax.Array:
    """Enlarges the spatial axes, with half-pixel centres."""
    return jax.image.resize(x, (x.shape[0], *extents, x.shape[-1]), method)


def depth_to_space(x: jax.Array, block: tuple[int, ...]) -> jax.Array:
    """Channels to the cells of a block, whose offset is the outer index of the channels."""
    rank = len(block)
    y = x.reshape(*x.shape[:-1], *block, x.shape[-1] // math.prod(block))
    order = [axis for i in range(1, rank + 1) for axis in (i, rank + i)]
    y = y.transpose(0, *order, 2 * rank + 1)
    extents = [extent * b for extent, b in zip(x.shape[1:-1], block, strict=True)]
    return y.reshape(x.shape[0], *extents, -1)


def space_to_depth(x: jax.Array, block: tuple[int, ...]) -> jax.Array:
    """The cells of a block to channels."""
    rank = len(block)
    extents = [extent // b for extent, b in zip(x.shape[1:-1], block, strict=True)]
    split = [n for pair in zip(extents, block, strict=True) for n in pair]
    y = x.reshape(x.shape[0], *split, x.shape[-1])
    y = y.transpose(0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)
    return y.reshape(x.shape[0], *extents, -1)


def channel_shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Takes the channels of each group in turn."""
    y = x.reshape(*x.shape[:-1], groups, -1).swapaxes(-1, -2)
    return y.reshape(x.shape)


class Scale(nnx.Module):
    """A learnt factor for each channel, or 1 for all."""

    def __init__(self, features: int, init: float = 1.0) -> None:
        self.scale = nnx.Param(jnp.full((features,), init))

    def __call__(self, x: jax.Array) -> jax.Array:
        return x * self.scale[...]


def entries(x: jax.Array, table: nnx.Embed) -> jax.Array:
    """The numbers of entries that values stand for: rounded, the nearest that there is."""
    return jnp.clip(jnp.round(x), 0, table.num_embeddings - 1).astype(jnp.int32)


def with_coordinates(x: jax.Array, extents: tuple[int, ...]) -> jax.Array:
    """The maps with a channel more for each axis: where a cell lies, from -1 to 1."""
    axes = [jnp.linspace(-1, 1, n) if n > 1 else jnp.zeros(1) for n in extents]
    places = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
    return jnp.concatenate([x, jnp.broadcast_to(places, (x.shape[0], *places.shape))], axis=-1)
