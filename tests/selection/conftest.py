"""Small data and networks: selection is tested by what it does, not by what is learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compilation import quick_compilation as quick_compilation

pytest.importorskip("jax")
pytest.importorskip("sklearn")

CLASSES = 3
EXAMPLES = 140


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Programs are compiled once for all tests, and not kept in the user's folder."""
    from cnnkit.network import compilation_cache

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        compilation_cache.enable()
        yield


@pytest.fixture(scope="session")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 8 values that a linear network tells apart, most of the time."""
    random = np.random.default_rng(7)
    labels = np.arange(EXAMPLES, dtype=np.int32) % CLASSES
    inputs = random.normal(size=(EXAMPLES, 8)).astype(np.float32) + 1.2 * np.eye(3, 8)[labels]
    path = tmp_path_factory.mktemp("selection") / "three.npz"
    np.savez(path, inputs=inputs.astype(np.float32), targets=labels)
    return path


@pytest.fixture(scope="session")
def network(arrays: Path) -> Mapping[str, Any]:
    """A network that learns the three classes within a moment."""
    return {
        "name": "three",
        "input": "8",
        "variables": {"width": 16},
        "layers": [{"dense": {"units": "$width", "activation": "relu"}}, {"dense": {"units": 3}}],
        "train": {
            "data": {"arrays": str(arrays)},
            "split": {"validation": 0.2, "test": 0.2},
            "optimizer": "adam",
            "learning_rate": 0.02,
            "epochs": 5,
            "batch_size": 32,
        },
    }
