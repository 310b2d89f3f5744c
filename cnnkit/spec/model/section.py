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
    "training_memory",
)
"""The totals that `expect:` and `budget:` may name."""


class Section(BaseModel):
    """A section of a spec: strict, closed, and frozen."""

    model_config = CLOSED
