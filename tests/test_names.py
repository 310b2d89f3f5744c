"""A name means one thing: no second class of a name, and no file of a room named nearly alike."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

import pytest

from tests.test_imports import ROOMS

PACKAGE = Path(__file__).parents[1] / "cnnkit"
# What converted files carry is a world of its own in each target, which knows no names of ours.
CARRIED = PACKAGE / "export" / "parts"
SUFFIX = 3
"""The letters of a suffix at most: `s`, `ed`, `er`, `ing`."""


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


def classes(paths: Iterable[Path]) -> list[str]:
    """The public classes of some files; a private one is known to its file alone."""
    return [
        node.name
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def twice(names: Iterable[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def test_no_two_classes_have_one_name() -> None:
    """But for a kind and what the network has of it, which are one thing."""
    ours = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(CARRIED)]
    built = [path for path in ours if path.is_relative_to(PACKAGE / "network")]
    kinds = set(classes((PACKAGE / "layers").rglob("*.py")))
    others = classes(path for path in ours if path not in built)
    assert kinds <= set(others)
    assert len(others) > 500
    assert twice(others) == set()
    assert twice([*others, *(name for name in classes(built) if name not in kinds)]) == set()
    assert twice(classes(built)) == set()


@pytest.mark.parametrize("target", ["flax", "keras", "torch"])
def test_no_two_classes_that_a_converted_file_carries_have_one_name(target: str) -> None:
    names = classes((CARRIED / target).rglob("*.py"))
    assert "WindowAttention" in names
    assert twice(names) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_the_names_of_files_differ_by_more_than_a_suffix(room: str) -> None:
    names = {path.stem for path in modules(PACKAGE / room)}
    alike = {
        (name, other)
        for name, other in permutations(names, 2)
        if (rest := other.removeprefix(name)) != other and rest.isalpha() and len(rest) <= SUFFIX
    }
    assert alike == set()
