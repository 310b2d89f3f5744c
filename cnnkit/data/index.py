"""What a packed data set says of itself: `index.json`, beside its shards.

An index is not trusted: it names files of its own folder alone, and these have the size and the
SHA-256 that it says, or are not read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cnnkit.data.decoding import MODES, MOST_PIXELS
from cnnkit.data.files import readable
from cnnkit.data.reading import outcomes_of, require_sound
from cnnkit.data.share import ALONE, Share
from cnnkit.data.sources import digest
from cnnkit.errors import DataError, UsageError
from cnnkit.layers.shape import show

INDEX: Final = "index.json"
EXAMPLES: Final = "examples.npz"
FORMAT: Final = 2
LARGEST: Final = 2**26
"""The bytes of an index at most: it has a few lines a shard and a class."""

Count = Annotated[int, Field(ge=0)]
Extent = Annotated[int, Field(gt=0)]


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class IndexedFile(_Entry):
    """A file beside the index.

    Attributes:
        file: Its name.
        bytes: Its size.
        sha256: Of its contents.
    """

    file: str
    bytes: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Shard(IndexedFile):
    """A file of records.

    Attributes:
        records: How many it has.
    """

    records: Extent


class SplitFigures(_Entry):
    """What the examples of a split are.

    Attributes:
        examples: How many there are.
        classes: How many of each class or label.
        mean: That of each channel, of inputs as they are trained on: of bytes from 0 to 1.
        deviation: The root of the mean squared distance from it; 1 of a channel that is constant.
        minimum: The smallest value, of bytes before their scaling.
        maximum: The largest.
    """

    examples: Count
    classes: dict[str, Count]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    minimum: float
    maximum: float


class IndexedColumn(_Entry):
    """What every example has one of: an input, its mask, a target.

    Attributes:
        name: What reports call the data set of these alone.
        records: Whether a record is the file of an image, which is an input; a file beside it,
            such as its mask; or the values of an input. Of `targets` there are no records: they
            are in the file of the examples.
        shape: The commonest shape of an image, or that of each input; of others none.
        dtype: The type of the values.
        dtype_in_files: The type that the source had for them; empty where it is the same.
        classes: The names of the classes, in their order.
        target: Which column of a table the targets are.
        notes: What was seen while the source was read.
        examples: The file of what is known of each example.
        shards: The files of records: those of `train`, then those of `test`, in their order.
    """

    name: str
    records: Literal["images", "files", "values", "targets"]
    shape: tuple[Extent, ...]
    dtype: Literal["uint8", "uint16", "float32"]
    dtype_in_files: str
    classes: tuple[str, ...]
    target: str
    notes: tuple[str, ...]
    examples: IndexedFile
    shards: tuple[Shard, ...]

    @property
    def own_files(self) -> tuple[IndexedFile, ...]:
        """The files of this column."""
        return (self.examples, *self.shards)


class Index(IndexedColumn):
    """A packed data set: what its first column is, its figures, and the columns beside it.

    Attributes:
        format: The version of this file: 2 where there are columns beside the first.
        source: What it was packed from, as `data:` of a spec has it, without the folders.
        extents: The smallest and the largest height and width of images; of values there are none.
        splits: The figures of `train`, to which a validation split of its own belongs, and `test`.
        columns: What each example has beside the first column: `masks`, `targets`, or where there
            are several `masks/NAME`, `images/NAME`, `inputs/NAME` and `outputs/NAME`.
    """

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    source: str | dict[str, Any]
    extents: dict[Literal["smallest", "largest"], tuple[Extent, Extent]]
    splits: dict[Literal["train", "test"], SplitFigures]
    columns: dict[str, IndexedColumn] = {}

    @property
    def count(self) -> int:
        """How many examples there are."""
        return sum(each.examples for each in self.splits.values())

    @property
    def files(self) -> tuple[IndexedFile, ...]:
        """All files but the index itself."""
        beside = (file for column in self.columns.values() for file in column.own_files)
        return (*self.own_files, *beside)

    def text(self) -> str:
        """The index as its file has it."""
        said = self.model_dump(mode="json", exclude=None if self.columns else {"columns"})
        written = {"format": said.pop("format"), **said}
        return json.dumps(written, indent=1, ensure_ascii=False) + "\n"


def is_packed(folder: Path) -> bool:
    """Whether a folder holds a packed data set."""
    return (folder / INDEX).is_file()


def index_of(folder: Path) -> Index:
    """The index of a packed data set in a folder.

    Raises:
        DataError: It cannot be read, is damaged, was written by a later version, or names files
            that are not its own.
        UsageError: There is none.
    """
    path = folder / INDEX
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}: name one that `cnnkit data pack SOURCE DIR` wrote"
        )
    if not path.exists():
        raise UsageError(
            f"{folder} is no packed data set, it has no {INDEX}: `cnnkit data pack SOURCE DIR` "
            f"writes one"
        )
    if not path.is_file():  # a pipe would be waited for
        raise DataError(f"{path} is no file, and is not read")
    with readable(path), path.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    return parsed(content, str(path))


def parsed(content: bytes, where: str) -> Index:
    """An index of the contents of its file.

    Args:
        content: What is in the file.
        where: What messages call it.

    Raises:
        DataError: It is damaged, was written by a later version, or names files that are not its
            own.
    """
    if len(content) > LARGEST:
        raise DataError(f"{where} has more than {LARGEST:,} bytes, which no index has")
    try:
        written = json.loads(content)
    except (ValueError, RecursionError):
        raise DataError(f"{where} is damaged: it is no JSON") from None
    version = written.get("format") if isinstance(written, Mapping) else None
    if isinstance(version, int) and version > FORMAT:
        raise DataError(
            f"{where} was written by a later version of cnnkit: its format is {version}, and this "
            f"version reads {FORMAT}; update cnnkit, or pack the data with this version"
        )
    try:
        index = Index.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise DataError(f"{where} is damaged: {place}: {first['msg']}") from None
    if problems := list(_inconsistent(index, where)):
        raise DataError(*problems)
    return index


def _inconsistent(index: Index, where: str) -> Iterator[str]:
    names = [each.file for each in index.files]
    for name in names:
        if not _is_plain(name):
            yield f"{where} names {name!r}, which is no file in its own folder: nothing is read"
    if len(set(names)) < len(names):
        yield f"{where} is damaged: it names a file twice"
    for name, column in {"": index, **index.columns}.items():
        its = f"the shards of {name}" if name else "its shards"
        due = 0 if column.records == "targets" else index.count
        records = sum(each.records for each in column.shards)
        if "train" not in index.splits or due != records or not index.count:
            yield f"{where} is damaged: its splits have {due:,} examples, {its} {records:,}"
        elif fault := _shape_fault(column, index.count):
            yield f"{where} is damaged: {fault}"


def _shape_fault(column: IndexedColumn, count: int) -> str | None:
    """What is wrong with a shape, which memory is taken for before a record is read."""
    size = sum(each.bytes for each in column.shards)
    if column.records == "values":
        due = count * math.prod(column.shape) * np.dtype(column.dtype).itemsize
        if due > size:
            return (
                f"{count:,} inputs of {show(column.shape)} have {due:,} bytes, its shards {size:,}"
            )
    if column.records == "images" and (
        len(column.shape) != 3
        or column.shape[-1] not in MODES
        or math.prod(column.shape[:2]) > MOST_PIXELS
    ):
        return f"{show(column.shape) or 'nothing'} is the shape of no image"
    return None


def _is_plain(name: str) -> bool:
    """Whether a name leads nowhere else, on any system."""
    plain = PurePosixPath(name).name == name and name not in ("", ".", "..")
    return plain and not set(name) & set("\\:\0")


def require_whole(folder: Path, files: Sequence[IndexedFile], share: Share = ALONE) -> None:
    """Raises where files are not those that an index names.

    Args:
        folder: Where they lie.
        files: What the index says of them.
        share: Which of several processes reads them; sizes are looked at in all, and contents in
            its part.

    Raises:
        DataError: All that are missing, cut off, changed, or lead out of the folder.
    """
    root = folder.resolve()

    def sound(numbered: tuple[int, IndexedFile]) -> None:
        number, due = numbered
        path = folder / due.file
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise DataError(f"{path} is a link that leads out of {folder}")
        if not path.is_file():
            what = "is no file" if path.exists() else "is missing"
            raise DataError(f"{path} {what}, which {INDEX} names: copy it there")
        with readable(path):
            size = path.stat().st_size
        if size != due.bytes:
            raise DataError(
                f"{path} has {size:,} bytes, and {INDEX} says {due.bytes:,}: copy it once more"
            )
        if share.has(number) and (found := digest(path)) != due.sha256:
            raise DataError(
                f"{path} has other contents than {INDEX} says, of the SHA-256 {found[:12]}… in "
                f"place of {due.sha256[:12]}…: copy it once more, or pack the data again"
            )

    require_sound(outcomes_of(sound, list(enumerate(files))))
