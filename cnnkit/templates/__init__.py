"""Specs to start from: one commented YAML file each, whose first line says what it is."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from cnnkit.errors import UsageError, did_you_mean

__all__ = ["names", "summary", "text"]

_SUFFIX = ".yaml"


@cache
def names() -> tuple[str, ...]:
    """The names of the templates, in alphabetical order."""
    found = (file.name for file in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def text(name: str) -> str:
    """The text of a template.

    Raises:
        UsageError: There is no such template.
    """
    if name not in names():
        near = did_you_mean(name, names())
        advice = f"did you mean {near}?" if near else f"there are {', '.join(names())}"
        raise UsageError(f"there is no template {name}; {advice}")
    return files(__name__).joinpath(name + _SUFFIX).read_text(encoding="utf-8")


def summary(name: str) -> str:
    """What a template is, in a line: its first, which is a comment."""
    return text(name).partition("\n")[0].removeprefix("# ")
