"""How the operations of a network are wired: values alone, without any array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT


class Step(NamedTuple):
    """One operation of the plan.

    Attributes:
        path: The parts of its path, where its module is found.
        kind: What the report calls it.
        place: The file and line of its layer, where it was read from a text.
        inputs: The steps that it reads, ``INPUT`` for the network's input.
        output: The shape that goes out, without the batch.
        side: Whether it belongs to a side output.
        random: Whether it draws random numbers in training.
        final: Whether a loss is computed before it, where it is the last, in its stable form.
    """

    path: tuple[str, ...]
    kind: str
    place: str
    inputs: tuple[int, ...]
    output: Shape
    side: bool
    random: bool
    final: bool = False

    def named(self) -> str:
        """What messages call it: ``spec.yaml:7:5: conv (layers.3)``."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.kind} ({'.'.join(self.path)})"


@dataclass(frozen=True)
class Plan:
    """How the operations are wired: values alone, so that equal networks have equal plans.

    Attributes:
        inputs: The name of each input, and the shape of one example.
        steps: The operations, in order.
        outputs: The name of each output, and the step that gives it, or ``INPUT``.
        sides: The step of each side output, and the weight of its loss.
    """

    inputs: tuple[tuple[str, Shape], ...]
    steps: tuple[Step, ...]
    outputs: tuple[tuple[str, int], ...]
    sides: tuple[tuple[int, float], ...]

    @property
    def input(self) -> Shape:
        """The shape of one example of the first input."""
        return self.inputs[0][1]

    @property
    def result(self) -> int:
        """The step that gives the first output."""
        return self.outputs[0][1]

    def shape(self, step: int) -> Shape:
        """What goes out of a step, or comes in by an input, without the batch."""
        return self.steps[step].output if step > INPUT else self.inputs[INPUT - step][1]

    def final(self, step: int) -> str | None:
        """The activation that an output ends in, where a loss is computed before it."""
        if step <= INPUT or not self.steps[step].final:
            return None
        return self.steps[step].kind

    def before_final(self, step: int) -> int:
        """The step that a final softmax or sigmoid reads; else the step itself."""
        return self.steps[step].inputs[0] if self.final(step) else step
