"""Layers of Keras, which carry their path in the spec as a name."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.export.code.lines import NAME
from cnnkit.export.outline import Expression


def named(suffix: str = "") -> str:
    """The name of a Keras layer: the path in the spec."""
    return f"name={NAME}{suffix}{NAME}"


def operation_of(build: str, *before: str, after: Sequence[str] = ()) -> Expression:
    """A Keras layer, with what is called before and after it."""
    return Expression((*before, f"{build}, {named()})({{0}})", *after))
