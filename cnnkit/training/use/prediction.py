"""What a trained network says of image files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cnnkit.data.dataset import Array
from cnnkit.data.decoding import MODES, decoded
from cnnkit.errors import DataError, UsageError
from cnnkit.layers.shape import show
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
        named = [{"name": name, "value": value} for name, value in found]
        return {"file": self.file, "predictions": named, "error": None}


@dataclass(frozen=True)
class Refused:
    """A file of which nothing can be said.

    Attributes:
        file: The file.
        problem: What is wrong with it, in a sentence that names it.
    """

    file: str
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """The refusal as JSON takes it."""
        return {"file": self.file, "predictions": [], "error": self.problem}


def predict(
    trained: Trained, files: Sequence[Path], top: int = 3
) -> Iterator[Prediction | Refused]:
    """The predictions of files, in their order; files that cannot be read do not end them.

    Args:
        trained: The network of a run.
        files: Images; each is brought to the network's input as the recipe's data were.
        top: How many classes to name.

    Raises:
        UsageError: The network's input is no image.
    """
    shape = trained.spec.input
    if len(shape) != _IMAGE_AXES or shape[-1] not in MODES:
        raise UsageError(f"the network's input is {show(shape)}, which no image file has")
    answer = jax.jit(lambda values: trained.answers(trained.standardized(values)))
    for start in range(0, len(files), _BATCH):
        part = files[start : start + _BATCH]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(partial(_values, trained), part))
        sound = [each for each in found if isinstance(each, np.ndarray)]
        answers: Iterator[Any] = iter(())
        if sound:
            filling = np.zeros((_BATCH - len(sound), *shape), np.float32)
            answers = iter(np.asarray(answer(np.concatenate([*sound, filling]))))
        for file, each in zip(part, found, strict=True):
            if isinstance(each, Refused):
                yield each
            else:
                yield _named(trained, file, next(answers), top)


def _values(trained: Trained, file: Path) -> Array | Refused:
    """The values of one image as the network reads them, ``[1, H, W, C]``."""
    preprocessing = trained.preprocessing
    height, width, channels = preprocessing.shape
    if not file.is_file():
        return Refused(str(file), f"there is no file {file}")
    try:
        pixels = decoded(file, (height, width, channels), preprocessing.decoding)[None]
    except DataError as error:
        return Refused(str(file), str(error))
    if fault := preprocessing.fault(pixels, str(pixels.dtype)):
        return Refused(str(file), f"{file} has {fault}")
    # Floats throughout: files of one batch may be of several types.
    values = preprocessing.values(pixels)
    return values / np.float32(255) if values.dtype == np.uint8 else values


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
