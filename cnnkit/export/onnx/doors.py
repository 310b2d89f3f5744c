"""Where a network begins and ends: as in the spec, channels last; inside, channels first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnkit.export.onnx.writing import Draft, Writing, channels_first, channels_last
from cnnkit.spec.graph import Graph

INPUT = "input"
OUTPUT = "output"


@dataclass(frozen=True)
class Standardization:
    """From the values of files to those that the first layer reads.

    Attributes:
        dtype: The type that the values have in their files, as NumPy calls it.
        value_range: The values that become 0 and 1; None where they are taken as they are.
        mean: What is subtracted then, a channel each.
        deviation: What is divided by then.
    """

    dtype: str
    value_range: tuple[float, float] | None
    mean: Sequence[float]
    deviation: Sequence[float]

    @property
    def read(self) -> np.dtype[np.generic]:
        """The type of the model's input: that of the files, floats in single precision."""
        dtype: np.dtype[np.generic] = np.dtype(self.dtype)
        return np.dtype(np.float32) if dtype.kind == "f" else dtype


def names_of(graph: Graph) -> tuple[list[str], list[str]]:
    """The names of the model's inputs and outputs: those of the spec, where there are several."""
    inputs = [*graph.inputs] if len(graph.inputs) > 1 else [INPUT]
    outputs = [*graph.outputs] if len(graph.outputs) > 1 else [OUTPUT]
    return inputs, [f"{name}/{OUTPUT}" if name in inputs else name for name in outputs]


def write_input(draft: Draft, name: str, rank: int, by: Standardization | None) -> str:
    """From an input of the model, channels last, to what the first layer reads."""
    write = Writing(draft, name, [name])
    x = name
    if by is not None:
        if by.read != np.float32:
            x = write.node("Cast", x, to=1)  # TensorProto.FLOAT
        if by.value_range is not None:
            low, high = (np.float32(each) for each in by.value_range)
            if low:
                x = write.node("Sub", x, write.constant("low", low))
            x = write.node("Div", x, write.constant("width", high - low))
        x = write.node("Sub", x, write.constant("mean", by.mean))
        x = write.node("Div", x, write.constant("deviation", by.deviation))
    return channels_first(write, x, rank)


def write_output(draft: Draft, name: str, x: str, rank: int) -> None:
    """What a layer gives as an output of the model, channels last."""
    write = Writing(draft, name, [x])
    last = channels_last(write, x, rank) if rank else write.node("Identity", x)
    write.finish(last)
