"""Keras computes with JAX, as the network does; it looks once, when it is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.compilation import quick_compilation as quick_compilation

os.environ.setdefault("KERAS_BACKEND", "jax")

# Each network of the corpus is held to each target: of each target `pytest` takes a third, another
# one of each, and `pytest -m long` the others.
THIRDS = {
    "test_values_flax": 0,
    "test_values_keras": 1,
    "test_values_onnx": 2,
    "test_loaded_weights": 0,
    "test_zoo_onnx": 1,
    "test_zoo_agrees": 2,
    "test_converted_runs": 0,
}


@pytest.hookimpl(tryfirst=True)  # before those that are marked are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    seen: dict[str, int] = {}
    for item in items:
        module = Path(item.path).stem
        if module not in THIRDS or not hasattr(item, "callspec"):
            continue
        seen[module] = seen.get(module, -1) + 1
        if seen[module] % 3 != THIRDS[module]:
            item.add_marker(pytest.mark.long)
