"""Layers of Keras, which carry their path in the spec as a name."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.export.code import NAME
from cnnkit.export.outline import Operation


def named(suffix: str = "") -> str:
    """The name of a Keras layer: the path in the spec."""
    return f"name={NAME}{suffix}{NAME}"


def operation_of(build: str, *before: str, after: Sequence[str] = ()) -> Operation:
    """A Keras layer, with what is called before and after it."""
    return Operation((*before, f"{build}, {named()})({{0}})", *after))
