"""Maps of whole pictures and volumes, by a network that sees a tile of them at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.data import nifti
from cnnkit.data.dataset import Array
from cnnkit.data.decoding import Decoding, decoded, header
from cnnkit.data.inputs import floats_of
from cnnkit.data.layout import SUFFIXES
from cnnkit.data.listing import Refused
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.tiles import Blend, Tiling
from cnnkit.errors import DataError, UsageError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Images, Packed
from cnnkit.spec.model.training.tiles import Tiles
from cnnkit.training.compute.objective import ONLY
from cnnkit.training.use.mapping import MapNaming
from cnnkit.training.use.naming import Prediction, no_numbers
from cnnkit.training.use.trained import Trained

_OF_PICTURE: Final = 3
"""The axes of a picture: height, width, channels."""


class TiledFile(NamedTuple):
    """A file in its own extents, as the network is to see it.

    Attributes:
        values: float32 ``[*extents, C]``, scaled, not standardized.
        tiling: How it is cut.
    """

    values: NDArray[np.float32]
    tiling: Tiling


def is_whole(trained: Trained, file: str | Path | Refused) -> bool:
    """Whether a file is asked about as a whole: a volume, or a picture where tiles were learnt."""
    parts = trained.objective.parts
    if isinstance(file, Refused) or len(trained.network.plan.inputs) > 1:
        return False
    if set(trained.objective.maps) != set(parts):
        return False
    if nifti.is_nifti(file):
        return True
    return _tiles(trained) is not None and Path(file).suffix.lower() in SUFFIXES


def whole_maps(
    trained: Trained, files: Iterable[str | Path | Refused], size: int
) -> Iterator[Prediction | Refused]:
    """The map of each file in the file's own extents, its tiles blended.

    Args:
        trained: A network of one input, whose outputs are all maps.
        files: Pictures and volumes.
        size: How many tiles are computed at once.
    """
    namings = [MapNaming.of(trained, name) for name in trained.objective.parts]
    for file in files:
        if isinstance(file, Refused):
            yield file
            continue
        try:
            read = _read(trained, Path(file))
        except DataError as error:
            yield Refused(str(file), str(error))
            continue
        found = _blended(trained, read, size)
        if not all(np.isfinite(each).all() for each in found.values()):
            yield no_numbers(str(file))
            continue
        for naming in namings:
            values = found[naming.output]
            told = _told(values) if naming.of_classes else values
            for each in naming.named([str(file)], told[None]):
                # A volume has no picture that classes could be laid over.
                if isinstance(each, Prediction) and read.values.ndim == _OF_PICTURE:
                    yield replace(each, image=read.values)
                else:
                    yield each


def _told(found: NDArray[np.float32]) -> NDArray[np.int16]:
    """The class of each pixel, of probabilities ``[*extents, K]``; of one number whether it is."""
    classes = found[..., 0] > 0.5 if found.shape[-1] == 1 else found.argmax(-1)
    return classes.astype(np.int16)


def _tiles(trained: Trained) -> Tiles | None:
    data, packed = trained.source, trained.train.data
    if isinstance(packed, Packed) and data is None:
        raise UsageError(
            f"{trained.path} learnt from {packed.packed}, whose index says whether images are cut "
            f"into tiles, and which cannot be read: put it back there"
        )
    return data.tiles if isinstance(data, Images) else None


def _given(trained: Trained, file: str | Path) -> Shape:
    """The extents of what a network gives of a tile.

    Raises:
        DataError: Its outputs give unlike ones, or not each cell of what they see.
    """
    size = trained.preprocessing.shape[:-1]
    grids = [part.grid for part in trained.objective.parts.values()]
    given = grids[0].extents
    for grid in grids:
        axes = len(grid.extents) == len(size)
        within = axes and all(a <= b for a, b in zip(grid.extents, size, strict=True))
        if grid.extents != given or not within or (given != size and set(grid.strides) != {1}):
            raise DataError(
                f"{file} is answered tile by tile, and the network gives {show(grid.extents)} "
                f"of an input of {show(size)}, and not the whole of it, as by `padding: same`, or "
                f"the middle"
            )
    return given


def _read(trained: Trained, file: Path) -> TiledFile:
    record = trained.preprocessing
    values, kind = _volume(file, record) if nifti.is_nifti(file) else _picture(file, record)
    if fault := record.fault(values[None], kind):
        raise DataError(f"{file} has {fault}")
    extents, given = values.shape[:-1], _given(trained, file)
    seen, size = (
        (*each, *(1,) * (len(extents) - len(each))) for each in (record.shape[:-1], given)
    )
    overlap = (_tiles(trained) or Tiles()).overlap
    tiling = Tiling(extents, size, overlap, () if seen == size else seen)
    return TiledFile(floats_of(values, record), tiling)


def _volume(file: Path, record: Preprocessing) -> tuple[Array, str]:
    told = nifti.header(file)
    if told.channels != record.shape[-1] or len(record.shape) not in (3, 4):
        raise DataError(
            f"{file} is a volume of {show((*told.extents, told.channels))}, and the network's "
            f"input is {show(record.shape)}"
        )
    return nifti.volume(file), told.dtype


def _picture(file: Path, record: Preprocessing) -> tuple[Array, str]:
    if not file.is_file():
        raise DataError(f"there is no file {file}")
    told, channels = header(file), record.shape[-1]
    decoding = Decoding("none", record.decoding.background)
    values = decoded(file, (told.height, told.width, channels), decoding)
    return values, str(values.dtype)


def _blended(trained: Trained, file: TiledFile, size: int) -> dict[str, NDArray[np.float32]]:
    """What each output says of a whole file, ``[*extents, K]``, by its name."""
    shape = trained.preprocessing.shape
    blends = {
        name: Blend(file.tiling, part.accumulator.outputs)
        for name, part in trained.objective.parts.items()
    }
    tiles = file.tiling.cut(file.values)
    for first in tiles:
        some = [first, *islice(tiles, size - 1)]
        # A batch that is not full is filled up, so that one program serves them all.
        filled = list(islice(chain(some, repeat(first)), size))
        said: Any = trained.compute(np.stack(filled).reshape(size, *shape))
        for name, blend in blends.items():
            answers = np.asarray(said if name == ONLY else said[name])
            for answer in answers[: len(some)]:
                blend.add(answer.reshape(*file.tiling.size, -1))
    return {name: blend.whole() for name, blend in blends.items()}
