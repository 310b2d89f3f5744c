"""How weights start: by name, by number, or by the values that the spec gives.

Left out, the initialiser suits the activation that follows, behind norms, pools and sums:
``he`` for the rectifiers and their smooth kin (He et al., 2015), ``lecun`` for ``selu``, whose
fixed point assumes it (Klambauer et al., 2017), and ``glorot`` for what saturates or for
nothing at all (Glorot and Bengio, 2010). Biases start at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import initializers

from cnnkit.layers.base import Shape
from cnnkit.layers.weighted import Weighted

Initializer: TypeAlias = Callable[..., Any]
"""A key, a shape and a type to an array."""

RECTIFIERS = frozenset(
    ("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish", "hard_silu")
    + ("softplus", "maxout")
)

# Flax's and Keras's order of axes: the last two are channels in and filters.
_SCALES: dict[str, tuple[float, str]] = {
    "lecun": (1.0, "fan_in"),
    "he": (2.0, "fan_in"),
    "glorot": (1.0, "fan_avg"),
}


def suited_to(follower: str | None) -> str:
    """The name of the default initialiser before an activation of this kind."""
    if follower == "selu":
        return "lecun"
    return "he" if follower in RECTIFIERS else "glorot"


def kernel_initializer(layer: Weighted, follower: str | None, unshared: int = 0) -> Initializer:
    """The initialiser of a layer's kernel, ``[…, *kernel, channels, filters]``.

    Args:
        layer: The layer, whose ``weights`` go before its ``init``.
        follower: The kind of the activation that follows, if any.
        unshared: How many leading axes are positions with weights of their own.
    """
    if layer.weights is not None:
        return given(layer.weights)
    init = suited_to(follower) if layer.init is None else layer.init
    if isinstance(init, str):
        return named(init, unshared)
    return initializers.constant(init)


def bias_initializer(layer: Weighted) -> Initializer:
    """The initialiser of a layer's bias: zeros, or the values in the spec."""
    return given(layer.bias) if isinstance(layer.bias, tuple) else initializers.zeros


def given(values: Sequence[Any]) -> Initializer:
    """The values in the spec, whatever the key."""

    def initialize(key: Array, shape: Shape, dtype: Any = jnp.float32) -> Array:
        del key
        return jnp.asarray(values, dtype).reshape(shape)

    return initialize


def named(name: str, unshared: int = 0) -> Initializer:
    """The initialiser of a name; the first ``unshared`` axes do not add to a fan."""
    if name == "zeros":
        return initializers.zeros
    if name == "ones":
        return initializers.ones
    if name == "orthogonal":
        return _each(initializers.orthogonal(), unshared)
    family, _, uniform = name.partition("_")
    scale, mode = _SCALES[family]
    distribution = "uniform" if uniform else "truncated_normal"
    return initializers.variance_scaling(
        scale, mode, distribution, batch_axis=tuple(range(unshared))
    )


def _each(initializer: Initializer, unshared: int) -> Initializer:
    """An initialiser applied at each position of the leading axes."""
    if not unshared:
        return initializer

    def initialize(key: Array, shape: Shape, dtype: Any = jnp.float32) -> Array:
        keys = jax.random.split(key, math.prod(shape[:unshared]))
        each = jax.vmap(lambda one: initializer(one, shape[unshared:], dtype))(keys)
        return jnp.reshape(each, shape)

    return initialize
