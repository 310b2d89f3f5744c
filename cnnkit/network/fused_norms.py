"""The batch norms of a training that take in what lies behind them: an addition, a rectifier."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence, Set
from typing import NamedTuple

import jax
from jax import Array

from cnnkit.network import rectifiers
from cnnkit.network.activation import Function
from cnnkit.network.composition import Joining
from cnnkit.network.kernels.choice import may_be_foreign
from cnnkit.network.kernels.onednn.normalization import Bounds
from cnnkit.network.normalization import BatchNorm
from cnnkit.network.operation import Computation
from cnnkit.network.plan import Plan, Step
from cnnkit.network.rectified_norm import UNBOUNDED
from cnnkit.network.taken import Compute, Taken, Values

BOUNDS: dict[Callable[..., Array], Bounds] = {
    rectifiers.relu: (0.0, math.inf),
    rectifiers.relu6: (0.0, 6.0),
}
"""Between which rectifiers bring a value."""


class FusedNorm(NamedTuple):
    """A batch norm and the steps behind it that are computed with it.

    Attributes:
        norm: The norm.
        steps: It, the addition and the rectifier, as far as they are there.
        residual: The step whose value is added; None for none.
        bounds: Those of the rectifier.
    """

    norm: BatchNorm
    steps: tuple[int, ...]
    residual: int | None
    bounds: Bounds


def fused_norms(
    plan: Plan, operations: Sequence[Computation], settled: Set[str]
) -> dict[int, Taken]:
    """What of a training is computed in one pass, by the step that it begins with.

    Args:
        plan: How the operations are wired.
        operations: That of each step; the norms move their averages.
        settled: The paths of norms that work as at inference.
    """
    if not may_be_foreign():
        return {}
    taken: dict[int, Taken] = {}
    for fused in _found(plan, operations, settled):
        *others, last = fused.steps
        taken.update({step: Taken(step + 1, _nothing) for step in others})
        # All that it reads is there when its last step is due.
        taken[last] = Taken(last + 1, _computing(plan.steps[fused.steps[0]], fused))
    return taken


def _found(plan: Plan, operations: Sequence[Computation], settled: Set[str]) -> list[FusedNorm]:
    """The norms that something can be taken in by, none of whose steps is another's."""
    steps = plan.steps
    ends = [step for _, step in plan.outputs] + [step for step, _ in plan.sides]
    counts = Counter(source for step in steps for source in step.inputs)
    counts.update(ends + [plan.before_final(step) for step in ends])
    readers = {source: index for index, step in enumerate(steps) for source in step.inputs}

    def only_reader(index: int) -> int | None:
        return readers.get(index) if counts[index] == 1 else None

    found: list[FusedNorm] = []
    used: set[int] = set()
    for index, operation in enumerate(operations):
        path = ".".join(steps[index].path)
        if not isinstance(operation, BatchNorm) or operation.settled or path in settled:
            continue
        run, residual, bounds = [index], None, UNBOUNDED
        reader = only_reader(index)
        if reader is not None and operations[reader] == Joining("add"):
            others = [source for source in steps[reader].inputs if source != index]
            if len(others) != 1 or plan.shape(others[0]) != steps[index].output:
                continue
            (residual,) = others
            run.append(reader)
            reader = only_reader(reader)
        if reader is not None and (of_reader := _bounds(operations[reader])) is not None:
            bounds = of_reader
            run.append(reader)
        if len(run) > 1 and used.isdisjoint(run):
            found.append(FusedNorm(operation, tuple(run), residual, bounds))
            used.update(run)
    return found


def _bounds(operation: Computation) -> Bounds | None:
    if not isinstance(operation, Function) or operation.arguments:
        return None
    return BOUNDS.get(operation.function)


def _nothing(values: Values) -> Values:
    del values
    return {}


def _computing(step: Step, fused: FusedNorm) -> Compute:
    (source,) = step.inputs

    def compute(values: Values) -> Values:
        x = values[source]
        residual = None if fused.residual is None else values[fused.residual].astype(x.dtype)
        with jax.named_scope(".".join(step.path)):
            return {fused.steps[-1]: fused.norm.with_tail(x, residual, fused.bounds)}

    return compute
