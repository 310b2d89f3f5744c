"""What comes into a layer while it is read: ``$channels`` and ``$extents`` of expressions.

Only a spec that asks for them pays: its layers are traced, shapes alone, one by one as they are
read, so that each layer's text can be told what the layers before it give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cnnkit.layers.base import Layer, Tensor
from cnnkit.layers.field import Rounding
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT
from cnnkit.spec.tracing import TooLargeError, under_construction

NAMES: Final = frozenset({"channels", "extents"})
"""The names; a variable or an argument of such a name hides it."""


class Seen(dict[str, Any]):
    """The names that one layer's expressions read, what comes in among them.

    Attributes:
        base: The names without what comes in, for the layers inside, into which other comes.
    """

    def __init__(self, base: Mapping[str, Any], incoming: Mapping[str, Any]) -> None:
        super().__init__({**incoming, **base})
        self.base = base


def without_incoming(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    """The names of a scope that do not depend on what comes in."""
    return scope.base if isinstance(scope, Seen) else scope


class Incoming:
    """The tensor at the place of the text that is being read.

    Args:
        inputs: The shape of the input, or those of several by name; None where it is unknown.
        rounding: The spec's.
    """

    def __init__(self, inputs: Shape | Mapping[str, Shape] | None, rounding: Rounding) -> None:
        self._tracer = under_construction(inputs or (), rounding)
        self._tracer.named.append({})
        self.tensor = Tensor(INPUT, self._tracer.stack[0].input if inputs else None)

    def names(self) -> dict[str, Any] | None:
        """The values of the names here; None where a fault before leaves them unknown."""
        shape = self.tensor.shape
        return None if shape is None else {"channels": shape[-1], "extents": list(shape[:-1])}

    def enter(self) -> Tensor:
        """A list of layers begins, which sees the tensors saved around it; what comes into it."""
        self._tracer.scopes.append({})
        self._tracer.named.append({})
        return self.tensor

    def leave(self, start: Tensor) -> None:
        """The list ends: the place is again where it began."""
        self._tracer.scopes.pop()
        self._tracer.named.pop()
        self.tensor = start

    def cut(self, axis: object) -> Tensor:
        """The place is now in a slice along an axis; what comes into the layer that cuts it."""
        start, shape = self.tensor, self.tensor.shape
        one = None
        if shape is not None and isinstance(axis, int) and 0 <= axis < len(shape) - 1:
            one = (*shape[:axis], *shape[axis + 1 :])
        self.tensor = Tensor(start.node, one)
        return start

    def passed(self, layer: Layer) -> None:
        """The layer was read: the place is now behind it."""
        tracer = self._tracer
        try:
            self.tensor = tracer.layer(layer, self.tensor, "")
        except TooLargeError:  # the analysis says so
            self.tensor = Tensor(INPUT, None)
        # Of what was traced only the shapes of saved tensors are of use, and the weights of layers
        # that have a name, which `shared` may use once more.
        if not any(tracer.named):
            tracer.nodes.clear()
        tracer.groups = 0
        del tracer.stack[1:]
        tracer.stack[0].children.clear()
