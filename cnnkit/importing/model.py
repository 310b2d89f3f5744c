"""What a reader gives: the network, and the runtime that it can be compared with."""

from __future__ import annotations

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
    """

    graph: OperationGraph
    output: View
    input_shape: Shape
    channels_last: bool
    runtime: Runtime
    weighted: bool = True
