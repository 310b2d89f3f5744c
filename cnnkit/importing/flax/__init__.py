"""Modules of Flax NNX, as JAX traces them: their code runs."""

from __future__ import annotations

from cnnkit.importing.flax.module import read

__all__ = ["read"]
