"""Activations whose gradient is computed from their output, as the memory model counts on.

The next layer keeps that output for a gradient of its own. The functions of ``jax.nn`` keep their
input as well: twice the memory in a network of convolutions and rectifiers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Elementwise = Callable[..., Array]

# Of the scaled exponential unit (Klambauer et al., 2017, appendix).
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def relu(x: Array) -> Array:
    """max(0, x)."""
    return _by_output(_relu, _relu_slope, (), x)


def relu6(x: Array) -> Array:
    """min(max(0, x), 6)."""
    return _by_output(_relu6, _relu6_slope, (), x)


def leaky_relu(x: Array, slope: float) -> Array:
    """The input where it is at least 0, else slope times it; slope must not be negative."""
    return _by_output(_leaky_relu, _leaky_relu_slope, (slope,), x)


def elu(x: Array, alpha: float) -> Array:
    """The input where it is above 0, else alpha·(e^x − 1); alpha must not be negative."""
    return _by_output(_elu, _elu_slope, (alpha, 1.0), x)


def celu(x: Array, alpha: float) -> Array:
    """The input where it is above 0, else alpha·(e^(x/alpha) − 1)."""
    return _by_output(_celu, _celu_slope, (alpha,), x)


def hard_tanh(x: Array, minimum: float, maximum: float) -> Array:
    """min(max(minimum, x), maximum)."""
    return _by_output(jnp.clip, _between, (minimum, maximum), x)


def softshrink(x: Array, threshold: float) -> Array:
    """The input brought nearer to 0 by a threshold, as far as 0."""
    return _by_output(_softshrink, _not_zero, (threshold,), x)


def hard_shrink(x: Array, threshold: float) -> Array:
    """The input, or 0 where it is no further from 0 than a threshold."""
    return _by_output(_hard_shrink, _not_zero, (threshold,), x)


def log_sigmoid(x: Array) -> Array:
    """log(1/(1 + e^−x))."""
    return _by_output(jax.nn.log_sigmoid, _log_sigmoid_slope, (), x)


def selu(x: Array) -> Array:
    """The scaled exponential unit."""
    return _by_output(_elu, _elu_slope, (_SELU_ALPHA, _SELU_SCALE), x)


def sigmoid(x: Array) -> Array:
    """1/(1 + e^−x)."""
    return _by_output(jax.nn.sigmoid, _sigmoid_slope, (), x)


def tanh(x: Array) -> Array:
    """(e^2x − 1)/(e^2x + 1)."""
    return _by_output(jnp.tanh, _tanh_slope, (), x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _by_output(
    function: Elementwise, slope: Elementwise, arguments: tuple[float, ...], x: Array
) -> Array:
    """A function of an array and numbers, with its slope as a function of what it gives."""
    del slope
    return function(x, *arguments)


def _forward(
    function: Elementwise, slope: Elementwise, arguments: tuple[float, ...], x: Array
) -> tuple[Array, Array]:
    y = _by_output(function, slope, arguments, x)
    return y, y


def _backward(
    function: Elementwise, slope: Elementwise, arguments: tuple[float, ...], y: Array, ct: Array
) -> tuple[Array]:
    del function
    kept: Any = lax.optimization_barrier(y)  # else XLA may compute it again from the input
    return ((ct * slope(kept, *arguments)).astype(y.dtype),)


_by_output.defvjp(_forward, _backward)


def _relu(x: Array) -> Array:
    return jnp.maximum(x, 0)


def _relu_slope(y: Array) -> Array:
    return y > 0


def _relu6(x: Array) -> Array:
    return jnp.clip(x, 0, 6)


def _relu6_slope(y: Array) -> Array:
    return (y > 0) & (y < 6)


def _leaky_relu(x: Array, slope: float) -> Array:
    return jnp.where(x >= 0, x, slope * x)


def _leaky_relu_slope(y: Array, slope: float) -> Array:
    return jnp.where(y >= 0, 1, slope)


def _elu(x: Array, alpha: float, scale: float) -> Array:
    return scale * jnp.where(x > 0, x, alpha * jnp.expm1(jnp.minimum(x, 0)))


def _elu_slope(y: Array, alpha: float, scale: float) -> Array:
    return jnp.where(y > 0, scale, y + scale * alpha)


def _sigmoid_slope(y: Array) -> Array:
    return y * (1 - y)


def _tanh_slope(y: Array) -> Array:
    return 1 - y * y


def _celu(x: Array, alpha: float) -> Array:
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.minimum(x, 0) / alpha))


def _celu_slope(y: Array, alpha: float) -> Array:
    return jnp.where(y > 0, 1, y / alpha + 1)


def _between(y: Array, minimum: float, maximum: float) -> Array:
    return (y > minimum) & (y < maximum)


def _softshrink(x: Array, threshold: float) -> Array:
    return x - jnp.clip(x, -threshold, threshold)


def _hard_shrink(x: Array, threshold: float) -> Array:
    return jnp.where(jnp.abs(x) > threshold, x, 0)


def _not_zero(y: Array, threshold: float) -> Array:
    del threshold
    return y != 0


def _log_sigmoid_slope(y: Array) -> Array:
    return -jnp.expm1(y)
