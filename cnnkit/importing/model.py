"""What a reader gives: the network, and the runtime that it can be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cnnkit.importing.graph import OperationGraph
from cnnkit.importing.operators.view import View
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


class NotRunError(Exception):
    """The runtime of a model is not installed, or cannot run it; the message says why."""


class Runtime(Protocol):
    """What runs a model as its own framework does."""

    @property
    def name(self) -> str:
        """What a comparison calls it."""

    def __call__(self, batch: Array) -> Array:
        """What the model gives for a batch, in its own layout.

        Raises:
            NotRunError: It cannot be run here.
        """


class Several(Protocol):
    """What runs a model of several inputs or outputs, by the names that it gives them."""

    def run(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        """What the model gives for a batch of each input, in its own layouts.

        Raises:
            NotRunError: It cannot be run here.
        """


class ModuleRuntime(Several, Protocol):
    """What runs a module of Python, whose inputs stand in the order of its arguments."""

    def __call__(self, batch: Array) -> Array:
        """What a module of one input and one output gives for a batch.

        Raises:
            NotRunError: It cannot be run here.
        """
        (array,) = self.run({"": batch}).values()
        return array


@dataclass(frozen=True)
class NamedTensors:
    """The inputs and outputs of a model that has several, by our names.

    Attributes:
        inputs: How the model shows each input.
        outputs: How the model shows each tensor that goes out.
        batch: How many examples it takes.
        runtime: Runs it.
    """

    inputs: Mapping[str, View]
    outputs: Mapping[str, View]
    batch: int
    runtime: Several


@dataclass(frozen=True)
class Model:
    """What was read, and what a comparison with its own runtime must know.

    Attributes:
        graph: The network.
        output: How the model shows the tensor that goes out.
        input_shape: The shape that the model takes, batch and all.
        channels_last: Whether its channels are last, as ours are.
        runtime: Runs it.
        weighted: Whether the file holds weights; else all are zeros.
        ends: Its inputs and outputs, where there are several of either.
        parameters: The trained numbers that the source holds, counted there; None where it does
            not say.
    """

    graph: OperationGraph
    output: View
    input_shape: Shape
    channels_last: bool
    runtime: Runtime
    weighted: bool = True
    ends: NamedTensors | None = None
    parameters: int | None = None
