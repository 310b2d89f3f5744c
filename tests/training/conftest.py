"""A network and a data set so small that they train in a moment."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from tests.compilation import quick_compilation as quick_compilation
from tests.training.bars import bars

Recipe = Callable[..., Spec]

# One pixel: to draw a run's pictures takes longer than to train it, and their own tests do that.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="session", autouse=True)
def undrawn() -> Iterator[None]:
    """The pictures of runs are one pixel."""
    from cnnkit.training import results

    def save(path: Path, *_: Any, **__: Any) -> None:
        path.write_bytes(PIXEL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "save_curves", save)
        patch.setattr(results, "save_confusion", save)
        patch.setattr(results, "save_samples", save)
        yield


@pytest.fixture(scope="session")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bars as a file: 90 examples, which are split 60, 15 and 15."""
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    inputs, targets = bars(90)
    np.savez(path, inputs=inputs, targets=targets)
    return path


@pytest.fixture(scope="session")
def recipe(arrays: Path) -> Recipe:
    """Makes the spec of a small network with a recipe, whose fields may be given."""

    def make(**fields: Any) -> Spec:
        train = {
            "data": {"arrays": str(arrays)},
            "split": {"validation": 15, "test": 15},
            "optimizer": {"sgd": {"momentum": 0.9}},
            "learning_rate": 0.05,
            "epochs": 3,
            "batch_size": 16,
            "seed": 1,
        }
        return load(
            {
                "name": "bars",
                "input": "6x6x1",
                "layers": [
                    {"conv": {"filters": 4, "kernel": 3, "bias": False}},
                    "batch_norm",
                    "relu",
                    "flatten",
                    {"dropout": {"rate": 0.1}},
                    {"dense": {"units": 3}},
                ],
                "train": {**train, **fields},
            }
        )

    return make
