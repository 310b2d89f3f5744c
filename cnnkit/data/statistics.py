"""Mean and deviation of each channel, from the training examples alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Examples, Indices
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.share import ALONE, Share
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
    share: Share = ALONE,
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
        share: Which part of the examples is read here; the statistics are those of all of them, to
            the bit, whatever the number of processes.

    Raises:
        DataError: There is no example.
    """
    if not len(indices):
        raise DataError("there is no training example to take the mean of")
    of_bytes = examples.inputs.dtype == np.uint8
    of_one_range = of_bytes or examples.value_range is not None
    channels = 1 if of_one_range and len(examples.shape) == 1 else examples.shape[-1]
    chunks = _Chunks(examples, indices, channels, chunk, progress)
    if of_bytes:
        mean, variance, extremes = _of_bytes(chunks, channels, share)
    else:
        mean, variance, extremes = _of_floats(chunks, channels, share)
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


class _Chunks:
    """The inputs as ``[cells, C]``, some examples at a time, each read when it is asked for."""

    def __init__(
        self, examples: Examples, indices: Indices, channels: int, size: int, progress: Progress
    ) -> None:
        each = math.prod(examples.shape) * examples.inputs.dtype.itemsize
        self._examples, self._indices, self._channels = examples, indices, channels
        self._step = max(1, size // each)
        self._progress = progress

    def __len__(self) -> int:
        return math.ceil(len(self._indices) / self._step)

    def of(self, share: Share) -> Iterator[tuple[int, Array]]:
        """The numbers and the values of those that are read here."""
        for number in range(len(self)):
            start, total = number * self._step, len(self._indices)
            if share.has(number):
                chosen = self._indices[start : start + self._step]
                yield number, self._examples.inputs[chosen].reshape(-1, self._channels)
            self._progress(min(start + self._step, total), total)


ChannelMoments = tuple[Array, Array, tuple[float, float]]


def _of_bytes(chunks: _Chunks, channels: int, share: Share) -> ChannelMoments:
    """From how often each of the 256 values occurs in each channel: exact sums of integers."""
    counts = np.zeros((channels, 256), np.int64)
    with share.together():
        for _, chunk in chunks.of(share):
            for channel in range(channels):
                counts[channel] += np.bincount(chunk[:, channel], minlength=256)
    counts = share.summed(counts)
    values = np.arange(256)
    total = int(counts[0].sum())
    sums, squares = counts @ values, counts @ values**2
    variance = [
        (int(square) * total - int(sum_) ** 2) / (255 * total) ** 2
        for sum_, square in zip(sums, squares, strict=True)
    ]
    seen = np.flatnonzero(counts.any(0))
    return sums / (255 * total), np.array(variance), (float(seen[0]), float(seen[-1]))


def _of_floats(chunks: _Chunks, channels: int, share: Share) -> ChannelMoments:
    """In float64, chunks joined by the formula of Chan, Golub and LeVeque.

    Source: Algorithms for computing the sample variance, The American Statistician 37 (1983).
    """
    # Of each chunk its cells, its extremes, its means, and its squared distances from these.
    found = np.zeros((len(chunks), 3 + 2 * channels))
    with share.together():
        for number, chunk in chunks.of(share):
            wide = chunk.astype(np.float64)
            centre = wide.mean(0)
            found[number, :3] = len(wide), wide.min(), wide.max()
            found[number, 3:] = np.concatenate([centre, ((wide - centre) ** 2).sum(0)])
    total, mean, squares = 0, np.zeros(()), np.zeros(())
    low, high = math.inf, -math.inf
    for (cells, lowest, highest), moments in ((row[:3], row[3:]) for row in share.summed(found)):
        count, (centre, within) = int(cells), np.split(moments, 2)
        distance = centre - mean
        between = distance**2 * (total * count / (total + count))
        squares = squares + within + between
        total += count
        mean = mean + distance * (count / total)
        low, high = min(low, float(lowest)), max(high, float(highest))
    return mean, squares / total, (low, high)
