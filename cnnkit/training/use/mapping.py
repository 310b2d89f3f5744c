"""What the output of a network of maps means in words: which part of the pixels each class has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.listing import Refused
from cnnkit.training.compute.objective import ONLY
from cnnkit.training.use.naming import Naming, Prediction, class_names
from cnnkit.training.use.trained import Trained

OF_IMAGES = ("minimum", "mean", "maximum")
"""What is told of an image in numbers."""


@dataclass(frozen=True)
class MapNaming:
    """How maps are told.

    Attributes:
        names: The names of the classes; of images ``OF_IMAGES``.
        of_classes: Whether a pixel is of a class.
        output: The output, where the network has several.
    """

    names: tuple[str, ...]
    of_classes: bool
    output: str = ONLY

    @classmethod
    def of(cls, trained: Trained, output: str = ONLY) -> Self:
        """That of an output of a network."""
        accumulator = trained.objective.parts[output].accumulator
        loss = accumulator.train.loss
        if not loss.of_classes:
            return cls(OF_IMAGES, False, output)
        classes = trained.outputs.get(output, trained.classes)
        names = class_names(classes, loss, accumulator.outputs)
        return cls(names if len(names) > 1 else ("no", "yes"), True, output)

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
            yield Prediction(
                entry,
                self.names,
                self._told(found),
                output=self.output,
                of_classes=self.of_classes,
                map=found,
            )

    def _told(self, found: NDArray[Any]) -> tuple[float, ...]:
        if not self.of_classes:
            return float(found.min()), float(found.mean()), float(found.max())
        counts = np.bincount(found.reshape(-1), minlength=len(self.names))
        return tuple((counts / found.size).tolist())


def namings_of(trained: Trained) -> tuple[Naming | MapNaming, ...]:
    """How each output of a network is told, or what is compared of them."""
    of_examples = {naming.output: naming for naming in Naming.of_each(trained)}
    return tuple(
        MapNaming.of(trained, name) if part.of_maps else of_examples[name]
        for name, part in trained.objective.parts.items()
    )
