"""What expressions are made of: values, the names they have, and what can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from cnnkit.errors import did_you_mean

Value: TypeAlias = "bool | int | float | str | list[Value] | None"
"""What an expression is made of, and gives; ``LayerArgument`` passes through it untouched."""

MAX_TEXT_LENGTH: Final = 100_000
"""Characters of a string that expressions make, as of one that is written out."""

CONSTANTS: Final[dict[str, Value]] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}

_INCOMING: Final = ("channels", "extents")  # what comes into a layer
_MAX_SHOWN: Final = 20


class ExpressionError(ValueError):
    """A fault of an expression, or of evaluating it with some variables.

    Attributes:
        message: What is wrong.
        help: What to do about it, where something can be said.
        offset: Where in the string, in characters from 0.
    """

    def __init__(self, message: str, help: str | None = None, offset: int = 0) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help
        self.offset = offset

    def moved(self, offset: int) -> ExpressionError:
        """The same error in a longer string, in which this one starts at an offset."""
        return ExpressionError(self.message, self.help, self.offset + offset)


def lookup(name: str, variables: Mapping[str, Value], offset: int) -> Value:
    """The value of a variable or constant.

    Raises:
        ExpressionError: There is none of this name.
    """
    if name in variables:
        return variables[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    if name == "index":
        advice = "it counts the copies inside a `repeat`; a block is given it as an argument"
    elif name in _INCOMING:
        advice = (
            f"`${name}` is what comes into a layer: only layers and arguments of blocks read it"
        )
    elif near := did_you_mean(name, [*variables, *_INCOMING]):
        advice = f"did you mean `{near}`?"
    elif variables:
        shown = sorted(variables)[:_MAX_SHOWN]
        more = ", …" if len(variables) > _MAX_SHOWN else ""
        advice = f"the variables here are {', '.join(shown)}{more}"
    else:
        advice = "no variable is defined here"
    raise ExpressionError(f"there is no variable `{name}`", advice, offset)
