"""Mean and deviation against NumPy's, and against fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, Examples, statistics
from cnnkit.data.dataset import Array
from cnnkit.data.share import ALONE
from tests.data.made import random_images


def examples(inputs: Array) -> Examples:
    return Examples(inputs, np.zeros(len(inputs), np.int32))


@pytest.mark.parametrize("chunk", [1, 300, 2**26])
@pytest.mark.parametrize("shape", [(6, 5, 3), (40, 2), (3, 4, 5, 1)])
def test_bytes_are_summed_exactly(chunk: int, shape: tuple[int, ...]) -> None:
    inputs = random_images(20, *shape)
    found = statistics(examples(inputs), np.arange(20), chunk=chunk)
    columns = inputs.reshape(-1, shape[-1]).astype(int).T.tolist()
    for channel, values in enumerate(columns):
        mean = Fraction(sum(values), 255 * len(values))
        square = Fraction(sum(value**2 for value in values), 255**2 * len(values))
        assert found.mean[channel] == np.float32(float(mean))
        assert found.deviation[channel] == np.float32(np.sqrt(float(square - mean**2)))
    assert (found.minimum, found.maximum) == (inputs.min(), inputs.max())


@pytest.mark.parametrize("chunk", [1, 300, 2**26])
def test_floats_are_summed_in_chunks(chunk: int) -> None:
    # A mean far from zero, where the sum of squares in float32 would leave nothing.
    inputs = np.random.default_rng(0).normal([1e4, -3.0], [0.5, 2.0], (50, 8, 2)).astype(np.float32)
    found = statistics(examples(inputs), np.arange(50), chunk=chunk)
    wide = inputs.astype(np.float64)
    assert found.mean == pytest.approx(wide.mean((0, 1)), rel=1e-6)
    assert found.deviation == pytest.approx(wide.std((0, 1)), rel=1e-6)
    assert (found.minimum, found.maximum) == (inputs.min(), inputs.max())


def test_only_the_indices_count() -> None:
    inputs = np.array([[0], [51], [255], [102]], np.uint8)
    found = statistics(examples(inputs), np.array([1, 3]))
    assert found.mean.tolist() == pytest.approx([0.3])
    assert found.deviation.tolist() == pytest.approx([0.1])
    assert (found.minimum, found.maximum) == (51, 102)


@pytest.mark.parametrize("value", [np.float32(0.1), np.float32(1e6), np.uint8(7), np.float32(0)])
def test_a_constant_channel_has_deviation_one(value: np.generic) -> None:
    inputs = np.full((1000, 3, 1), value)
    assert statistics(examples(inputs), np.arange(1000)).deviation.tolist() == [1]


def test_bytes_in_a_vector_share_their_statistics_and_floats_do_not() -> None:
    inputs = random_images(30, 4, 4, 1)
    image = statistics(examples(inputs), np.arange(30))
    row = statistics(examples(inputs.reshape(30, 16)), np.arange(30))
    assert row.mean.tolist() == image.mean.tolist() * 16
    assert row.deviation.tolist() == image.deviation.tolist() * 16
    floats = inputs.reshape(30, 16).astype(np.float32)
    assert statistics(examples(floats), np.arange(30)).mean == pytest.approx(floats.mean(0))


def test_no_example_has_no_mean() -> None:
    with pytest.raises(DataError, match="there is no training example to take the mean of"):
        statistics(examples(np.zeros((3, 1), np.uint8)), np.arange(0))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_several_processes_come_to_the_same_bits(dtype: type) -> None:
    """Each reads its part of the chunks, and what each has found is added up."""
    inputs: Array = random_images(23, 4, 3, 2).astype(dtype)
    if dtype is np.float32:
        inputs = np.random.default_rng(0).normal(1e4, 0.5, inputs.shape).astype(dtype)
    alone = statistics(examples(inputs), np.arange(23), chunk=200)
    read: list[list[int]] = []
    found: list[Array] = []

    class Watched:
        shape, dtype = inputs.shape, inputs.dtype

        def __getitem__(self, index: Array) -> Array:
            read[-1] += index.tolist()
            return inputs[index]

        def __len__(self) -> int:
            return len(inputs)

    def of_all(own: Array) -> Array:
        found.append(own)
        return sum(found[:2], np.zeros_like(own))

    watched: Any = replace(examples(inputs), inputs=Watched())  # type: ignore[arg-type]
    for index in (0, 1, 0):  # the first again, now that both have found something
        read.append([])
        share = replace(ALONE, index=index, count=2, summed=of_all)
        both = statistics(watched, np.arange(23), chunk=200, share=share)
    assert sorted(read[0] + read[1]) == list(range(23))
    assert len(read[1]) < 13
    assert both.mean.tobytes() == alone.mean.tobytes()
    assert both.deviation.tobytes() == alone.deviation.tobytes()
    assert (both.minimum, both.maximum) == (alone.minimum, alone.maximum)
