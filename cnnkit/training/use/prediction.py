"""What a trained network says of image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cnnkit.data.decoding import decoded
from cnnkit.errors import UsageError
from cnnkit.layers.base import show
from cnnkit.spec.model.training import Images
from cnnkit.training.use.trained import Trained

_BATCH = 64
_IMAGE_AXES = 3


@dataclass(frozen=True)
class Prediction:
    """What a network says of one file.

    Attributes:
        file: The file.
        classes: The most probable classes, the first first; of a regression the outputs.
        values: Their probabilities; of a regression the numbers.
    """

    file: str
    classes: tuple[str, ...]
    values: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """The prediction as JSON takes it."""
        found = zip(self.classes, self.values, strict=True)
        return {"file": self.file, "predictions": [{"name": n, "value": v} for n, v in found]}


def predict(trained: Trained, files: Sequence[Path], top: int = 3) -> Iterator[Prediction]:
    """The predictions of files, in their order.

    Args:
        trained: The network of a run.
        files: Images; each is brought to the network's input as the recipe's data were.
        top: How many classes to name.

    Raises:
        UsageError: The network's input is no image, or a file is missing.
        DataError: A file is no image, or damaged.
    """
    shape = trained.spec.input
    if len(shape) != _IMAGE_AXES:
        raise UsageError(f"the network's input is {show(shape)}, which no image file has")
    for file in files:
        if not file.is_file():
            raise UsageError(f"there is no file {file}")
    data = trained.train.data
    fit = data.fit if isinstance(data, Images) else "cover"
    answer = jax.jit(trained.predict)
    for start in range(0, len(files), _BATCH):
        part = files[start : start + _BATCH]
        images = np.stack([decoded(file, (shape[0], shape[1], shape[2]), fit) for file in part])
        padded = np.concatenate([images, np.zeros((_BATCH - len(part), *shape), np.uint8)])
        for file, values in zip(part, np.asarray(answer(padded)), strict=False):
            yield _named(trained, file, values, top)


def _named(trained: Trained, file: Path, values: Any, top: int) -> Prediction:
    names = trained.classes or tuple(f"output {index}" for index in range(len(values)))
    if trained.train.loss.of_classes and len(values) == 1 and len(names) > 1:
        values = np.array([1 - values[0], values[0]])  # one output tells two classes apart
    order = range(len(values))
    if trained.train.loss.of_classes:
        order = np.argsort(-values, kind="stable")[:top].tolist()
    return Prediction(
        str(file), tuple(names[index] for index in order), tuple(float(values[i]) for i in order)
    )
