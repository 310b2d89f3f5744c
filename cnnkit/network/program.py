"""The multiplications of a traced program, counted from what JAX will hand to XLA."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn


class Work(NamedTuple):
    """The multiplications of convolutions and matrix products.

    Attributes:
        macs: Each cell of each kernel at each position counted, padding too, as our analysis
            and torchvision's table do.
        flops: What XLA's cost analysis says of the same operations: twice the multiplications,
            without those by padding.
    """

    macs: int = 0
    flops: int = 0

    def plus(self, other: Work) -> Work:
        """Both together."""
        return Work(self.macs + other.macs, self.flops + other.flops)


def work_by_scope(program: ClosedJaxpr) -> dict[str, Work]:
    """The work of a program by the outermost ``jax.named_scope`` that it stands in."""
    found: dict[str, Work] = {}
    costs: dict[str, int] = {}
    for scope, equation, times in _equations(program.jaxpr, "", 1):
        count = _MACS.get(equation.primitive.name)
        if count is None:
            continue
        work = Work(times * count(equation), times * _flops(equation, costs))
        found[scope] = found.get(scope, Work()).plus(work)
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


def _convolution_macs(equation: JaxprEqn) -> int:
    """Output cells by kernel cells and channels; of a transposed one, input cells instead."""
    lhs, rhs = (variable.aval.shape for variable in equation.invars)
    (output,) = (variable.aval.shape for variable in equation.outvars)
    numbers = equation.params["dimension_numbers"]
    sizes = math.prod(rhs[axis] for axis in numbers.rhs_spec[2:])
    channels = rhs[numbers.rhs_spec[1]]
    transposed = any(spread > 1 for spread in equation.params["lhs_dilation"])
    positions = lhs if transposed else output
    axes = (numbers.lhs_spec if transposed else numbers.out_spec)[2:]
    cells = math.prod(positions[axis] for axis in axes)
    batch, filters = lhs[numbers.lhs_spec[0]], rhs[numbers.rhs_spec[0]]
    return int(batch * cells * sizes * channels * filters)


def _product_macs(equation: JaxprEqn) -> int:
    """Output elements by the length of the sums that they are."""
    (contracted, _), _ = equation.params["dimension_numbers"]
    lhs = equation.invars[0].aval.shape
    length = math.prod(lhs[axis] for axis in contracted)
    return int(length * math.prod(equation.outvars[0].aval.shape))


_MACS = {"conv_general_dilated": _convolution_macs, "dot_general": _product_macs}


def _flops(equation: JaxprEqn, known: dict[str, int]) -> int:
    """XLA's cost of one equation by itself, before it is compiled."""
    forms = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    key = f"{equation.primitive} {forms} {equation.params}"
    if key not in known:
        alone = jax.jit(partial(equation.primitive.bind, **equation.params))
        cost: dict[str, Any] = alone.lower(*forms).cost_analysis() or {}
        known[key] = round(cost.get("flops", 0))
    return known[key]
