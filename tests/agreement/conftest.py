"""Keras computes with JAX, as the network does; it looks once, when it is imported."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
