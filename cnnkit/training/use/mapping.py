"""What the output of a network of maps means in words: which part of the pixels each class has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.listing import Refused
from cnnkit.training.use.naming import Prediction, names_of
from cnnkit.training.use.trained import Trained

OF_IMAGES = ("minimum", "mean", "maximum")
"""What is told of an image in numbers."""


@dataclass(frozen=True)
class Mapping:
    """How maps are told.

    Attributes:
        names: The names of the classes; of images ``OF_IMAGES``.
        of_classes: Whether a pixel is of a class.
    """

    names: tuple[str, ...]
    of_classes: bool

    @classmethod
    def of(cls, trained: Trained) -> Self:
        """That of a network."""
        if not trained.train.loss.of_classes:
            return cls(OF_IMAGES, of_classes=False)
        names = names_of(trained)
        return cls(names if len(names) > 1 else ("no", "yes"), of_classes=True)

    def named(
        self, entries: Sequence[str | Refused], outputs: NDArray[Any]
    ) -> Iterator[Prediction | Refused]:
        """What is said of the inputs of a batch; what was refused has no output.

        Args:
            entries: What the inputs are called, in the order of the outputs.
            outputs: The class of each pixel ``[n, *spatial]``, or its values; of as many as are
                not refused, more are passed over.
        """
        maps = iter(np.asarray(outputs))
        for entry in entries:
            if isinstance(entry, Refused):
                yield entry
                continue
            found = next(maps)
            yield Prediction(entry, self.names, self._told(found), None, found)

    def _told(self, found: NDArray[Any]) -> tuple[float, ...]:
        if not self.of_classes:
            return float(found.min()), float(found.mean()), float(found.max())
        counts = np.bincount(found.reshape(-1), minlength=len(self.names))
        return tuple((counts / found.size).tolist())
