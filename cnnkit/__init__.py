"""A CNN architecture calculator with a training backend.

>>> import cnnkit
>>> spec = cnnkit.load("specs/lectures/rgb-valid-4-classes.yaml")  # doctest: +SKIP
>>> cnnkit.analyze(spec).totals.parameters  # doctest: +SKIP
5100

The names below are imported when they are first used, so that ``import cnnkit`` is cheap and
the analyser never loads the training backend.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis as Analysis
    from cnnkit.analysis import LayerAnalysis as LayerAnalysis
    from cnnkit.analysis import analyze as analyze
    from cnnkit.errors import CnnkitError as CnnkitError
    from cnnkit.errors import Finding as Finding
    from cnnkit.errors import SpecError as SpecError
    from cnnkit.errors import UsageError as UsageError
    from cnnkit.importing import from_flax as from_flax
    from cnnkit.importing import from_torch as from_torch
    from cnnkit.network.build import build as build
    from cnnkit.spec.model.spec import Spec as Spec
    from cnnkit.spec.reading import load as load
    from cnnkit.training.run import train as train

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "cnnkit.analysis",
    "LayerAnalysis": "cnnkit.analysis",
    "analyze": "cnnkit.analysis",
    "build": "cnnkit.network",
    "CnnkitError": "cnnkit.errors",
    "Finding": "cnnkit.errors",
    "SpecError": "cnnkit.errors",
    "UsageError": "cnnkit.errors",
    "from_flax": "cnnkit.importing",
    "from_torch": "cnnkit.importing",
    "Spec": "cnnkit.spec.model.spec",
    "load": "cnnkit.spec.reading",
    "train": "cnnkit.training",
}

__all__ = [
    "Analysis",
    "CnnkitError",
    "Finding",
    "LayerAnalysis",
    "Spec",
    "SpecError",
    "UsageError",
    "__version__",
    "analyze",
    "build",
    "from_flax",
    "from_torch",
    "load",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
