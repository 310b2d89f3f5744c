"""The file of a machine: its rates in FLOP/s, its bandwidths in bytes/s, its overheads in seconds.

A rate is that of a kind of work in a precision. A machine that was measured has one for each kind
and pass; a data sheet gives the product's alone, which then stands for the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, PositiveInt

from cnnkit.analysis.precision import Precision, Program
from cnnkit.layers.field import CLOSED, Count, Expects, Flag

FORMAT: Final = 1
"""The version of the file."""

Multiplied = Literal[
    "product",
    "dense",
    "convolution",
    "first",
    "pointwise",
    "depthwise",
    "grouped",
    "transposed",
]
"""The kinds of work that are counted in FLOPs."""

Moved = Literal["elementwise", "normalization", "pool"]
"""The kinds of work that are counted in bytes."""

Text = Annotated[str, Field(min_length=1, max_length=1000), Expects("a text")]
Texts = Annotated[Mapping[str, str], Expects("texts by their names")]


_ABOVE_0 = Field(gt=0, allow_inf_nan=False)
Rate = Annotated[float, _ABOVE_0, Expects("a number of FLOP/s above 0")]
Bandwidth = Annotated[float, _ABOVE_0, Expects("a number of bytes/s above 0")]
Seconds = Annotated[
    float, Field(ge=0, allow_inf_nan=False), Expects("a number of seconds, at least 0")
]


class MachinePart(BaseModel):
    """A part of the file: strict, closed, and frozen."""

    model_config = CLOSED


class Rates(MachinePart):
    """What is done in a second, in one precision.

    Multiplied, in FLOP/s, two to a multiply-accumulate. What is left out is as ``product``:
        product: Products of matrices, as in attention and recurrence.
        dense: Dense layers, which have a row of the product for each example.
        convolution: Kernels of more than one cell over many channels.
        first: Kernels over few channels, as the first layer's over an image.
        pointwise: Kernels of one cell.
        depthwise: A kernel for each channel.
        grouped: Groups of several channels.
        transposed: Transposed convolutions.

    Moved, in bytes/s, read and written. What is left out is as the memory's bandwidth:
        elementwise: Activations, sums, concatenations and other passes over a map.
        normalization: Norms, whose statistics need a pass of their own.
        pool: Pools.
    """

    product: Rate = Field(description="the rate of a product of matrices, in FLOP/s")
    dense: Rate | None = None
    convolution: Rate | None = None
    first: Rate | None = None
    pointwise: Rate | None = None
    depthwise: Rate | None = None
    grouped: Rate | None = None
    transposed: Rate | None = None
    elementwise: Bandwidth | None = None
    normalization: Bandwidth | None = None
    pool: Bandwidth | None = None


RatesByPrecision = Annotated[
    Mapping[Precision, Rates],
    Field(min_length=1),
    Expects("the rates of each precision, such as {float32: {product: 1e12}}"),
]


class DeviceMemory(MachinePart):
    """The memory that arrays lie in.

    Attributes:
        bandwidth: Bytes a second, read and written.
        size: Bytes; None where it is not known.
    """

    bandwidth: Bandwidth = Field(description="the bytes that it moves in a second")
    size: Annotated[PositiveInt | None, Expects("a whole number of bytes above 0")] = None


class Overhead(MachinePart):
    """Seconds that pass before anything is computed.

    Attributes:
        operation: Of each operation that is not part of the one before it.
        call: Of each call of the compiled program, or step of training.
    """

    operation: Seconds = 0.0
    call: Seconds = 0.0


class StepOfTraining(MachinePart):
    """The rates and overheads of a step of training, where they are not those of an inference."""

    overhead: Overhead = Overhead()
    rates: RatesByPrecision = Field(description="the rates of each precision")


class DeviceLink(MachinePart):
    """What joins devices, or a device and its host.

    Attributes:
        bandwidth: Bytes a second that one device sends, in one direction, over all its links.
        latency: Seconds until the first byte arrives.
    """

    bandwidth: Bandwidth = Field(description="the bytes that a device sends in a second")
    latency: Seconds = 0.0


Links = Annotated[
    Mapping[str, DeviceLink], Expects("links by their names, such as {NVLink: {bandwidth: 3e11}}")
]


class Machine(MachinePart):
    """What a machine can do.

    Attributes:
        format: The version of the file.
        name: What the machine is called.
        measured: Whether the rates were measured, and not read in a data sheet.
        source: Where the figures are from: the data sheet, or how they were measured.
        note: What must be known to read them.
        date: The day on which they were measured, or on which the data sheet was read.
        facts: What it consists of: its processor, its cores, its system.
        versions: Of the software that was measured.
        memory: The device's memory.
        overhead: Seconds of an operation and of a call, at inference.
        rates: The rates of each precision, at inference.
        training: Both of a step of training, forward and backward; None where they are the same.
        links: What joins it to other devices, by names such as `NVLink`, `ICI`, `PCIe`, `Ethernet`.
    """

    format: Annotated[Count, Field(description=f"the version of the file, {FORMAT}")]
    name: Text = Field(description="what the machine is called")
    measured: Flag = Field(description="whether the rates were measured")
    source: Text = Field(description="where the rates are from")
    note: Text | None = None
    date: Text | None = None
    facts: Texts = Field(default_factory=dict)
    versions: Texts = Field(default_factory=dict)
    memory: DeviceMemory = Field(description="the device's memory")
    overhead: Overhead = Overhead()
    rates: RatesByPrecision = Field(description="the rates of each precision")
    training: StepOfTraining | None = None
    links: Links = Field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Whether it was measured, in words."""
        if self.measured:
            return f"measured{f' on {self.date}' if self.date else ''}"
        return "from the data sheet, not measured"

    def to_dict(self) -> dict[str, object]:
        """What JSON shows of it beside the times."""
        return {
            "name": self.name,
            "measured": self.measured,
            "source": self.source,
            "date": self.date,
        }

    def rates_of(self, precision: Precision, of: Program = "inference") -> Rates | None:
        """The rates of a precision; None where the file has none."""
        return self._of(of).rates.get(precision)

    def overhead_of(self, program: Program) -> Overhead:
        """The overheads of a program."""
        return self._of(program).overhead

    def _of(self, program: Program) -> Machine | StepOfTraining:
        return self if program == "inference" or self.training is None else self.training

    def rate(
        self, kind: Multiplied, precision: Precision, of: Program = "inference"
    ) -> float | None:
        """FLOP/s of a kind of work; None where the file has no rates of the precision."""
        rates = self.rates_of(precision, of)
        if rates is None:
            return None
        rate: float | None = getattr(rates, kind)
        return rates.product if rate is None else rate

    def bandwidth(
        self, kind: Moved | None, precision: Precision, of: Program = "inference"
    ) -> float:
        """Bytes a second of a kind of work; of None, or where none is given, the memory's."""
        rates = self.rates_of(precision, of)
        given: float | None = getattr(rates, kind) if rates is not None and kind else None
        return self.memory.bandwidth if given is None else given
