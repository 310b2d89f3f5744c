"""The scale of inputs: which values become 0 and 1 on the way from a file to a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from cnnkit.data.dataset import Array, Dataset, Examples, Inputs, Range

OF_BYTES: Final[Range] = (0.0, 255.0)
RANGES: Final[Mapping[str, Range]] = {"uint8": OF_BYTES, "uint16": (0.0, 65535.0)}
"""The types whose range is scaled to 0..1, where the data name no other."""


def dtype_of(dataset: Dataset) -> str:
    """The type that inputs have in their files."""
    return dataset.dtype or str(dataset.train.inputs.dtype)


def with_scaled_inputs(dataset: Dataset, value_range: Range | None) -> Dataset:
    """A data set as it was read, its inputs as a network is trained on them.

    Args:
        dataset: What was read.
        value_range: The values that become 0 and 1; None takes all as they are.
    """

    def examples(part: Examples) -> Examples:
        inputs = Scaled.of(part.inputs, value_range)
        return replace(part, inputs=inputs, value_range=value_range)

    return replace(
        dataset,
        train=examples(dataset.train),
        test=None if dataset.test is None else examples(dataset.test),
        dtype=dtype_of(dataset),
    )


def scaled(inputs: Array, value_range: Range | None) -> Array:
    """Values of files as a network is trained on them: bytes of 0..1, or float32."""
    if value_range is None:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which is reported
            return inputs.astype(np.float32, copy=False)
    if inputs.dtype == np.uint8 and value_range == OF_BYTES:
        return inputs
    low, high = (np.float32(each) for each in value_range)
    values: Array = inputs.astype(np.float32)
    values -= low  # in place: there may be gigabytes of them
    values /= high - low
    return values


class Scaled:
    """Inputs that are scaled when they are indexed, for they lie in files.

    Attributes:
        inputs: The inputs as their files have them.
        value_range: The values that become 0 and 1.
    """

    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, inputs: Inputs, value_range: Range | None) -> None:
        self.inputs = inputs
        self.value_range = value_range
        self.shape = inputs.shape

    @classmethod
    def of(cls, inputs: Inputs, value_range: Range | None) -> Inputs:
        """The inputs scaled, now where they are an array."""
        if inputs.dtype == np.uint8 and value_range == OF_BYTES:
            return inputs
        if isinstance(inputs, np.ndarray):
            return scaled(inputs, value_range)
        return cls(inputs, value_range)

    @property
    def nbytes(self) -> int:
        """The bytes of all of them, scaled."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Any) -> Array:
        return scaled(self.inputs[index], self.value_range)
