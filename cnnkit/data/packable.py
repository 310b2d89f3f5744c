"""What of a data set is packed: the columns of its examples, read and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnkit.data import several
from cnnkit.data.dataset import Dataset, Examples
from cnnkit.data.decoding import Decoding
from cnnkit.data.demand import NetworkDemand, prepared
from cnnkit.data.folders import Listing, Listings
from cnnkit.data.images import ImageArray, of_listings
from cnnkit.data.loading import FileReading, load, read
from cnnkit.data.nifti import is_nifti
from cnnkit.data.partners import PairsOfSplits, pairs_of
from cnnkit.data.reading import unseen
from cnnkit.data.sources import sources_of
from cnnkit.data.targets import as_values
from cnnkit.errors import UsageError
from cnnkit.spec.model.training import Arrays, Images, Loss, Unpacked
from cnnkit.spec.model.training.location import PATHS

OF_FILES = ("masks", "targets")
"""The columns of files beside images, and what the names of those of several begin with."""


class Packable(NamedTuple):
    """A data set, and what is packed of it.

    Attributes:
        checked: The data set as a network would take it.
        columns: What each example has one of, in the values of its files, as ``Index`` calls them;
            the first one has no name.
    """

    checked: Dataset
    columns: Mapping[str, Dataset]


def packable(
    source: Unpacked, data_dir: str | os.PathLike[str] | None, loss: Loss | None
) -> Packable:
    """A data set that is read and checked; images stay in their files.

    Args:
        source: The data set.
        data_dir: The folder of the published sets.
        loss: ``train.loss`` of the spec, where one is packed for.

    Raises:
        DataError: The source is damaged.
        UsageError: It is not there, or of a kind that is not packed.
    """
    reading = FileReading(data_dir, budget=0)
    if isinstance(source, Images) and (source.masks or source.targets) is not None:
        # How images are cut is said by who reads them.
        whole = source.model_copy(update={"tiles": None})
        columns = _of_pairs(source)
        return Packable(load(whole, budget=0, loss=loss), columns)
    if not several.names_several(source):
        dataset = read(source, reading)
        wanted = NetworkDemand(loss=loss)
        return Packable(prepared(_meant(dataset, loss), source, wanted, None), {"": dataset})
    checked = load(source, budget=0, loss=loss)
    if isinstance(source, Arrays):
        return Packable(checked, _of_arrays(source, loss))
    assert isinstance(source, Images)  # noqa: S101 - the sources that have names
    found: dict[str, Dataset] = {}
    several.of_folders(source, lambda one, name: found.setdefault(name, read(one, reading)))
    (_, first), *others = found.items()
    return Packable(checked, {"": first, **{f"images/{name}": each for name, each in others}})


def said(source: Unpacked) -> str | dict[str, Any]:
    """The source as `data:` has it, its files by their names alone."""
    if isinstance(source, str):
        return source
    fields = source.model_dump(mode="json", exclude_defaults=True)
    for name in fields.keys() & set(PATHS[type(source)]):
        given = fields[name]
        named = isinstance(given, Mapping)  # a path for each input or output
        fields[name] = {each: each for each in given} if named else Path(given).resolve().name
    return fields


def _meant(dataset: Dataset, loss: Loss | None) -> Dataset:
    """The data set with whole numbers as what a loss compares them as."""
    of_values = loss is not None and not loss.of_classes and loss.compares == 1
    return as_values(dataset) if of_values and dataset.train.targets.ndim == 1 else dataset


def _of_arrays(source: Arrays, loss: Loss | None) -> dict[str, Dataset]:
    """The arrays of a file that have names; targets lie beside the first input."""
    parts = several.of_arrays(source, loss)
    (_, first), *others = parts.inputs.items()
    outputs = parts.outputs if source.targets is not None else {}
    return {
        "": first,
        **{f"inputs/{name}": each for name, each in others},
        **{f"outputs/{name}": each for name, each in outputs.items()},
    }


def _of_pairs(source: Images) -> dict[str, Dataset]:
    """Images, and the files beside them.

    Raises:
        UsageError: They are volumes.
    """
    folder = Path(str(source.images))
    kind = OF_FILES[source.masks is None]
    given = getattr(source, kind)
    folders = given if isinstance(given, Mapping) else {"": given}
    found: dict[str, Dataset] = {}
    for name, beside in folders.items():
        parts = pairs_of(source.model_copy(update={kind: beside}))
        first = parts["train"][0]
        if is_nifti(first.image) or is_nifti(first.partner):
            raise UsageError(f"{folder} has volumes, which are not packed yet: train from them")
        found.setdefault("", _images(folder, parts))
        found[f"{kind}/{name}" if name else kind] = _partners(Path(beside), parts)
    return found


def _images(folder: Path, parts: PairsOfSplits) -> Dataset:
    """The images of pairs, with targets that say nothing."""
    listed = {
        part: Listing(tuple(pair.image for pair in pairs), np.zeros((len(pairs), 1), np.float32))
        for part, pairs in parts.items()
    }
    return of_listings(
        Listings(listed, (), folder),
        folder.resolve().name,
        folder,
        None,
        decoding=Decoding(),
        skip=False,
        budget=0,
        progress=unseen,
    )


def _partners(folder: Path, parts: PairsOfSplits) -> Dataset:
    """The files beside images, which are packed as they are; they have no shape of their own."""

    def part(paths: Sequence[Path]) -> Examples:
        nothing = np.zeros((len(paths), 1), np.float32)
        files = ImageArray(paths, (1, 1, 1), Decoding())
        return Examples(files, nothing, sources_of(paths, folder))

    of_split = {name: [pair.partner for pair in pairs] for name, pairs in parts.items()}
    tested = of_split.pop("test", None)
    train = part([path for paths in of_split.values() for path in paths])
    test = None if tested is None else part(tested)
    return Dataset(folder.resolve().name, train, test, ())
