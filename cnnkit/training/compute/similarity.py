"""How alike images are: PSNR and SSIM, of values from 0 to 1.

Source of SSIM: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility
to structural similarity", 2004: a Gaussian window of 11 cells and deviation 1.5, K1 = 0.01 and
K2 = 0.03, over the places where the window fits.
"""

from __future__ import annotations

from typing import Final

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

MOST_PSNR: Final = 100.0
"""What an image counts as that has no error, in dB."""
_WINDOW, _DEVIATION = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(said: Array, true: Array) -> Array:
    """The peak signal-to-noise ratio of each image, −10·log₁₀ of its mean squared error, in dB.

    Args:
        said: ``[N, *spatial, C]``.
        true: ``[N, *spatial, C]``.

    Returns:
        float32 ``[N]``.
    """
    error = jnp.square(said - true).mean(axis=tuple(range(1, said.ndim)))
    return -10 * jnp.log10(jnp.maximum(error, 10 ** (-MOST_PSNR / 10)))


def ssim(said: Array, true: Array) -> Array:
    """The structural similarity of each image, the mean over its places and channels.

    Where an axis is shorter than the window, the window is as long as the largest odd number that
    fits.

    Args:
        said: ``[N, *spatial, C]``.
        true: ``[N, *spatial, C]``.

    Returns:
        float32 ``[N]``.
    """
    mean_said, mean_true = _local(said), _local(true)
    squares = mean_said**2, mean_true**2
    both = mean_said * mean_true
    varies = _local(said**2) - squares[0], _local(true**2) - squares[1]
    together = _local(said * true) - both
    found = ((2 * both + _C1) * (2 * together + _C2)) / (
        (squares[0] + squares[1] + _C1) * (varies[0] + varies[1] + _C2)
    )
    return found.mean(axis=tuple(range(1, found.ndim)))


def _local(images: Array) -> Array:
    """The weighted mean around each place where the window fits."""
    for axis in range(1, images.ndim - 1):
        weights = _weights(images.shape[axis])
        kept = images.shape[axis] - len(weights) + 1
        shifted = (
            float(weight) * lax.slice_in_dim(images, at, at + kept, axis=axis)
            for at, weight in enumerate(weights)
        )
        images = sum(shifted, start=jnp.zeros(()))
    return images


def _weights(extent: int) -> NDArray[np.float64]:
    length = min(_WINDOW, extent - 1 + extent % 2)
    at = np.arange(length) - length // 2
    weights = np.exp(-(at**2) / (2 * _DEVIATION**2))
    normed: NDArray[np.float64] = weights / weights.sum()
    return normed
