"""The multiplications of a traced program, counted from what JAX will hand to XLA."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn


class Work(NamedTuple):
    """The multiplications of convolutions and matrix products.

    Attributes:
        gathered: One for each output cell, kernel cell and channel, padding too: how our
            analysis and torchvision's table count a convolution.
        scattered: One for each input cell, kernel cell and filter: how a transposed one is
            counted.
        flops: What XLA's cost analysis says of the same operations: twice the multiplications,
            without those by padding.
    """

    gathered: int = 0
    scattered: int = 0
    flops: int = 0

    def plus(self, other: Work, times: int = 1) -> Work:
        """This and another one that is done so many times."""
        return Work(*(a + times * b for a, b in zip(self, other, strict=True)))


def work_by_scope(program: ClosedJaxpr) -> dict[str, Work]:
    """The work of a program by the outermost ``jax.named_scope`` that it stands in."""
    found: dict[str, Work] = {}
    costs: dict[str, int] = {}
    for scope, equation, times in _equations(program.jaxpr, "", 1):
        count = _COUNTS.get(equation.primitive.name)
        if count is not None:
            work = count(equation)._replace(flops=_flops(equation, costs))
            found[scope] = found.get(scope, Work()).plus(work, times)
    return found


def _equations(program: Jaxpr, scope: str, times: int) -> Iterator[tuple[str, JaxprEqn, int]]:
    """All equations, those of inner programs too, each with its scope and how often it is run."""
    for equation in program.eqns:
        own = scope or str(equation.source_info.name_stack).partition("/")[0]
        yield own, equation, times
        inner_times = times * equation.params.get("length", 1)  # of a scan
        for value in equation.params.values():
            for inner in value if isinstance(value, (tuple, list)) else (value,):
                if isinstance(inner, ClosedJaxpr):
                    yield from _equations(inner.jaxpr, own, inner_times)
                elif isinstance(inner, Jaxpr):
                    yield from _equations(inner, own, inner_times)


def _convolution(equation: JaxprEqn) -> Work:
    """Cells of the output, or of the input, by kernel cells, channels and filters."""
    lhs, rhs = (form.shape for form in _forms(equation.invars))
    (output,) = (form.shape for form in _forms(equation.outvars))
    numbers = equation.params["dimension_numbers"]
    inputs = math.prod(lhs[axis] for axis in numbers.lhs_spec[2:])
    outputs = math.prod(output[axis] for axis in numbers.out_spec[2:])
    each = lhs[numbers.lhs_spec[0]] * math.prod(rhs)
    return Work(outputs * each, inputs * each)


def _product(equation: JaxprEqn) -> Work:
    """Output elements by the length of the sums that they are."""
    (contracted, _), _ = equation.params["dimension_numbers"]
    lhs, _ = _forms(equation.invars)
    (output,) = _forms(equation.outvars)
    macs = int(math.prod(lhs.shape[axis] for axis in contracted) * output.size)
    return Work(macs, macs)


_COUNTS = {"conv_general_dilated": _convolution, "dot_general": _product}


def _forms(variables: Sequence[Any]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(each.aval.shape, each.aval.dtype) for each in variables]


def _flops(equation: JaxprEqn, known: dict[str, int]) -> int:
    """XLA's cost of one equation by itself, before it is compiled."""
    forms = _forms(equation.invars)
    key = f"{equation.primitive} {forms} {equation.params}"
    if key not in known:
        alone = jax.jit(partial(equation.primitive.bind, **equation.params))
        cost: dict[str, Any] = alone.lower(*forms).cost_analysis() or {}
        known[key] = round(cost.get("flops", 0))
    return known[key]
