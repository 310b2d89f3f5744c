"""What is known of each example of a packed data set, beside its record: a file of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np

from cnnkit.data import arrays
from cnnkit.data.dataset import Array, Examples, Indices, Sources
from cnnkit.data.images import ImageArray
from cnnkit.data.index import Index, IndexedColumn
from cnnkit.data.reading import headers_of
from cnnkit.errors import DataError

_SHA256: Final = 32  # bytes
# No name of a file has it.
_BETWEEN: Final = "\0"


@dataclass(frozen=True, eq=False)
class ExampleTable:
    """What is known of each example: those of `train`, and then those of `test`.

    Attributes:
        targets: As of ``Examples``, as they were read.
        sources: The files that the examples come from, where each has one.
        extents: Height and width of each image, ``[N, 2]``; None where there are none.
        validation: The places of the validation split.
    """

    targets: Array
    sources: Sources | None
    extents: Array | None
    validation: Indices | None

    @property
    def range_of_extents(self) -> dict[Literal["smallest", "largest"], tuple[int, int]]:
        """The smallest and the largest height and width."""
        if self.extents is None:
            return {}
        (low, narrow), (high, wide) = self.extents.min(0).tolist(), self.extents.max(0).tolist()
        return {"smallest": (low, narrow), "largest": (high, wide)}

    @classmethod
    def of_parts(cls, parts: Sequence[Examples], validation: Indices | None) -> Self:
        """That of examples as they were read: those of `train`, and maybe those of `test`."""
        known = [each.sources for each in parts if each.sources is not None]
        sources = None
        if known:
            sources = Sources(
                tuple(path for each in known for path in each.paths),
                tuple(digest for each in known for digest in each.digests),
            )
        images = [each.inputs for each in parts if isinstance(each.inputs, ImageArray)]
        headers = headers_of([path for each in images for path in each.paths], ())
        extents = np.array([(each.height, each.width) for each in headers], np.int32)
        return cls(
            np.concatenate([each.targets for each in parts]),
            sources,
            extents if images else None,
            validation,
        )

    def write(self, path: Path) -> None:
        """Writes the table; the same one gives the same bytes."""
        table = {"targets": self.targets}
        if self.validation is not None:
            table["validation"] = self.validation.astype(np.int64)
        if self.extents is not None:
            table["extents"] = self.extents
        if self.sources is not None:
            names = _BETWEEN.join(path.as_posix() for path in self.sources.paths)
            digests = bytes.fromhex("".join(self.sources.digests))
            table["names"] = np.frombuffer(names.encode("utf-8", "surrogateescape"), np.uint8)
            table["digests"] = np.frombuffer(digests, np.uint8).reshape(-1, _SHA256)
        np.savez(path, **table)  # type: ignore[arg-type] # an option of NumPy's own is a bool

    @classmethod
    def of(cls, path: Path, column: IndexedColumn, index: Index) -> Self:
        """That of a file.

        Args:
            path: The file.
            column: Whose examples they are.
            index: The data set that it belongs to.

        Raises:
            DataError: It is damaged.
        """
        found, count = arrays.opened(path), index.count
        of_images, named = column.records == "images", column.records in ("images", "files")

        def damaged(what: str) -> DataError:
            return DataError(f"{path} is damaged: {what}")

        def array(name: str, kinds: str, *shape: int) -> Array:
            values = found.get(name)
            alike = values is not None and values.shape[: len(shape)] == shape
            if values is None or not alike or values.dtype.kind not in kinds:
                raise damaged(f"it has no {name} of {count:,} examples")
            return values

        sources = None
        if named or "names" in found:
            text = array("names", "u").tobytes().decode("utf-8", "surrogateescape")
            names = tuple(map(Path, text.split(_BETWEEN)))
            if len(names) != count:
                raise damaged(f"it has no names of {count:,} examples")
            digests = array("digests", "u", count, _SHA256)
            sources = Sources(names, tuple(each.tobytes().hex() for each in digests))
        validation = found.get("validation")
        if validation is not None and not _are_places(validation, index.splits["train"].examples):
            raise damaged("its validation split is no part of it")
        return cls(
            array("targets", "iufb", count),
            sources,
            array("extents", "i", count, 2) if of_images else None,
            validation,
        )


def _are_places(array: Array, count: int) -> bool:
    """Whether numbers are places among so many."""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        return False
    return not len(array) or bool(0 <= array.min() <= array.max() < count)
