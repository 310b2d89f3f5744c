"""Pictures made of scikit-learn's digits: scenes to segment and noise to take off.

They are drawn from a seed when they are read, the same on every machine. Training, validation and
test are of different digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.dataset import Array, Dataset, Examples
from cnnkit.data.digits import digits

_SEED: Final = 20
_PARTS: Final = {"train": 1397, "validation": 200, "test": 200}
"""Of how many digits the examples of a split are."""
_CANVAS, _DIGIT, _CELLS = 64, 24, 12
_TRIED: Final = 8
_NOISE: Final = 0.3
_SHARPER: Final = 2.0
"""How many times as steep the edges of a digit in a scene are as those of one that is enlarged."""
Bytes = NDArray[np.uint8]
Draw = Callable[[np.random.RandomState, Bytes, Array], tuple[Bytes, Array]]


def digit_scenes() -> Dataset:
    """2,000 grey scenes of 64x64 with one to four digits on a texture, and masks of 11 classes.

    The class of a pixel is the digit that covers at least half of it, or the background.
    """
    sizes = {"train": 1600, "validation": 200, "test": 200}
    names = ("background", *"0123456789")
    return _drawn("digit_scenes", sizes, _scene, names)


def noisy_digits() -> Dataset:
    """3,000 digits of 24x24 under normal noise of deviation 0.3, and as they are without it."""
    return _drawn("noisy_digits", {"train": 2400, "validation": 300, "test": 300}, _noisy, ())


def _drawn(name: str, sizes: dict[str, int], draw: Draw, classes: tuple[str, ...]) -> Dataset:
    """The data set of pictures that are drawn one by one."""
    # Of all generators of NumPy this one gives the same numbers in every version.
    random = np.random.RandomState(_SEED)
    known = digits().train
    order, first, parts = random.permutation(len(known)), 0, {}
    for part, count in _PARTS.items():
        chosen = order[first : first + count]
        large = np.stack([_enlarged(each[..., 0]) for each in known.inputs[chosen]])
        drawn = [draw(random, large, known.targets[chosen]) for _ in range(sizes[part])]
        inputs = np.stack([picture for picture, _ in drawn])[..., None]
        parts[part] = inputs, np.stack([target for _, target in drawn])
        first += count
    inputs, targets = (
        np.concatenate([parts["train"][at], parts["validation"][at]]) for at in (0, 1)
    )
    places = np.arange(sizes["train"], sizes["train"] + sizes["validation"])
    return Dataset(name, Examples(inputs, targets), Examples(*parts["test"]), classes, places)


def _enlarged(digit: Bytes) -> Bytes:
    """A digit of 8x8 as one of 24x24."""
    return np.asarray(Image.fromarray(digit).resize((_DIGIT, _DIGIT), Image.Resampling.BICUBIC))


def _scene(
    random: np.random.RandomState, large: Bytes, labels: Array
) -> tuple[Bytes, NDArray[np.int16]]:
    """A scene and its mask."""
    canvas = _texture(random)
    mask = np.zeros((_CANVAS, _CANVAS), np.int16)
    taken = np.zeros((_CANVAS, _CANVAS), bool)
    for _ in range(_TRIED):
        which = random.randint(len(large))
        top, left = random.randint(0, _CANVAS - _DIGIT + 1, 2)
        window = slice(top, top + _DIGIT), slice(left, left + _DIGIT)
        light = random.uniform(0.75, 1.0)
        if taken[window].any():  # no digit hides another
            continue
        taken[window] = True
        cover = np.clip(_SHARPER * (large[which] / 255 - 0.5) + 0.5, 0, 1)
        canvas[window] = canvas[window] * (1 - cover) + light * cover
        mask[window][cover >= 0.5] = 1 + labels[which]
    return _bytes(canvas), mask


def _texture(random: np.random.RandomState) -> NDArray[np.float64]:
    """A cloudy background from black to a middle grey, with some noise on it."""
    coarse = _bytes(random.uniform(0, 0.6, (_CELLS, _CELLS)))
    smooth = Image.fromarray(coarse).resize((_CANVAS, _CANVAS), Image.Resampling.BILINEAR)
    return np.asarray(smooth) / 255 + random.normal(0, 0.03, (_CANVAS, _CANVAS))


def _noisy(random: np.random.RandomState, large: Bytes, _labels: Array) -> tuple[Bytes, Bytes]:
    """A digit under noise, and as it is."""
    clean = large[random.randint(len(large))]
    return _bytes(clean / 255 + random.normal(0, _NOISE, clean.shape)), clean[..., None]


def _bytes(values: NDArray[np.float64]) -> Bytes:
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
