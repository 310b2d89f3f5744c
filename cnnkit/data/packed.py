"""Packed data sets: what `cnnkit data pack` wrote, as the data set that it was packed from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
from cnnkit.data.index import INDEX, Index, IndexedColumn, index_of, require_whole
from cnnkit.data.layout import SplitName
from cnnkit.data.partners import Pair, PairsOfSplits
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.records import FileColumn, RecordArray, RecordedFiles, Records
from cnnkit.data.remote import fetched, index_at
from cnnkit.data.several import Parts
from cnnkit.data.share import ALONE, Share
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.faults import Faults
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Loss, Packed, Unpacked
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

    place: Path
    folder: Path
    index: Index
    source: Unpacked

    def column(self, name: str = "") -> PackedColumn:
        """What each example has of a name; by default, and where there is none, the first column.

        Raises:
            DataError: The table of its examples is damaged.
        """
        beside = self.index.columns.get(name)
        column = beside or self.index
        table = ExampleTable.of(self.folder / column.examples.file, column, self.index)
        place = self.place / name if beside else self.place
        return PackedColumn(place, self.folder, self.index, column, table)

    def pairs(self, source: Images) -> tuple[PairsOfSplits, RecordedFiles]:
        """The images with their masks or targets, and what is in these files.

        Args:
            source: Its own, or one of its several folders of masks.

        Raises:
            DataError: They are damaged.
        """
        kind = "masks" if source.masks is not None else "targets"
        beside = kind if kind in self.index.columns else f"{kind}/{getattr(source, kind)}"
        images, partners = self.column(), self.column(beside)
        files = images.files(self.place / "images"), partners.files(self.place / beside)
        pairs = list(map(Pair, files[0].paths, files[1].paths))
        count, known = self.index.splits["train"].examples, images.table.validation
        own = count if known is None else count - len(known)
        parts: dict[SplitName, list[Pair]] = {
            "train": pairs[:own],
            "validation": pairs[own:count],
            "test": pairs[count:],
        }
        return {name: part for name, part in parts.items() if part}, RecordedFiles(*files)

    def arrays(self, loss: Loss | None) -> Parts:
        """The inputs and the targets that have names, in the values of their file.

        Args:
            loss: What compares the outputs, where that is known.

        Raises:
            DataError: They are damaged, or there are no targets, and the loss compares some.
        """
        source = self.source
        assert isinstance(source, Arrays)  # noqa: S101 - others have no such arrays
        names = source.inputs if isinstance(source.inputs, Mapping) else [""]
        inputs = {name: self.column(f"inputs/{name}").values() for name in names}
        widest = max(inputs.values(), key=lambda each: len(each.shape))
        outputs = {
            name.removeprefix("outputs/"): self.column(name).targets(widest)
            for name in self.index.columns
            if name.startswith("outputs/")
        }
        if not outputs and loss is not None and loss.kind != "triplet":
            raise DataError(f"{self.place} has no targets, which `{loss.kind}` compares")
        return Parts(inputs, outputs or {"": next(iter(inputs.values()))})


@dataclass(frozen=True)
class PackedColumn:
    """What each example of a packed data set has one of.

    Attributes:
        place: Where messages say that it is.
        folder: Where its files lie.
        index: The data set's.
        told: What the index says of the column.
        table: What is known of each example.
    """

    place: Path
    folder: Path
    index: Index
    told: IndexedColumn
    table: ExampleTable

    def dataset(
        self,
        *,
        shape: Shape | None,
        decoding: Decoding,
        budget: int,
        progress: Progress = unseen,
    ) -> Dataset:
        """The data set of these inputs, in the values of its files.

        Args:
            shape: Of an input; by default the commonest of images, and that of values.
            decoding: How images come to it.
            budget: The bytes up to which all inputs are read at once.
            progress: Is told how many of them are read, and how many there are.

        Raises:
            DataError: The files are damaged, or images do not fit.
        """
        shape = self._shape(shape, decoding)
        whole = self._inputs(slice(None), shape, decoding)
        held: list[Inputs] = [self._inputs(part, shape, decoding) for part in self._parts]
        if whole.nbytes <= budget:
            values = whole.read(progress)
            held = [values[part] for part in self._parts]
        return self._of(held, decoding if self.told.records == "images" else None)

    def values(self) -> Dataset:
        """The data set of these values, left in their records."""
        return self.dataset(shape=None, decoding=Decoding(), budget=0)

    def targets(self, beside: Dataset) -> Dataset:
        """The data set of these targets, with the inputs of another."""
        parts = [part.inputs for part in (beside.train, beside.test) if part is not None]
        return self._of(parts, None)

    def files(self, place: Path) -> FileColumn:
        """The files that records stand for.

        Args:
            place: Where messages say that they are.

        Raises:
            DataError: They have no names.
        """
        if self.table.sources is None:
            raise DataError(f"{self.folder / self.told.examples.file} is damaged: it has no names")
        return FileColumn(place, self.table.sources, self._records)

    @property
    def _parts(self) -> list[slice]:
        """The places of the examples of `train`, and maybe of `test`."""
        count = self.index.splits["train"].examples
        own = [slice(count, None)] if "test" in self.index.splits else []
        return [slice(0, count), *own]

    def _of(self, inputs: Sequence[Inputs], decoding: Decoding | None) -> Dataset:
        """The data set of inputs of each split, and of the targets that are known."""
        told, table = self.told, self.table
        examples = [
            Examples(each, table.targets[part], table.sources and table.sources.some(part))
            for each, part in zip(inputs, self._parts, strict=True)
        ]
        return Dataset(
            name=told.name,
            train=examples[0],
            test=examples[1] if len(examples) > 1 else None,
            classes=told.classes,
            validation=table.validation,
            dtype=told.dtype_in_files,
            decoding=decoding,
            target=told.target,
            notes=told.notes,
        )

    @cached_property
    def _records(self) -> Records:
        shards = self.told.shards
        return Records(
            [self.folder / each.file for each in shards], [each.records for each in shards]
        )

    @cached_property
    def _files(self) -> FileColumn:
        """What messages call the file of each example, and what is in it."""
        return self.files(self.place)

    def _inputs(self, part: slice, shape: Shape, decoding: Decoding) -> ImageArray | RecordArray:
        dtype = self.told.dtype
        if self.told.records == "values":
            return RecordArray(self._records.some(part), shape, dtype)
        height, width, channels = shape
        extents = height, width, channels
        return ImageArray(self._files.paths[part], extents, decoding, dtype, self._contents)

    @cached_property
    def _contents(self) -> RecordedFiles:
        return RecordedFiles(self._files)

    def _shape(self, wanted: Shape | None, decoding: Decoding) -> Shape:
        """The shape in which inputs are read: that of the network, of images.

        Raises:
            DataError: It is none that images have, or they would have to be resized.
        """
        if self.told.records == "values":
            return self.told.shape
        extents = extents_of(wanted or self.told.shape, self.place)
        assert extents is not None  # noqa: S101 - there is a shape
        found = self.table.extents
        if decoding.fit == "none" and found is not None:
            paths = self._files.paths
            wrong = np.flatnonzero((found != extents[:2]).any(1)).tolist()
            if problems := [
                other_extents(paths[each], tuple(found[each].tolist()), extents[:2])
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
    return PackedSet(Path(given.packed), folder, index, _source_of(given, index))


def unpacked(data: Data | None) -> Unpacked | None:
    """What data were packed from, as their index says; others are what they are.

    Raises:
        DataError: The index is damaged.
        UsageError: It is not there any more.
        MissingExtraError: It is at a URL, and fsspec is not installed.
    """
    if not isinstance(data, Packed):
        return data
    place = data.packed
    return _source_of(data, index_at(place) if is_url(place) else index_of(Path(place)))


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
