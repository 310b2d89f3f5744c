"""Pieces of files as an array that is read when it is indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from cnnkit.data.dataset import Array
from cnnkit.data.reading import Progress, outcomes_of, require_sound, unseen
from cnnkit.data.tiles import Tiling
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape

_KEPT: Final = 4
"""So many whole files are kept, of which the next pieces may be."""


class PieceArray:
    """Pieces of files, read when they are indexed: with n indices ``[n, *shape]``.

    Attributes:
        shape: ``(N, *spatial, C)``.
        dtype: The type that holds the values of all files.
    """

    def __init__(
        self,
        files: Sequence[Path],
        tilings: Sequence[Tiling],
        shape: Shape,
        dtype: str,
        image: Callable[[Path], Array],
    ) -> None:
        self._places = [
            (file, number) for file, tiling in enumerate(tilings) for number in range(len(tiling))
        ]
        self._files, self._tilings = tuple(files), tuple(tilings)
        self.shape = (len(self._places), *shape)
        self.dtype = np.dtype(dtype)
        self._image = image
        self._pieces = lru_cache(_KEPT)(self._cut)

    @property
    def nbytes(self) -> int:
        """The bytes of all pieces, decoded."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Array:
        chosen = np.arange(len(self))[index]
        if chosen.ndim == 0:
            file, number = self._places[int(chosen)]
            alone: Array = self._pieces(file)[number]
            return alone
        found = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        # In the order of the files, so that each is read once.
        for place in np.argsort(chosen, kind="stable").tolist():
            file, number = self._places[int(chosen[place])]
            found[place] = self._pieces(file)[number]
        return found

    def read(self, progress: Progress = unseen) -> Array:
        """All of them.

        Raises:
            DataError: All files that are damaged.
        """
        outcomes = outcomes_of(self._cut, range(len(self._files)), progress)
        require_sound(outcomes)
        return np.concatenate([each for each in outcomes if not isinstance(each, DataError)])

    def _cut(self, file: int) -> Array:
        image = self._image(self._files[file])
        return np.stack(list(self._tilings[file].cut(image))).reshape(-1, *self.shape[1:])
