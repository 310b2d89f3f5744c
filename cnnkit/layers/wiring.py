"""Layers that name a tensor an output, or apply another layer once more with its weights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Tensor, Trace
from cnnkit.layers.composition import Composite
from cnnkit.layers.field import Expects


class Output(Composite):
    """Names the tensor here an output of the network, and goes on with it.

    Without any the last tensor is the one output.
    """

    kind = "output"
    example = (
        "8x8x16",
        "output: map",
        "global_mean_pool",
        "output: means",
    )
    scalar_field = "tensor"

    tensor: Annotated[str, Field(min_length=1), Expects("a name for the output")] = Field(
        description="the output's name"
    )

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        graph.output(self.tensor, x)
        return x


class Shared(Composite):
    """Applies a layer or block that has a name once more, with the same weights.

    Its parameters and running state count where it stands, the work and the activations each time.
    """

    kind = "shared"
    example = (
        "8x8x16",
        "save: start",
        "{name: encoder, conv: {filters: 16, kernel: 3, padding: same, activation: relu}}",
        "shared: encoder",
        "merge: {with: start, by: add}",
    )
    scalar_field = "layer"

    layer: Annotated[str, Field(min_length=1), Expects("the `name` of a layer before this one")] = (
        Field(description="the name of the layer")
    )

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        return graph.shared(self.layer, x)
