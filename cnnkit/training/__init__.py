"""From a spec and its recipe to a trained network: a run, kept in a directory.

    from cnnkit.training import train
    result = train("specs/digits.yaml")

``run`` tells the story: data, device, directory, epochs, results. ``step`` holds the pure functions
that are compiled, ``loop`` calls them, ``checkpoint`` keeps their state. The names below are loaded
when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cnnkit.errors import MissingExtraError

if TYPE_CHECKING:
    from cnnkit.training.completion import Result as Result
    from cnnkit.training.options import Options as Options
    from cnnkit.training.retraining import retrain as retrain
    from cnnkit.training.run import resume as resume
    from cnnkit.training.run import train as train
    from cnnkit.training.use.trained import Trained as Trained
    from cnnkit.training.use.trained import load_run as load_run

_HOMES = {
    "Options": "cnnkit.training.options",
    "Result": "cnnkit.training.completion",
    "Trained": "cnnkit.training.use.trained",
    "load_run": "cnnkit.training.use.trained",
    "resume": "cnnkit.training.run",
    "retrain": "cnnkit.training.retraining",
    "train": "cnnkit.training.run",
}
_EXTRA = {"jax", "jaxlib", "flax", "optax", "orbax", "numpy", "sklearn", "matplotlib"}

__all__ = ["Options", "Result", "Trained", "load_run", "resume", "retrain", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            f"training needs {error.name}, which is not installed: pip install 'cnnkit[train]'"
        ) from error


def __dir__() -> list[str]:
    return __all__
