"""What a network's output means in words: the most probable classes, and the one decided for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.listing import Refused
from cnnkit.data.several import OF_PAIRS
from cnnkit.errors import UsageError
from cnnkit.spec.model.training.loss import Contrastive, Loss
from cnnkit.training.use.trained import Trained

_DISTANCES: Final = {2: ("distance",), 3: ("distance of the second", "distance of the third")}
REFUSAL = "unknown"
"""What an input is called whose most probable class is not probable enough."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one input.

    Attributes:
        file: The file, or the example in it.
        classes: The most probable classes, the first first; of a regression the outputs.
        values: Their probabilities; of a regression the numbers.
        decision: The class that it is taken for: the most probable, or that of refusal where it
            is not probable enough; None of a regression.
        output: The output that it is of, where the network has several.
        of_classes: Whether its values are probabilities, or parts of the pixels.
        map: Of an output that is a map the class of each pixel ``[*spatial]``, whose parts are the
            values; or its values ``[*spatial, C]``.
        image: What that was said of, scaled, where it has the extents of the map.
        path: The file that the map was written to.
    """

    file: str
    classes: tuple[str, ...]
    values: tuple[float, ...]
    decision: str | None = None
    output: str = ""
    of_classes: bool = True
    map: NDArray[Any] | None = None
    image: NDArray[Any] | None = None
    path: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The prediction as JSON takes it."""
        found = zip(self.classes, self.values, strict=True)
        named = [{"name": name, "value": value} for name, value in found]
        of = {"output": self.output} if self.output else {}
        said = {"class": self.decision, "predictions": named}
        written = {} if self.map is None else {"map": self.path}
        return {"file": self.file, **of, **said, **written, "error": None}


@dataclass(frozen=True)
class Naming:
    """How outputs are named.

    Attributes:
        names: The names of the classes, or of the outputs of a regression.
        of_classes: Whether they are classes.
        top: How many of the most probable classes are named; None for all.
        threshold: The probability that the most probable class needs to be decided for.
        refusal: What is decided where it has less.
        output: The output, where the network has several.
        below: Of a distance of two outputs, below what they are taken to be of one kind.
    """

    names: tuple[str, ...]
    of_classes: bool
    top: int | None = 3
    threshold: float = 0.0
    refusal: str = REFUSAL
    output: str = ""
    below: float | None = None

    @classmethod
    def of(
        cls,
        trained: Trained,
        top: int | None = 3,
        threshold: float = 0.0,
        refusal: str = REFUSAL,
    ) -> Self:
        """That of a network.

        Raises:
            UsageError: There is a threshold and no class, the class of refusal is one that the
                network knows, or it answers for each pixel.
        """
        if trained.of_maps:
            raise UsageError(
                "the network answers for each pixel: `cnnkit predict RUN … --maps DIR` writes what "
                "it gives"
            )
        names, of_classes = names_of(trained), trained.train.loss.of_classes
        if threshold and not of_classes:
            raise UsageError(
                "a threshold is for the probability of a class: the run predicts numbers"
            )
        if threshold and refusal in names:
            raise UsageError(f"`{refusal}` is a class of the network: call the refusal otherwise")
        return cls(names, of_classes, top, threshold, refusal)

    @classmethod
    def of_each(cls, trained: Trained) -> tuple[Self, ...]:
        """That of each output without extents of a network, or of what is compared of them."""
        found = []
        for name, part in trained.objective.parts.items():
            if part.of_maps:
                continue
            of, loss = part.accumulator, part.accumulator.train.loss
            if loss.compares > 1:
                names = _DISTANCES[loss.compares]
                below = loss.margin / 2 if isinstance(loss, Contrastive) else None
                found.append(cls(names, False, None, below=below))
                continue
            classes = trained.outputs.get(name, trained.classes)
            found.append(cls(class_names(classes, loss, of.outputs), loss.of_classes, output=name))
        return tuple(found)

    def named(
        self, entries: Sequence[str | Refused], outputs: ArrayLike
    ) -> Iterator[Prediction | Refused]:
        """What is said of the inputs of a batch; what was refused has no output.

        That of which the network gives NaN is refused.

        Args:
            entries: What the inputs are called, in the order of the outputs.
            outputs: ``[n, K]``, of as many as are not refused; more are passed over.
        """
        values = self._of_all_classes(np.asarray(outputs))
        if self.of_classes:
            order = np.argsort(-values, axis=1, kind="stable")[:, : self.top]
        else:
            order = np.broadcast_to(np.arange(len(self.names)), values.shape)
        rows = iter(zip(order.tolist(), np.take_along_axis(values, order, 1).tolist(), strict=True))
        for entry in entries:
            if isinstance(entry, Refused):
                yield entry
                continue
            chosen, found = next(rows)
            if not all(map(math.isfinite, found)):
                yield no_numbers(entry)
                continue
            classes = tuple(self.names[each] for each in chosen)
            decision = None
            if self.of_classes:
                decision = classes[0] if found[0] >= self.threshold else self.refusal
            if self.below is not None:
                decision = OF_PAIRS[found[0] < self.below]
            yield Prediction(entry, classes, tuple(found), decision, self.output, self.of_classes)

    def _of_all_classes(self, values: NDArray[Any]) -> NDArray[Any]:
        """One output tells two classes apart."""
        if values.shape[1] == 1 and len(self.names) == 2:
            return np.concatenate([1 - values, values], 1)
        return values


def no_numbers(entry: str) -> Refused:
    """The refusal of an input of which the network gives NaN, or what is infinite."""
    return Refused(
        entry,
        f"{entry}: the network gives NaN or infinite values for it, for its own are such or so "
        "large that float32 ends before the network does",
    )


def names_of(trained: Trained) -> tuple[str, ...]:
    """The names of the classes, or of the outputs where there are none; none of several outputs."""
    part = trained.objective.only
    if part is None or part.accumulator.train.loss.compares > 1:
        return ()
    return class_names(trained.classes, trained.train.loss, part.accumulator.outputs)


def class_names(classes: tuple[str, ...], loss: Loss, outputs: int) -> tuple[str, ...]:
    """The names of so many outputs; of one that tells two classes apart those of both."""
    if loss.of_classes and outputs == 1 and len(classes) == 2:
        return classes
    more = (f"output {index}" for index in range(len(classes), outputs))
    return (*classes[:outputs], *more)
