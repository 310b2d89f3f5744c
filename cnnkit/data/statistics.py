"""Mean and deviation of each channel, from the training examples alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Examples, Indices
from cnnkit.data.reading import Progress, unseen
from cnnkit.errors import DataError

# Decoded at once: small beside any data set that is worth cutting up.
_CHUNK_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class Statistics:
    """What inputs are standardised with: ``(input − mean) / deviation``.

    Of uint8 inputs, after their scaling to 0..1. A channel that is constant has deviation 1, so
    that it becomes zero and not NaN.

    Attributes:
        mean: float32 ``[C]``.
        deviation: float32 ``[C]``, the root of the mean squared distance from the mean.
        minimum: The smallest value, of uint8 inputs before their scaling; NaN where not measured.
        maximum: The largest.
        constant: The channels that have one value throughout.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    minimum: float = math.nan
    maximum: float = math.nan
    constant: tuple[int, ...] = ()


def statistics(
    examples: Examples,
    indices: Indices,
    *,
    chunk: int = _CHUNK_BYTES,
    progress: Progress = unseen,
) -> Statistics:
    """The statistics of some examples over all but the last axis.

    Values of one range in a vector, such as bytes, are the pixels of an image laid out in a row,
    and share one mean and deviation: a pixel at the border that is lit once in a data set would be
    thousands of deviations of its own away from its mean.

    Args:
        examples: What is chosen from.
        indices: The examples that count, int64 ``[n]``.
        chunk: The bytes of inputs that are looked at together.
        progress: Is told how many examples were looked at, and how many there are.

    Raises:
        DataError: There is no example.
    """
    if not len(indices):
        raise DataError("there is no training example to take the mean of")
    of_bytes = examples.inputs.dtype == np.uint8
    of_one_range = of_bytes or examples.value_range is not None
    channels = 1 if of_one_range and len(examples.shape) == 1 else examples.shape[-1]
    chunks = _chunks(examples, indices, channels, chunk, progress)
    if of_bytes:
        mean, variance, extremes = _of_bytes(chunks, channels)
    else:
        mean, variance, extremes = _of_floats(chunks)
    deviation = np.sqrt(variance)
    # What float32 cannot tell from the mean is the rounding of a constant.
    constant = deviation <= np.finfo(np.float32).eps * np.abs(mean)
    deviation[constant] = 1
    low, high = extremes
    return Statistics(
        mean=np.resize(mean, examples.shape[-1]).astype(np.float32),
        deviation=np.resize(deviation, examples.shape[-1]).astype(np.float32),
        minimum=low,
        maximum=high,
        constant=tuple(np.flatnonzero(np.resize(constant, examples.shape[-1])).tolist()),
    )


def _chunks(
    examples: Examples, indices: Indices, channels: int, size: int, progress: Progress
) -> Iterator[Array]:
    """The inputs as ``[cells, C]``, some examples at a time."""
    each = math.prod(examples.shape) * examples.inputs.dtype.itemsize
    step = max(1, size // each)
    for start in range(0, len(indices), step):
        yield examples.inputs[indices[start : start + step]].reshape(-1, channels)
        progress(min(start + step, len(indices)), len(indices))


ChannelMoments = tuple[Array, Array, tuple[float, float]]


def _of_bytes(chunks: Iterator[Array], channels: int) -> ChannelMoments:
    """From how often each of the 256 values occurs in each channel: exact sums of integers."""
    counts = np.zeros((channels, 256), np.int64)
    for chunk in chunks:
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel], minlength=256)
    values = np.arange(256)
    total = int(counts[0].sum())
    sums, squares = counts @ values, counts @ values**2
    variance = [
        (int(square) * total - int(sum_) ** 2) / (255 * total) ** 2
        for sum_, square in zip(sums, squares, strict=True)
    ]
    seen = np.flatnonzero(counts.any(0))
    return sums / (255 * total), np.array(variance), (float(seen[0]), float(seen[-1]))


def _of_floats(chunks: Iterator[Array]) -> ChannelMoments:
    """In float64, chunks joined by the formula of Chan, Golub and LeVeque.

    Source: Algorithms for computing the sample variance, The American Statistician 37 (1983).
    """
    total, mean, squares = 0, np.zeros(()), np.zeros(())
    low, high = math.inf, -math.inf
    for chunk in chunks:
        wide = chunk.astype(np.float64)
        count, centre = len(wide), wide.mean(0)
        distance = centre - mean
        between = distance**2 * (total * count / (total + count))
        squares = squares + ((wide - centre) ** 2).sum(0) + between
        total += count
        mean = mean + distance * (count / total)
        low, high = min(low, float(wide.min())), max(high, float(wide.max()))
    return mean, squares / total, (low, high)
