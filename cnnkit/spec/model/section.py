"""What all sections of a spec are."""

from __future__ import annotations

from pydantic import BaseModel

from cnnkit.layers.field import CLOSED

TOTALS = (
    "neurons",
    "parameters",
    "state",
    "macs",
    "macs_without_heads",
    "flops",
    "activations",
    "inference_memory",
    "weight_memory",
    "activation_memory",
    "memory_traffic",
    "training_memory",
)
"""The totals that `expect:` and `budget:` may name."""


BYTES = frozenset(name for name in TOTALS if "memory" in name)
"""The totals that are bytes."""


class Section(BaseModel):
    """A section of a spec: strict, closed, and frozen."""

    model_config = CLOSED
