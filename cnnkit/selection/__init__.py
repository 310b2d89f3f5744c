"""Choosing between networks: cross-validation, search, comparison; as statistics demands.

``folds/`` and ``search/`` each have a ``directory`` that tells the story and keeps it, ``nested``
puts the one into the other, ``comparison/`` says which is better. The names below are loaded when
they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cnnkit.errors import MissingExtraError

if TYPE_CHECKING:
    from cnnkit.selection.comparison.entries import compared_by as compared_by
    from cnnkit.selection.comparison.entries import entries_of as entries_of
    from cnnkit.selection.folds.directory import FoldOptions as FoldOptions
    from cnnkit.selection.folds.directory import cross_validated as cross_validated
    from cnnkit.selection.nested import nested_search as nested_search
    from cnnkit.selection.search.directory import SearchOptions as SearchOptions
    from cnnkit.selection.search.directory import searched as searched
    from cnnkit.selection.view.follow import follow as follow
    from cnnkit.selection.view.report import write_page as write_page
    from cnnkit.selection.view.text import comparison_text as comparison_text
    from cnnkit.selection.view.text import fold_lines as fold_lines
    from cnnkit.selection.view.text import nested_lines as nested_lines
    from cnnkit.selection.view.text import search_lines as search_lines

_HOMES = {
    "FoldOptions": "folds.directory",
    "SearchOptions": "search.directory",
    "compared_by": "comparison.entries",
    "comparison_text": "view.text",
    "cross_validated": "folds.directory",
    "entries_of": "comparison.entries",
    "fold_lines": "view.text",
    "follow": "view.follow",
    "nested_lines": "view.text",
    "nested_search": "nested",
    "search_lines": "view.text",
    "searched": "search.directory",
    "write_page": "view.report",
}
_EXTRA = {
    "flax", "jax", "jaxlib", "matplotlib", "numpy", "optax", "optuna", "orbax", "scipy",
    "sklearn", "sqlalchemy",
}  # fmt: skip

__all__ = [
    "FoldOptions",
    "SearchOptions",
    "compared_by",
    "comparison_text",
    "cross_validated",
    "entries_of",
    "fold_lines",
    "follow",
    "nested_lines",
    "nested_search",
    "search_lines",
    "searched",
    "write_page",
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
