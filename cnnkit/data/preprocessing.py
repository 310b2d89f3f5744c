"""What is done to the values of files before a network reads them: made once, kept with a run.

A run's record is made from its training data and is applied wherever its network is asked: so
the same values mean the same, whatever type holds them, and values that mean something else are
refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Dataset, Inputs, Range
from cnnkit.data.decoding import Decoding
from cnnkit.data.scaling import RANGES, dtype_of, scaled
from cnnkit.data.statistics import Statistics
from cnnkit.errors import DataError, UsageError

FORMAT: Final = 1
_SAMPLE = 256  # examples that are looked at: enough to tell a scale by
_MANY = 16  # from so many examples on, their range tells a scale
_OUTSIDE = 0.01  # the share of values beyond what training saw that is no outlier any more
_NARROW = 1 / 8


@dataclass(frozen=True)
class OverallStatistics:
    """What the training examples held, all channels together, in the values of their files."""

    minimum: float
    maximum: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Preprocessing:
    """All that is done to an input on its way from a file into the network.

    Attributes:
        dtype: The type that the training data had in their files, as NumPy calls it.
        shape: The shape of an input, ``[*spatial, C]``.
        value_range: The values that become 0 and 1; None where they are taken as they are.
        mean: What is subtracted then, a channel each.
        deviation: What is divided by then.
        decoding: How images come to the shape.
        found: What the training examples held; None in runs of earlier versions.
    """

    dtype: str
    shape: tuple[int, ...]
    value_range: Range | None
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    decoding: Decoding
    found: OverallStatistics | None

    @property
    def statistics(self) -> Statistics:
        """Mean and deviation as arrays."""
        return Statistics(np.array(self.mean, np.float32), np.array(self.deviation, np.float32))

    def values(self, inputs: Array) -> Array:
        """Inputs ``[N, *shape]`` in the values of their files, scaled as training scaled them.

        Bytes stay bytes where 0 to 255 become 0 to 1, as in ``Examples``; all else is float32.

        Raises:
            UsageError: They have another shape or hold no numbers.
            DataError: Their values are not such as the network was trained on.
        """
        if inputs.shape[1:] != self.shape:
            raise UsageError(other_shape(inputs.shape, self.shape))
        if inputs.dtype.kind not in "biuf":
            raise UsageError(f"inputs are of type {inputs.dtype}; numbers are needed")
        if fault := self.fault(inputs, str(inputs.dtype)):
            raise DataError(f"the inputs hold {fault}")
        return scaled(inputs, self.value_range)

    def fault(self, inputs: Inputs, dtype: str) -> str | None:
        """Why values are not such as training had, in words that follow "they hold"; else None.

        Args:
            inputs: ``[N, *shape]`` in the values of their files.
            dtype: The type that they have there.
        """
        if not len(inputs):
            return None
        if len(inputs) < _MANY and dtype == self.dtype and dtype in RANGES:
            return None  # a dark image is no other scale
        chosen = np.unique(np.linspace(0, len(inputs) - 1, _SAMPLE).astype(int))
        sample = np.asarray(inputs[chosen], np.float64)
        if not np.isfinite(sample).all():
            return "NaN or infinite values; clean the data, as with np.nan_to_num"
        low, high = float(sample.min()), float(sample.max())
        if self.found is None or low == high or not self._strange(dtype, sample, self.found):
            return None
        return (
            f"values from {low:.6g} to {high:.6g} ({dtype}), and the run was trained on "
            f"values from {self.found.minimum:.6g} to {self.found.maximum:.6g} ({self.dtype}): "
            f"give them in the scale that the training data have in their files"
        )

    def _strange(self, dtype: str, sample: NDArray[np.float64], found: OverallStatistics) -> bool:
        """Whether values cannot be of the scale that training had."""
        low, high = float(sample.min()), float(sample.max())
        width = found.maximum - found.minimum
        if not width:
            return False
        floats = [np.dtype(each).kind == "f" for each in (dtype, self.dtype)]
        # Floats have no scale by their type, and those of a signal may well be far out.
        reach = 4 * width if all(floats) else width / 2
        beyond = (sample < found.minimum - reach) | (sample > found.maximum + reach)
        largest = RANGES.get(dtype)
        alike = dtype == self.dtype and largest is not None
        if not alike and beyond.mean() > _OUTSIDE:
            return True
        if not alike and largest is not None and largest[1] < found.maximum / 2:
            return True  # bytes cannot reach what 16 bits do
        few = len(sample) < _MANY and floats[0] == floats[1]
        if few and not all(floats):
            return False  # a dark image is no other scale
        narrow = _NARROW**2 if few else _NARROW
        if high - low < width * narrow and sample.std() < found.deviation * narrow:
            return True
        # What lies symmetrically about 0 is scaled so on purpose: 0 to 1 is no part of it.
        one, other = (found.minimum, found.maximum), (low, high)
        return not few and ((_symmetric(one) and low >= 0) or (_symmetric(other) and one[0] >= 0))

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON. Every key is always there."""
        record: dict[str, Any] = _plain({"format": FORMAT, **asdict(self)})
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """The record of its JSON.

        Raises:
            DataError: It was written by a later version, or is damaged.
        """
        if record.get("format") != FORMAT:
            raise DataError(
                f"the record of the preprocessing has format {record.get('format')}, and this "
                f"version of cnnkit reads {FORMAT}: take the one that trained the run"
            )
        try:
            decoding, found = record["decoding"], record["found"]
            background = decoding["background"]
            return cls(
                dtype=str(np.dtype(record["dtype"])),
                shape=tuple(record["shape"]),
                value_range=None if record["value_range"] is None else _pair(record["value_range"]),
                mean=tuple(map(float, record["mean"])),
                deviation=tuple(map(float, record["deviation"])),
                decoding=Decoding(
                    decoding["fit"], None if background is None else tuple(background)
                ),
                found=None if found is None else OverallStatistics(**found),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the record of the preprocessing is damaged: {error!r}") from None


Preparation: TypeAlias = Preprocessing | Mapping[str, Preprocessing]
"""What is done to an input; of several inputs to each by its name."""
_INPUTS: Final = "inputs"


def record_of(preparation: Preparation) -> dict[str, Any]:
    """What is done to one input or to several, as JSON."""
    if isinstance(preparation, Preprocessing):
        return preparation.to_dict()
    return {_INPUTS: {name: each.to_dict() for name, each in preparation.items()}}


def preparation_of(record: Mapping[str, Any]) -> Preparation:
    """What ``record_of`` gave.

    Raises:
        DataError: It was written by a later version, or is damaged.
    """
    each = record.get(_INPUTS)
    if not isinstance(each, Mapping):
        return Preprocessing.from_dict(record)
    return {
        str(name): Preprocessing.from_dict(one if isinstance(one, Mapping) else {})
        for name, one in each.items()
    }


def preprocessing(dataset: Dataset, applied: Statistics, measured: Statistics) -> Preprocessing:
    """The record of a data set.

    Args:
        dataset: The data set, its inputs scaled.
        applied: What inputs are standardized with.
        measured: The statistics of the training examples; their extremes too.
    """
    low, high = dataset.train.value_range or (0.0, 1.0)
    width = high - low
    mean = float(np.mean(measured.mean, dtype=np.float64))
    squares = np.square(measured.deviation, dtype=np.float64)
    spread = np.square(measured.mean.astype(np.float64) - mean)
    minimum, maximum = extremes(dataset, measured)
    return Preprocessing(
        dtype=dtype_of(dataset),
        shape=tuple(dataset.shape),
        value_range=dataset.train.value_range,
        mean=tuple(applied.mean.tolist()),
        deviation=tuple(applied.deviation.tolist()),
        decoding=dataset.decoding or Decoding(),
        found=OverallStatistics(
            minimum=minimum,
            maximum=maximum,
            mean=low + mean * width,
            deviation=math.sqrt(float(np.mean(squares + spread))) * width,
        ),
    )


def extremes(dataset: Dataset, measured: Statistics) -> Range:
    """The smallest and the largest value of the training examples, as their files have them."""
    if dataset.train.value_range is None or dataset.train.inputs.dtype == np.uint8:
        return measured.minimum, measured.maximum
    low, high = dataset.train.value_range
    found = [low + each * (high - low) for each in (measured.minimum, measured.maximum)]
    if np.dtype(dtype_of(dataset)).kind in "iu":
        found = [float(round(each)) for each in found]
    # The values were rounded to float32 on their way.
    return float(np.float32(found[0])), float(np.float32(found[1]))


def _symmetric(values: Range) -> bool:
    low, high = values
    return low < 0 and math.isclose(-low, high)


def _plain(value: Any) -> Any:
    """A record with lists for tuples, as it comes back from JSON."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _pair(values: Any) -> Range:
    low, high = values
    return float(low), float(high)


def other_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What is said of inputs of another shape than ``[N, *wanted]``."""
    due = f"the network takes inputs of shape [N, {', '.join(map(str, wanted))}]"
    given = f"these have [{', '.join(map(str, found))}]"
    if len(wanted) > 1 and found[1:] == (wanted[-1], *wanted[:-1]):
        return f"{due}, {given}: move the channels to the last axis, np.moveaxis(inputs, 1, -1)"
    if found == wanted:
        return f"{due}, {given}: one input is a batch of one, inputs[None]"
    if wanted[-1] == 1 and found[1:] == wanted[:-1]:
        return f"{due}, {given}: add the axis of the channels, inputs[..., None]"
    return f"{due}, {given}"
