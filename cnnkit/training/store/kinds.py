"""What a directory is: a training, a cross-validation, a search, or none of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from cnnkit.errors import UsageError

Kind = Literal["training", "cross-validation", "search"]

SPEC = "spec.yaml"
ENVIRONMENT = "environment.json"
SPLIT = "split.json"
_MARKS: Mapping[str, Kind] = MappingProxyType(
    {
        SPLIT: "training",
        "folds.json": "cross-validation",
        "study.db": "search",
        "results.json": "search",  # of one whose study lies in a database elsewhere
        "nested.json": "search",
    }
)
"""The files that only runs of a kind have."""
_FINAL = "final-*"
_MOST_NAMED = 3


def kind_of(path: Path) -> Kind | None:
    """What a directory is a run of; None where it ended before it was any."""
    return next((kind for name, kind in _MARKS.items() if (path / name).exists()), None)


def refuse_other(path: Path, kinds: tuple[Kind, ...]) -> None:
    """Lets the directory of a run pass, where kinds are given one of these, and nothing else.

    Raises:
        UsageError: It is something else; the message says what.
    """
    if path.is_file():
        advice = f": `cnnkit train {path}` makes one" if path.suffix in (".yaml", ".yml") else ""
        raise UsageError(f"{path} is a file, not the directory of a run{advice}")
    if not path.is_dir():
        raise UsageError(f"there is no run {path}")
    kind = kind_of(path)
    missing = next((name for name in (SPEC, ENVIRONMENT) if not (path / name).is_file()), None)
    if missing == SPEC or (missing and kind is None):
        raise UsageError(f"{path} is no run: it has no {missing}{_runs_in(path)}")
    if kinds and kind not in (None, *kinds):
        wanted = " or a ".join(kinds)
        raise UsageError(f"{path} is a {kind}, not a {wanted}: {_instead(path, kinds)}")


def _instead(path: Path, kinds: tuple[Kind, ...]) -> str:
    """What to name: the last training of a search lies in the directory of that."""
    final = sorted(path.glob(_FINAL)) if "training" in kinds else []
    return f"its best network is in {final[-1]}" if final else "name another directory"


def _runs_in(folder: Path) -> str:
    """The first runs that a folder holds, where one of them was meant."""
    found = sorted(path for path in folder.iterdir() if path.is_dir() and kind_of(path))
    if not found:
        return ""
    more = ", …" if len(found) > _MOST_NAMED else ""
    return f"; it holds {', '.join(map(str, found[:_MOST_NAMED]))}{more}: name one of them"
