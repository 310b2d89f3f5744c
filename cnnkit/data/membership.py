"""The group of each example, as those of one patient are one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.columns import some
from cnnkit.spec.model.training.split import names_table

FILE: Final = "file"
"""What says it where each file of several examples is a group."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of each example of a data set.

    Attributes:
        by: The table or the pattern that says it.
        names: The names of the groups, in sorted order.
        train: int64 ``[N]``, the group of each example of ``dataset.train``.
        test: The same of ``dataset.test``; None where the set has no test split of its own.
        place: Where the spec says so, as messages begin.
    """

    by: str
    names: tuple[str, ...]
    train: Numbers
    test: Numbers | None = None
    place: str = ""

    def count(self, indices: Numbers, *, own_test: bool = False) -> int:
        """How many groups some examples are of."""
        part = self.test if own_test and self.test is not None else self.train
        return len(np.unique(part[indices]))

    @property
    def said(self) -> str:
        """What makes the groups, as a sentence begins."""
        if self.by == FILE:
            return "each file is one, which makes"
        return f"`group: {self.by}` makes"

    def some(self, indices: Numbers) -> str:
        """The names of the first groups of some training examples."""
        return some([self.names[each] for each in np.unique(self.train[indices]).tolist()])

    def record(self) -> dict[str, Any]:
        """What a run notes of its groups, as JSON: two are the same where their digests are."""
        named = "\n".join(self.names[each] for part in self._parts() for each in part.tolist())
        return {
            "by": PurePath(self.by).name if names_table(self.by) else self.by,
            "count": len(self.names),
            "sha256": hashlib.sha256(named.encode()).hexdigest(),
        }

    def _parts(self) -> list[Numbers]:
        return [self.train] if self.test is None else [self.train, self.test]
