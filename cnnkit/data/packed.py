"""Packed data sets: what `cnnkit data pack` wrote, as the data set that it was packed from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.data.dataset import Dataset, Examples, Inputs
from cnnkit.data.decoding import Decoding, other_extents
from cnnkit.data.example_table import ExampleTable
from cnnkit.data.files import data_directory
from cnnkit.data.images import ImageArray, extents_of
from cnnkit.data.index import INDEX, Index, index_of, require_whole
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.records import RecordArray, Records
from cnnkit.data.remote import fetched
from cnnkit.data.share import ALONE, Share
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.faults import Faults
from cnnkit.spec.model.training import Arrays, Csv, Images, Packed, Unpacked
from cnnkit.spec.model.training.data import KNOWN, is_url, read_data


@dataclass(frozen=True)
class PackedSet:
    """A packed data set whose files are those that its index names.

    Attributes:
        place: The folder or the URL, as the user gave it.
        folder: Where its files lie.
        index: What it says of itself.
        source: What it was packed from, with what the spec says otherwise.
    """

    place: str
    folder: Path
    index: Index
    source: Unpacked

    def dataset(
        self,
        *,
        shape: Shape | None,
        decoding: Decoding,
        budget: int,
        progress: Progress = unseen,
    ) -> Dataset:
        """The data set, in the values of its files.

        Args:
            shape: Of an input; by default the commonest of images, and that of values.
            decoding: How images come to it.
            budget: The bytes up to which all inputs are read at once.
            progress: Is told how many of them are read, and how many there are.

        Raises:
            DataError: The files are damaged, or images do not fit.
        """
        index, table = self.index, self._table
        count, total = index.splits["train"].examples, len(table.targets)
        parts = [slice(0, count), *([slice(count, total)] if "test" in index.splits else [])]
        shape = self._shape(shape, decoding)
        whole = self._inputs(slice(0, total), shape, decoding)
        held: list[Inputs] = [self._inputs(part, shape, decoding) for part in parts]
        if whole.nbytes <= budget:
            values = whole.read(progress)
            held = [values[part] for part in parts]
        examples = [
            Examples(inputs, table.targets[part], table.sources and table.sources.some(part))
            for inputs, part in zip(held, parts, strict=True)
        ]
        return Dataset(
            name=index.name,
            train=examples[0],
            test=examples[1] if len(examples) > 1 else None,
            classes=index.classes,
            validation=table.validation,
            dtype=index.dtype_in_files,
            decoding=decoding if index.records == "images" else None,
            target=index.target,
            notes=index.notes,
        )

    @cached_property
    def _table(self) -> ExampleTable:
        """What is known of each example."""
        return ExampleTable.of(self.folder / self.index.examples.file, self.index)

    @cached_property
    def _records(self) -> Records:
        shards = self.index.shards
        return Records(
            [self.folder / each.file for each in shards], [each.records for each in shards]
        )

    @cached_property
    def _files(self) -> list[Path]:
        """What messages call the file of each example."""
        sources = self._table.sources
        return [] if sources is None else [Path(self.place, path) for path in sources.paths]

    def _inputs(self, part: slice, shape: Shape, decoding: Decoding) -> ImageArray | RecordArray:
        records, dtype = self._records.some(part), self.index.dtype
        if self.index.records == "values":
            return RecordArray(records, shape, dtype)
        height, width, channels = shape
        return ImageArray(self._files[part], (height, width, channels), decoding, dtype, records)

    def _shape(self, wanted: Shape | None, decoding: Decoding) -> Shape:
        """The shape in which inputs are read: that of the network, of images.

        Raises:
            DataError: It is none that images have, or they would have to be resized.
        """
        if self.index.records == "values":
            return self.index.shape
        extents = extents_of(wanted or self.index.shape, Path(self.place))
        assert extents is not None  # noqa: S101 - there is a shape
        found = self._table.extents
        if decoding.fit == "none" and found is not None:
            wrong = np.flatnonzero((found != extents[:2]).any(1)).tolist()
            if problems := [
                other_extents(self._files[each], tuple(found[each].tolist()), extents[:2])
                for each in wrong
            ]:
                raise DataError(*problems)
        return extents


def opened(
    given: Packed,
    data_dir: str | os.PathLike[str] | None = None,
    share: Share = ALONE,
) -> PackedSet:
    """A packed data set, its files looked at.

    Args:
        given: Where it is, and what of its source is said otherwise.
        data_dir: The folder of data sets, into which shards are copied from a URL.
        share: Which of how many processes reads it: each looks at the contents of its part of the
            files, so that together they have seen all.

    Raises:
        DataError: Its files are not those that its index names, or cannot be read.
        UsageError: There is none.
        MissingExtraError: It is at a URL, and fsspec is not installed.
    """
    folder = Path(given.packed)
    if is_url(given.packed):
        folder, index = fetched(given.packed, data_directory(data_dir))
    else:
        index = index_of(folder)
    require_whole(folder, index.files, share)
    return PackedSet(given.packed, folder, index, _source_of(given, index))


def _source_of(given: Packed, index: Index) -> Unpacked:
    """What a set was packed from, with what the spec says otherwise."""
    said: dict[str, Any] = {
        name: value
        for name in ("fit", "background", "value_range")
        if (value := getattr(given, name)) is not None
    }
    try:
        source = read_data(index.source)
    except Faults as faults:
        raise DataError(f"{given.packed}/{INDEX} is damaged: source: {faults}") from None
    if isinstance(source, Images | Arrays | Csv):
        known = type(source).model_fields
        return source.model_copy(update={name: said[name] for name in said if name in known})
    for name in KNOWN:
        if name == source:  # what is known by its name says nothing of ranges
            return Arrays(arrays=name, **said) if "value_range" in said else name
    raise DataError(f"{given.packed}/{INDEX} is damaged: source: it is no data set")
