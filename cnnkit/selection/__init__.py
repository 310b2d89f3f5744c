"""Choosing between networks: cross-validation, search, comparison; as statistics demands.

``cross_validation``, ``search`` and ``protocol`` hold what is done, ``folding`` and ``searching``
keep it in a directory, ``study`` shares it between processes. The names below are loaded when they
are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cnnkit.errors import MissingExtraError

if TYPE_CHECKING:
    from cnnkit.selection.entries import entries_of as entries_of
    from cnnkit.selection.folding import FoldOptions as FoldOptions
    from cnnkit.selection.folding import cross_validated as cross_validated
    from cnnkit.selection.nested import nested_search as nested_search
    from cnnkit.selection.report import comparison_text as comparison_text
    from cnnkit.selection.report import fold_lines as fold_lines
    from cnnkit.selection.report import nested_lines as nested_lines
    from cnnkit.selection.report import search_lines as search_lines
    from cnnkit.selection.searching import SearchOptions as SearchOptions
    from cnnkit.selection.searching import searched as searched

_HOMES = {
    "FoldOptions": "folding",
    "SearchOptions": "searching",
    "comparison_text": "report",
    "cross_validated": "folding",
    "entries_of": "entries",
    "fold_lines": "report",
    "nested_lines": "report",
    "nested_search": "nested",
    "search_lines": "report",
    "searched": "searching",
}
_EXTRA = {
    "flax", "jax", "jaxlib", "matplotlib", "numpy", "optax", "optuna", "orbax", "scipy",
    "sklearn", "sqlalchemy",
}  # fmt: skip

__all__ = [
    "FoldOptions",
    "SearchOptions",
    "comparison_text",
    "cross_validated",
    "entries_of",
    "fold_lines",
    "nested_lines",
    "nested_search",
    "search_lines",
    "searched",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            f"model selection needs {error.name}, which is not installed: "
            "pip install 'cnnkit[train]'"
        ) from error


def __dir__() -> list[str]:
    return __all__
