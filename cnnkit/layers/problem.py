"""A fault that a layer finds in the shapes it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnkit.errors import Level


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A fault that a layer finds in the shapes it is given.

    ``field`` names the field at fault, ``("stride",)`` or ``("stride", 1)``; empty means the
    layer as a whole. Its place in the source is added where the source is known. Advice that has
    to be tried out is a function, called only if somebody asks for the ``help``.
    """

    rule: str
    message: str
    advice: str | Callable[[], str] | None = None
    field: tuple[str | int, ...] = ()
    level: Level = "error"

    @property
    def help(self) -> str | None:
        """What to do about it."""
        return self.advice() if callable(self.advice) else self.advice

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash((self.rule, self.message))

    def _said(self) -> tuple[object, ...]:
        return self.rule, self.message, self.help, self.field, self.level
