"""Keras computes with JAX, as the network does; it looks once, when it is imported."""

from __future__ import annotations

import os

from tests.compilation import quick_compilation as quick_compilation

os.environ.setdefault("KERAS_BACKEND", "jax")
