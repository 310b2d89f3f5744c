"""`train.whiten`: a first convolution that begins as what whitens the patches it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field

from cnnkit.layers.field import Count, Expects
from cnnkit.spec.language.faults import Fault
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.training.part import Positive, section

if TYPE_CHECKING:
    from cnnkit.spec.graph import Graph

_KIND: Final = "conv"


class Whitening(Section):
    """Filters that begin as eigenvectors of the covariance of what they see, and their negatives.

    Each is divided by the root of its eigenvalue, so that all their outputs have about the same
    variance and none is correlated with another (Page, 2018; Jordan, 2024, section 3.1).
    """

    layer: Annotated[str, Field(min_length=1)] = Field(
        description="the path of the convolution, which reads the network's input"
    )
    examples: Count = Field(5000, description="how many training examples are looked at, at most")
    epsilon: Positive = Field(5e-4, description="what is added to each eigenvalue")

    def fault(self, graph: Graph) -> Fault | None:
        """Why the layer cannot begin so in a network; None where it can."""
        found = next((node for node in graph.nodes if node.path == self.layer), None)
        if found is None:
            convolutions = [
                node.path for node in graph.nodes if node.layer.kind == _KIND and node.inputs[0] < 0
            ]
            message = f"`whiten` names `{self.layer}`, and no operation is there"
            advice = (
                f"there is `{convolutions[0]}`, which reads the input"
                if convolutions
                else "name a `conv` that reads the input"
            )
            return Fault("unknown-name", message, advice, ("whiten", "layer"))
        layer: Any = found.layer
        if layer.kind != _KIND:
            why = f"is a `{layer.kind}`"
        elif found.inputs[0] >= 0:
            why = "does not read the input"
        elif len(graph.inputs) > 1:
            why = "reads one of several inputs"
        elif layer.groups > 1:
            why = f"has {layer.groups} groups of channels"
        elif layer.weights is not None:
            why = "has `weights` to begin with"
        elif layer.weight_norm != "none":
            why = f"has `weight_norm: {layer.weight_norm}`"
        elif max(window.dilation for window in found.effect.windows) > 1:
            why = "is dilated"
        else:
            return None
        return Fault(
            "wrong-value",
            f"`whiten` is of a first convolution, and `{self.layer}` {why}",
            "name a plain `conv` that reads the network's input, or leave `whiten` out",
            ("whiten", "layer"),
        )


def _of_layer(value: object) -> object:
    """A path as the field that it is."""
    return {"layer": value} if isinstance(value, str) else value


Whitened = Annotated[
    Whitening | None,
    section(Whitening, "whiten"),
    BeforeValidator(_of_layer),
    Expects("the path of a convolution, `layers.0`, or `{layer: layers.0, examples: 5000}`"),
]
