"""How weights start: by name, by number, or by the values that the spec gives.

Left out, the initialiser suits the activation that follows, behind norms, pools and sums:
``he`` for the rectifiers and their smooth kin (He et al., 2015), ``lecun`` for ``selu``, whose
fixed point assumes it (Klambauer et al., 2017), and ``glorot`` for what saturates or for
nothing at all (Glorot and Bengio, 2010). Biases start at 0.

The distributions are those of ``jax.nn.initializers``, drawn by NumPy: XLA would compile a
program for each shape of a network, which takes far longer than to run it once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit.layers.activation import Activation
from cnnkit.layers.convolution import Conv
from cnnkit.layers.kinds import layer_class
from cnnkit.layers.shape import Shape
from cnnkit.layers.weighted import Weighted

Initializer: TypeAlias = Callable[..., Any]
"""A key, a shape and a type to an array."""

Draw: TypeAlias = Callable[[np.random.Generator, Shape], np.ndarray[Any, Any]]

# The variance is this over the fan: the inputs of a unit, or their mean with its outputs.
_VARIANCES = {"lecun": 1.0, "he": 2.0, "glorot": 1.0}
# The standard deviation of a normal distribution that is cut off at two of its own.
_TRUNCATED = 0.87962566103423978


def suited_to(follower: str | None) -> str:
    """The name of the default initialiser before an activation of this kind."""
    if follower is None:
        return "glorot"
    return cast("type[Activation]", layer_class(follower)).suited_init


def kernel_initializer(layer: Weighted, follower: str | None, unshared: int = 0) -> Initializer:
    """The initialiser of a layer's kernel, ``[…, *kernel, channels, filters]``.

    Args:
        layer: The layer, whose ``weights`` go before its ``init``.
        follower: The kind of the activation that follows, if any.
        unshared: How many leading axes are positions with weights of their own.
    """
    if layer.weights is not None:
        return given(layer.weights)
    if isinstance(layer, Conv) and layer.init == "dirac":
        dirac = partial(_dirac, family=suited_to(follower), groups=layer.groups)
        return partial(_drawn, dirac)
    init = suited_to(follower) if layer.init is None else layer.init
    return named(init, unshared) if isinstance(init, str) else constant(init)


def bias_initializer(layer: Weighted) -> Initializer:
    """The initialiser of a layer's bias: zeros, or the values in the spec."""
    return given(layer.bias) if isinstance(layer.bias, tuple) else constant(0)


def given(values: Sequence[Any]) -> Initializer:
    """The values in the spec, whatever the key."""

    def initialize(key: Array, shape: Shape, dtype: Any = jnp.float32) -> Array:
        del key
        return laid(np.array(values, np.float32).reshape(shape).astype(dtype))

    return initialize


def filled(shape: int | Shape, value: float) -> Array:
    """An array of one value, float32."""
    one = laid(np.float32(value))
    if isinstance(one, jax.core.Tracer):  # in the abstract no memory is taken
        return jnp.broadcast_to(one, shape)
    return laid(np.full(shape, value, np.float32))


def constant(value: float) -> Initializer:
    """One value, whatever the key."""

    def initialize(key: Array, shape: Shape, dtype: Any = jnp.float32) -> Array:
        del key
        return filled(shape, value).astype(dtype)

    return initialize


def normal(deviation: float) -> Initializer:
    """Normally distributed values of mean 0."""

    def draw(generator: np.random.Generator, shape: Shape) -> np.ndarray[Any, Any]:
        return generator.standard_normal(shape, np.float32) * np.float32(deviation)

    return partial(_drawn, draw)


def named(name: str, unshared: int = 0) -> Initializer:
    """The initialiser of a name; the first ``unshared`` axes do not add to a fan."""
    if name == "zeros":
        return constant(0)
    if name == "ones":
        return constant(1)
    if name == "orthogonal":
        return partial(_drawn, partial(_orthogonal, unshared=unshared))
    family, _, uniform = name.partition("_")
    scaled = partial(_scaled, family=family, uniform=bool(uniform), unshared=unshared)
    return partial(_drawn, scaled)


def _drawn(draw: Draw, key: Array, shape: Shape, dtype: Any = jnp.float32) -> Array:
    """What a function draws, seeded by the key; as a callback where the key is traced."""

    def values(words: Any) -> np.ndarray[Any, Any]:
        generator = np.random.default_rng(np.asarray(words).tolist())
        return draw(generator, shape).astype(dtype)

    words = jax.random.key_data(key)
    if isinstance(words, jax.core.Tracer):
        form = jax.ShapeDtypeStruct(shape, dtype)
        traced: Array = jax.pure_callback(values, form, words, vmap_method="sequential")
        return traced
    return laid(values(words))


def laid(values: np.ndarray[Any, Any] | np.float32) -> Array:
    """NumPy's values on the device; ``jnp.asarray`` compiles a program for each shape."""
    placed: Array = jax.device_put(values)
    return placed


def _scaled(
    generator: np.random.Generator, shape: Shape, family: str, uniform: bool, unshared: int
) -> np.ndarray[Any, Any]:
    """Values of mean 0, their variance scaled by the fan."""
    cells = math.prod(shape[unshared:-2])
    fan_in, fan_out = cells * shape[-2], cells * shape[-1]
    fan = (fan_in + fan_out) / 2 if family == "glorot" else fan_in
    deviation = math.sqrt(_VARIANCES[family] / fan)
    if uniform:
        reach = np.float32(math.sqrt(3) * deviation)
        return (2 * generator.random(shape, np.float32) - 1) * reach
    values = generator.standard_normal(shape, np.float32)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(outside.sum(), np.float32)
    values *= np.float32(deviation / _TRUNCATED)
    return values


def _dirac(
    generator: np.random.Generator, shape: Shape, family: str, groups: int
) -> np.ndarray[Any, Any]:
    """Filters of which the first of each group hand on a channel each; the rest are drawn."""
    kernel = _scaled(generator, shape, family, uniform=False, unshared=0)
    centre = tuple(extent // 2 for extent in shape[:-2])
    for filters in np.split(kernel, groups, axis=-1):
        handed = min(filters.shape[-2:])
        filters[..., :handed] = 0
        np.fill_diagonal(filters[centre][:, :handed], 1)
    return kernel


def _orthogonal(
    generator: np.random.Generator, shape: Shape, unshared: int
) -> np.ndarray[Any, Any]:
    """Filters that are orthonormal, or where there are more of them than weights, the weights."""
    weights, filters = math.prod(shape[unshared:-1]), shape[-1]
    longer, shorter = max(weights, filters), min(weights, filters)
    q, r = np.linalg.qr(generator.standard_normal((*shape[:unshared], longer, shorter)))
    # The signs of R's diagonal make the distribution uniform (Mezzadri, 2007).
    q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return (q if weights >= filters else np.swapaxes(q, -1, -2)).reshape(shape)
