"""A traced function as a flat list of steps: what it calls is written out in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

    Reference = int | Array
    """The number of a tensor, or a number that stands in the code itself."""

_CALLS = frozenset(
    {
        "checkpoint", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call",
        "custom_vjp_call_jaxpr", "jit", "pjit", "remat", "remat2",
    }
)  # fmt: skip
"""The primitives that call a function and do nothing else to its values."""
_COMMUTATIVE = frozenset({"add", "add_any", "max", "min", "mul"})


@dataclass(frozen=True)
class FlatCall:
    """An application of a primitive.

    Attributes:
        primitive: It, as JAX binds it.
        name: Its name.
        params: Its parameters.
        inputs: What it reads.
        outputs: The numbers of the tensors that it gives.
        shapes: Their shapes, batch and all.
        scope: The scopes that it was traced in.
    """

    primitive: Any
    name: str
    params: Mapping[str, Any]
    inputs: tuple[Reference, ...]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...] = ()
    scope: str = ""

    @property
    def commutes(self) -> bool:
        """Whether its two inputs may change places."""
        return self.name in _COMMUTATIVE


@dataclass
class FlatFunction:
    """A function, flat.

    Attributes:
        steps: In the order in which they run.
        inputs: The numbers of its arguments.
        outputs: What it gives.
        constants: The arrays that it closes over, by their numbers.
        shapes: The shapes of its tensors, batch and all, by their numbers.
    """

    steps: list[FlatCall] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[Reference] = field(default_factory=list)
    constants: dict[int, Any] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)


Region = Callable[
    [str, FlatFunction, Sequence[tuple[int, ...]]], "tuple[str, Mapping[str, Any]] | None"
]
"""Names a called function by its name, its steps and the shapes that it gives; None of others."""


def flattened(closed: Any, region: Region | None = None) -> FlatFunction:
    """The steps of a closed jaxpr.

    Args:
        closed: It.
        region: Names functions that are called, each of which is one step then.
    """
    return _Flattening(region).whole(closed)


def needed(function: FlatFunction) -> list[FlatCall]:
    """The steps that its outputs depend on."""
    wanted = {each for each in function.outputs if isinstance(each, int)}
    steps = []
    for step in reversed(function.steps):
        if wanted.intersection(step.outputs):
            wanted.update(each for each in step.inputs if isinstance(each, int))
            steps.append(step)
    return steps[::-1]


class _Flattening:
    def __init__(self, region: Region | None) -> None:
        self.region = region
        self.count = 0
        self.made = FlatFunction()

    def whole(self, closed: Any) -> FlatFunction:
        known: dict[Any, Reference] = {}
        for variable, value in zip(closed.jaxpr.constvars, closed.consts, strict=True):
            known[variable] = number = self._number(variable)
            self.made.constants[number] = value
        for variable in closed.jaxpr.invars:
            known[variable] = number = self._number(variable)
            self.made.inputs.append(number)
        self.made.outputs = self._inner(closed.jaxpr, known, "")
        return self.made

    def _number(self, variable: Any) -> int:
        self.count += 1
        self.made.shapes[self.count] = tuple(getattr(variable.aval, "shape", ()))
        return self.count

    def _inner(self, jaxpr: Any, known: dict[Any, Reference], scope: str) -> list[Reference]:
        for equation in jaxpr.eqns:
            inputs = [_read(each, known) for each in equation.invars]
            inside = str(equation.source_info.name_stack) or scope
            name = equation.primitive.name
            if name in _CALLS:
                given = self._called(equation, inputs, inside)
            else:
                given = self._step(equation.primitive, equation.params, inputs, equation, inside)
            known.update(zip(equation.outvars, given, strict=True))
        return [_read(each, known) for each in jaxpr.outvars]

    def _called(self, equation: Any, inputs: list[Reference], scope: str) -> list[Reference]:
        """What a called function gives: one step where it has a name, else its own."""
        params = equation.params
        inner = params.get("jaxpr") or params.get("call_jaxpr") or params.get("fun_jaxpr")
        name = str(params.get("name") or "")
        if self.region is not None and getattr(inner, "consts", None) == []:
            shapes = [each.aval.shape for each in equation.outvars]
            found = self.region(name, flattened(inner), shapes)
            if found is not None:
                called, fields = found
                return self._step(None, fields, inputs, equation, scope, called)
        jaxpr = getattr(inner, "jaxpr", inner)
        known: dict[Any, Reference] = {}
        for variable, value in zip(jaxpr.constvars, getattr(inner, "consts", ()), strict=False):
            known[variable] = number = self._number(variable)
            self.made.constants[number] = value
        known.update(zip(jaxpr.invars, inputs[-len(jaxpr.invars) :], strict=True))
        return self._inner(jaxpr, known, scope)

    def _step(
        self,
        primitive: Any,
        params: Mapping[str, Any],
        inputs: Sequence[Reference],
        equation: Any,
        scope: str,
        name: str = "",
    ) -> list[Reference]:
        outputs = tuple(map(self._number, equation.outvars))
        shapes = tuple(self.made.shapes[each] for each in outputs)
        called = name or primitive.name
        self.made.steps.append(
            FlatCall(primitive, called, params, tuple(inputs), outputs, shapes, scope)
        )
        return list(outputs)


def _read(value: Any, known: Mapping[Any, Reference]) -> Reference:
    """What a variable or a literal stands for."""
    import numpy as np

    if hasattr(value, "val"):
        return np.asarray(value.val)
    return known[value]
