"""What keeps the shape: activations, norms and noise."""

import jax
import jax.numpy as jnp
from flax import nnx


class PReLU(nnx.Module):
    """A leaky ReLU with learnt slopes: as many as features, 1 for all, or a shape of them."""

    def __init__(self, features: int | tuple[int, ...], init: float = 0.25) -> None:
        self.slope = nnx.Param(jnp.full(features, init))

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.where(x >= 0, x, self.slope[...] * x)


def softshrink(x: jax.Array, threshold: float) -> jax.Array:
    """Each value nearer to 0 by the threshold, as far as 0."""
    return x - jnp.clip(x, -threshold, threshold)


def hard_shrink(x: jax.Array, threshold: float) -> jax.Array:
    """Values no further from 0 than the threshold made 0."""
    return jnp.where(jnp.abs(x) > threshold, x, 0)


def exact_gelu(x: jax.Array) -> jax.Array:
    """The GELU that is not an approximation."""
    return nnx.gelu(x, approximate=False)


def gated(x: jax.Array, gate) -> jax.Array:
    """The first half of the channels times a gate of the second."""
    value, control = jnp.split(x, 2, axis=-1)
    return value * gate(control)


def maxout(x: jax.Array, pieces: int) -> jax.Array:
    """The maximum over groups of `pieces` neighbouring channels."""
    return x.reshape(*x.shape[:-1], -1, pieces).max(axis=-1)


class WholeNorm(nnx.Module):
    """Each example standardized over all its elements."""

    def __init__(
        self,
        shape: tuple[int, ...],
        epsilon: float = 1e-6,
        use_bias: bool = True,
        use_scale: bool = True,
    ) -> None:
        if use_scale:
            self.scale = nnx.Param(jnp.ones(shape))
        if use_bias:
            self.bias = nnx.Param(jnp.zeros(shape))
        self.learnt = (use_scale, use_bias)
        self.epsilon = epsilon

    def __call__(self, x: jax.Array) -> jax.Array:
        axes = tuple(range(1, x.ndim))
        y = x - x.mean(axis=axes, keepdims=True)
        y = y * jax.lax.rsqrt((y * y).mean(axis=axes, keepdims=True) + self.epsilon)
        y = y * self.scale[...] if self.learnt[0] else y
        return y + self.bias[...] if self.learnt[1] else y


class GlobalResponseNorm(nnx.Module):
    """Each channel by its norm beside the mean norm of all, added to what comes in."""

    def __init__(self, features: int, epsilon: float = 1e-6) -> None:
        self.scale = nnx.Param(jnp.zeros((features,)))
        self.bias = nnx.Param(jnp.zeros((features,)))
        self.epsilon = epsilon

    def __call__(self, x: jax.Array) -> jax.Array:
        squares = (x * x).sum(axis=tuple(range(1, x.ndim - 1)), keepdims=True)
        norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
        beside = norms / (norms.mean(axis=-1, keepdims=True) + self.epsilon)
        return self.scale[...] * (x * beside) + self.bias[...] + x


def local_response_norm(x: jax.Array, size: int, alpha: float, beta: float, k: float) -> jax.Array:
    """X / (k + alpha * mean of the squares of `size` neighbouring channels) ** beta."""
    sides = [(0, 0)] * (x.ndim - 1) + [(size // 2, (size - 1) // 2)]
    squares = jnp.pad(x * x, sides)
    channels = x.shape[-1]
    total = sum(squares[..., i : i + channels] for i in range(size))
    return x / (k + alpha / size * total) ** beta


class GaussianNoise(nnx.Module):
    """Adds normally distributed noise in training."""

    def __init__(self, deviation: float, *, rngs: nnx.Rngs) -> None:
        self.deviation = deviation
        self.deterministic = False
        self.rngs = rngs["noise"].fork()

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.deterministic:
            return x
        return x + self.deviation * jax.random.normal(self.rngs(), x.shape, x.dtype)
