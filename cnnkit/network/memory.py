"""Our figures of memory beside what XLA plans for the same network and batch."""

from __future__ import annotations

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


def compare_memory(analysis: Analysis) -> tuple[MemoryComparison, ...]:
    """Compiles inference and a step of training for the analysis's batch and optimizer.

    Raises:
        UsageError: Optax has no such optimizer, or JAX computes in no such precision.
    """
    settings = analysis.settings
    optimizer, dtype = optimizer_of(settings.optimizer), _dtype(settings.precision)
    spec, batch, totals = analysis.spec, settings.batch, analysis.totals
    inference = inference_memory(spec, batch, dtype)
    training = training_memory(spec, batch, optimizer, dtype)
    return (
        MemoryComparison("inference_memory", totals.inference_memory, inference.total),
        MemoryComparison("training_memory", totals.training_memory, training.total),
    )


def optimizer_of(name: str) -> optax.GradientTransformation:
    """The optimizer of Optax that a name stands for; its rate makes no difference to memory."""
    import optax

    rate = 1e-3
    made: dict[str, Any] = {
        "sgd": lambda: optax.sgd(rate),
        "momentum": lambda: optax.sgd(rate, momentum=0.9),
        "nesterov": lambda: optax.sgd(rate, momentum=0.9, nesterov=True),
    }
    make = made.get(name) or (lambda: getattr(optax, name)(rate))
    if name == "muon":
        make = lambda: optax.contrib.muon(rate)  # noqa: E731
    optimizer: optax.GradientTransformation = make()
    return optimizer


def _dtype(precision: str) -> Any:
    import jax.numpy as jnp

    if precision not in ("float32", "bfloat16", "float16"):
        raise UsageError(f"--precision {precision}: the network computes in float32 or less")
    return getattr(jnp, precision)
