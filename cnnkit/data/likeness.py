"""Images that are nearly alike: one that was saved again, made brighter, or resized and back.

A difference hash finds candidates, and the correlation of what is left of them at 16 by 16 decides.
On 4,000 examples each of MNIST, CIFAR-10 and scikit-learn's digits no two different images come
out as one, on Fashion-MNIST six pairs do; of their images, saved as JPEG of quality 75, at least
95 % are found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Inputs

SMALLEST: Final = 8
"""The extent below which images are too small to be told apart by what they show."""

_HASH = (8, 9)  # 8 rows of 8 differences
_GRID = 16
_BITS = 6  # of 64, in which two hashes may differ
_LEAST: Final = 0.995
# Of the deviation: a smaller difference of neighbours is noise, and no bit of the hash.
_NOISE = 0.1
_FLAT = 1e-2  # of the range: an image that is hardly more than one grey shows nothing
_CHUNK_BYTES = 2**24
_ROWS = 256


def nearly_alike(parts: list[tuple[Inputs, Array]]) -> list[tuple[int, int]]:
    """The pairs of images that are nearly alike, as places in all parts together, in order.

    Args:
        parts: Inputs ``[N, H, W, C]``, and which of them are looked at.
    """
    found = [_described(pixels) for inputs, indices in parts for pixels in _chunks(inputs, indices)]
    if not found:
        return []
    hashes = np.concatenate([each for each, _ in found])
    grids = np.concatenate([each for _, each in found])
    telling = np.flatnonzero(np.abs(grids).max(1) > 0)
    pairs = [(telling[one], telling[other]) for one, other in _near(hashes[telling])]
    kept = [
        pair
        for ones, others in pairs
        for pair in zip(*_confirmed(grids, ones, others), strict=True)
    ]
    return sorted((int(one), int(other)) for one, other in kept)


def difference_hash(images: Array) -> NDArray[np.uint64]:
    """The hash of each image ``[n, H, W, C]``: where its brightness grows from left to right.

    Source: N. Krawetz, "Kind of Like That" (2013), whose dHash this is but for the noise that
    two neighbours may differ by.
    """
    means = _reduced(_grey(images), *_HASH)
    noise = _NOISE * means.std((1, 2), keepdims=True)
    bits = means[:, :, 1:] - means[:, :, :-1] > noise
    return np.packbits(bits.reshape(len(bits), 64), axis=1).view(np.uint64)[:, 0]


def _described(images: Array) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """The hash of each image, and its unit vector; zeros where it is flat."""
    means = _reduced(_grey(images), _GRID, _GRID).reshape(len(images), -1)
    means -= means.mean(1, keepdims=True)
    size = np.linalg.norm(means, axis=1, keepdims=True)
    width = 255.0 if images.dtype == np.uint8 else 65535.0 if images.dtype == np.uint16 else 1.0
    flat = size <= _FLAT * width * _GRID
    return difference_hash(images), np.where(flat, 0, means / np.where(flat, 1, size))


def _near(hashes: NDArray[np.uint64]) -> Iterator[tuple[Array, Array]]:
    """Places of hashes that differ in few bits."""
    for start in range(0, len(hashes), _ROWS):
        rows = hashes[start : start + _ROWS, None]
        ones, others = np.nonzero(np.bitwise_count(rows ^ hashes[None, start:]) <= _BITS)
        after = others > ones
        yield start + ones[after], start + others[after]


def _confirmed(grids: NDArray[np.float32], ones: Array, others: Array) -> tuple[Array, Array]:
    """The pairs whose correlation is high."""
    step = _CHUNK_BYTES // (4 * _GRID * _GRID)
    alike = [
        np.einsum("ij,ij->i", grids[ones[at : at + step]], grids[others[at : at + step]]) >= _LEAST
        for at in range(0, len(ones), step)
    ]
    kept = np.concatenate(alike) if alike else np.zeros(0, bool)
    return ones[kept], others[kept]


def _chunks(inputs: Inputs, indices: Array) -> Iterator[Array]:
    each = math.prod(inputs.shape[1:]) * inputs.dtype.itemsize
    step = max(1, _CHUNK_BYTES // each)
    for start in range(0, len(indices), step):
        yield inputs[indices[start : start + step]]


def _grey(images: Array) -> NDArray[np.float32]:
    return np.asarray(images.mean(-1, dtype=np.float32))


def _reduced(images: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The mean over each cell of a grid, ``[n, rows, columns]``."""
    height, width = images.shape[1:]
    return np.asarray(_cells(height, rows) @ images @ _cells(width, columns).T)


def _cells(extent: int, cells: int) -> NDArray[np.float32]:
    """The part that each pixel along an axis has in each cell, ``[cells, extent]``."""
    edges = np.linspace(0, extent, cells + 1)
    pixels = np.arange(extent)
    first, last = np.maximum(edges[:-1, None], pixels), np.minimum(edges[1:, None], pixels + 1)
    parts = np.clip(last - first, 0, None)
    return np.asarray(parts / parts.sum(1, keepdims=True), np.float32)
