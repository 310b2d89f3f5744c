"""A layer as it is written: nodes of ONNX, named by the layer's path, and arrays beside them.

Maps are channels first, ``[N, C, *spatial]``, vectors ``[N, C]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.layers.axis import Axis
from cnnkit.spec.site import Site

Arrays = Mapping[str, NDArray[np.float32]]
"""Weights and statistics by their names: the path of the layer, a dot, the weight's name."""


@dataclass(slots=True)
class Operator:
    """One node of the model.

    Attributes:
        kind: The operator, as ONNX names it.
        name: The node's name.
        inputs: The names of the values that it reads.
        output: The name of the value that it gives.
        attributes: The operator's.
    """

    kind: str
    name: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]


@dataclass
class Draft:
    """A model under construction.

    Attributes:
        opset: The version of the operators.
        arrays: The weights of the network.
        operators: What was written so far, in an order in which it can be run.
        initializers: The arrays of the model, by name.
    """

    opset: int
    arrays: Arrays
    operators: list[Operator] = field(default_factory=list)
    initializers: dict[str, NDArray[Any]] = field(default_factory=dict)


class Writing:
    """One layer, or a door of the network, that is being written.

    Args:
        draft: The model.
        path: The layer's path.
        inputs: The values that it reads.
        owner: The path of the layer whose weights it uses; None where they are its own.
    """

    def __init__(
        self, draft: Draft, path: str, inputs: Sequence[str], owner: str | None = None
    ) -> None:
        self.draft = draft
        self.path = path
        self.owner = owner or path
        self.inputs = tuple(inputs)
        self._first = len(draft.operators)

    @property
    def x(self) -> str:
        """The first value that it reads."""
        return self.inputs[0]

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One more node; its name is the path's until the layer has another.

        Returns:
            The name of its value.
        """
        name = self._free(f"{self.path}/{kind}")
        self.draft.operators.append(Operator(kind, name, [*inputs], name, attributes))
        return name

    def constant(self, label: str, values: ArrayLike, dtype: Any = np.float32) -> str:
        """An array that is no weight; gives its name."""
        name = self._free(f"{self.path}/{label}")
        self.draft.initializers[name] = np.asarray(values, dtype)
        return name

    def weight(self, label: str, values: NDArray[np.float32]) -> str:
        """An array under the name that the weight has in the spec."""
        name = f"{self.owner}.{label}"
        array = np.ascontiguousarray(values)
        known = self.draft.initializers.get(name)
        if known is not None and not np.array_equal(known, array):
            name = self._free(f"{self.path}.{label}")  # weights shared in another arrangement
        self.draft.initializers[name] = array
        return name

    def array(self, label: str) -> NDArray[np.float32]:
        """The values of a weight of the layer, channels last."""
        return self.draft.arrays[f"{self.owner}.{label}"]

    def has(self, label: str) -> bool:
        """Whether the layer has the weight."""
        return f"{self.owner}.{label}" in self.draft.arrays

    def finish(self, value: str) -> str:
        """Gives the last node and its value the name of the layer; a layer may need no node."""
        made = self.draft.operators[self._first :]
        last = next((each for each in made if each.output == value), None)
        if last is None:
            return value
        last.name = last.output = self.path
        for each in made:
            each.inputs = [self.path if read == value else read for read in each.inputs]
        return self.path

    def _free(self, wanted: str) -> str:
        taken = {each.output for each in self.draft.operators[self._first :]}
        name, number = wanted, 1
        while name in taken or name in self.draft.initializers:
            number += 1
            name = f"{wanted}_{number}"
        return name


Writer = Callable[[Writing, Site[Any]], str]
"""Writes a layer of a kind; gives the name of the value that goes out."""


def reshaped(write: Writing, x: str, shape: Sequence[int]) -> str:
    """The same elements in another shape; the batch stays open."""
    return write.node("Reshape", x, write.constant("shape", [0, *shape], np.int64))


def channels_first(write: Writing, x: str, rank: int) -> str:
    """[N, *spatial, C] as [N, C, *spatial]."""
    return write.node("Transpose", x, perm=[0, rank + 1, *range(1, rank + 1)]) if rank else x


def channels_last(write: Writing, x: str, rank: int) -> str:
    """[N, C, *spatial] as [N, *spatial, C]."""
    return write.node("Transpose", x, perm=[0, *range(2, rank + 2), 1]) if rank else x


def reduced(write: Writing, kind: str, x: str, axes: Sequence[int], *, keep: bool = True) -> str:
    """One value of some axes, which became an input with opset 18, that of sums with opset 13."""
    if kind != "ReduceSum" and write.draft.opset < 18:
        return write.node(kind, x, axes=[*axes], keepdims=int(keep))
    return write.node(kind, x, write.constant("axes", [*axes], np.int64), keepdims=int(keep))


def sliced(
    write: Writing, x: str, starts: Sequence[int], stops: Sequence[int], axes: Sequence[int]
) -> str:
    """The elements from the starts up to the stops, along each axis that is named."""
    named = zip(("starts", "stops", "axes"), (starts, stops, axes), strict=True)
    return write.node("Slice", x, *(write.constant(each, [*at], np.int64) for each, at in named))


def channels_first_axis(axis: Axis) -> int:
    """Where an axis that a field names is among [N, C, *spatial]."""
    return 1 if axis == "channels" else axis + 2


def per_channel(values: ArrayLike, rank: int) -> NDArray[np.float32]:
    """One value a channel, of a shape that is spread over the cells."""
    array = np.asarray(values, np.float32)
    return array.reshape((*array.shape, *(1,) * rank)) if array.ndim else array
