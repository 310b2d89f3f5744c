"""A step of a traced module with the tensors and arrays that it reads, channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators import OPERATORS
from cnnkit.importing.operators.traced import TracedNode
from cnnkit.importing.operators.view import View, first, last

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder

__all__ = ["Equation", "UndividedSum", "first", "last"]


@dataclass(frozen=True)
class UndividedSum:
    """A sum of cells that was not divided by their number yet: half of a mean.

    Attributes:
        view: The tensor whose cells are summed.
        axes: The axes that are summed whole; none of a sum of windows.
        window: The parameters of a sum of windows.
        keep: Whether the summed axes are there, of one cell.
    """

    view: View
    axes: tuple[int, ...] = ()
    window: Mapping[str, Any] | None = None
    keep: bool = False


@dataclass(frozen=True)
class NoElements:
    """A part of a tensor without elements, as a roll by no cells has it."""


@dataclass(frozen=True)
class Equation:
    """A step.

    Attributes:
        name: The primitive or the known function.
        label: What messages call it.
        scope: The names of the modules that it is in, joined by ``/``.
        params: Its parameters.
        inputs: What it reads: views, arrays, or totals. An axis may have one cell where the
            tensor of the trace has more, along which it is stretched.
        shapes: The shapes of what it reads in the trace, batch and all.
        outputs: The shapes of what it gives.
        build: The graph that is built.
    """

    name: str
    label: str
    scope: str
    params: Mapping[str, Any]
    inputs: Sequence[Any]
    shapes: Sequence[tuple[int, ...]]
    outputs: Sequence[tuple[int, ...]]
    build: Builder

    @property
    def view(self) -> View:
        """The tensor that it reads first.

        Raises:
            RefusedError: It is a constant, a sum, or stretched.
        """
        return self.view_at(0)

    def view_at(self, place: int) -> View:
        """A tensor that it reads, as ``view``."""
        value = self.inputs[place]
        if isinstance(value, UndividedSum):
            raise RefusedError("it reads a sum", "near are the means of windows and of maps")
        if not isinstance(value, View):
            raise RefusedError("it reads a constant where a tensor of the network belongs")
        if value.whole(self.build.batch) != tuple(self.shapes[place]):
            raise RefusedError("it reads a tensor that was stretched", "near is upsample")
        return value

    def constant(self, place: int) -> Array:
        """An array that it reads.

        Raises:
            RefusedError: It depends on the input.
        """
        import numpy as np

        value = self.inputs[place]
        if isinstance(value, View | UndividedSum):
            raise RefusedError("it reads a tensor of the network where a constant belongs")
        return np.broadcast_to(value, self.shapes[place])

    def node(self, operator: str, outputs: int = 1, **attributes: Any) -> TracedNode:
        """This step under another name."""
        return TracedNode(operator, self.label, self.scope, attributes, outputs)

    def onnx(self, operator: str, *given: Any, outputs: int = 1, **attributes: Any) -> Any:
        """What one of ONNX's operators gives, of tensors in their own order of axes."""
        return OPERATORS[operator](self.node(operator, outputs, **attributes), self.build, given)

    def channels_first(self, operator: str, *given: Any, **attributes: Any) -> View:
        """As ``onnx``, for an operator that wants the channels first; they are last again."""
        moved = [first(each) if isinstance(each, View) else each for each in given]
        return last(self.onnx(operator, *moved, **attributes))
