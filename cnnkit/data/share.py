"""What several processes that read one data set do each a part of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from cnnkit.data.dataset import Array


@dataclass(frozen=True)
class Share:
    """Which of several processes this one is, and how they put together what each has done.

    Attributes:
        index: Which it is, from 0 on.
        count: How many there are.
        summed: The sum of the arrays of all of them, of one shape and type.
        together: What each must come through by itself: where one fails, all do.
    """

    index: int
    count: int
    summed: Callable[[Array], Array]
    together: Callable[[], AbstractContextManager[None]]

    def has(self, number: int) -> bool:
        """Whether a piece of work of this number is this process's."""
        return number % self.count == self.index


ALONE: Final = Share(0, 1, lambda array: array, nullcontext)
"""One process does all."""
