"""Our figures of memory beside what XLA plans for the same network and batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.errors import UsageError
from cnnkit.network.compiled import inference_memory, training_memory

if TYPE_CHECKING:
    import optax

    from cnnkit.analysis import Analysis

TOLERANCE = 0.15
"""The part by which a prediction may be off before it is called a miss."""


class MemoryComparison(NamedTuple):
    """The bytes of one program.

    Attributes:
        name: ``inference_memory`` or ``training_memory``.
        analysis: What the analysis predicts.
        xla: What XLA plans on this machine.
        tolerance: The part of XLA's figure by which the prediction may be off.
    """

    name: str
    analysis: int
    xla: int
    tolerance: float = TOLERANCE

    @property
    def difference(self) -> float:
        """The prediction's error, as a part of XLA's figure."""
        return self.analysis / self.xla - 1

    @property
    def expected(self) -> bool:
        """Whether the prediction is as near as it should be."""
        return abs(self.analysis - self.xla) <= self.tolerance * self.xla


def compare_memory(
    analysis: Analysis, optimizer: optax.GradientTransformation
) -> tuple[MemoryComparison, ...]:
    """Compiles inference and a step of training for the analysis's batch.

    Args:
        analysis: What was predicted.
        optimizer: The one whose state the prediction counts.

    Raises:
        UsageError: JAX computes in no such precision.
    """
    settings = analysis.settings
    dtype = _dtype(settings.precision)
    spec, batch, totals = analysis.spec, settings.batch, analysis.totals
    # The step that is compiled trains all weights; None only in a precision that `_dtype` refuses.
    predicted = replace(totals.memory, frozen=frozenset()).training or 0
    inference = inference_memory(spec, batch, dtype)
    training = training_memory(spec, batch, optimizer, dtype)
    return (
        MemoryComparison("inference_memory", totals.inference_memory, inference.total),
        MemoryComparison("training_memory", predicted, training.total),
    )


def _dtype(precision: str) -> Any:
    import jax.numpy as jnp

    if precision not in ("float32", "bfloat16", "float16"):
        raise UsageError(
            f"--precision {precision}: the network computes in float32, bfloat16 or float16"
        )
    return getattr(jnp, precision)
