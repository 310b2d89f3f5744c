"""Reads many image files at once, in threads, and gathers all that is wrong with them."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.decoding import Decoding, Header, decoded, header
from cnnkit.errors import DataError

S = TypeVar("S")
T = TypeVar("T")
Progress = Callable[[int, int], None]

GREY = ("F", "I", "1", "L", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of images without colour."""

_DEPTHS = {
    "uint8": "8 bits a channel",
    "uint16": "16 bits a channel",
    "float32": "numbers of 32 bits",
}


def unseen(_done: int, _of: int) -> None:
    """Shows no progress."""


def headers_of(
    paths: Sequence[Path], places: Sequence[str], contents: Contents = ON_DISK
) -> list[Header]:
    """The headers of all files.

    Args:
        paths: The files.
        places: Where each is named, for messages.
        contents: What is in them.

    Raises:
        DataError: All files that are damaged; where one has no header, the others are decoded too,
            so that all are named at once.
    """
    outcomes = outcomes_of(lambda path: header(path, contents.of(path)), paths)
    headers = [each for each in outcomes if isinstance(each, Header)]
    if len(headers) == len(paths):
        return headers

    def tried(path: Path) -> None:
        content = contents.of(path)
        header(path, content)
        decoded(path, (1, 1, 3), Decoding("stretch"), content)

    require_sound(outcomes_of(tried, paths), places)
    return headers


def common_dtype(paths: Sequence[Path], headers: Sequence[Header]) -> str:
    """The type that holds the values of all images.

    Raises:
        DataError: They are of several types, whose values cannot be compared.
    """
    (usual, count), *others = Counter(each.dtype for each in headers).most_common()
    if others:
        raise DataError(
            *(
                f"{path} has {_DEPTHS[each.dtype]}, and {count:,} other images have "
                f"{_DEPTHS[usual]}: their values cannot be compared; save all alike"
                for path, each in zip(paths, headers, strict=True)
                if each.dtype != usual
            )
        )
    return usual


def outcomes_of(
    function: Callable[[S], T], items: Sequence[S], progress: Progress = unseen
) -> list[T | DataError]:
    """What a function gives for each item, or what is wrong with it; in several threads."""

    def outcome(item: S) -> T | DataError:
        try:
            return function(item)
        except DataError as error:
            return error

    outcomes = []
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        # Pillow warns of images that are refused here, and of metadata that no one asked for.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for number, each in enumerate(pool.map(outcome, items), 1):
            outcomes.append(each)
            progress(number, len(items))
    return outcomes


def require_sound(outcomes: Sequence[object], places: Sequence[str] = ()) -> None:
    """Raises all that is wrong with files, each with the place that names it."""
    if problems := problems_of(outcomes, places):
        raise DataError(*problems)


def problems_of(outcomes: Iterable[object], places: Sequence[str]) -> list[str]:
    """What is wrong with files, each with the place that names it, where there is one."""
    found = []
    for number, each in enumerate(outcomes):
        if isinstance(each, DataError):
            where = f"{places[number]}: " if places else ""
            found += [f"{where}{problem}" for problem in each.problems]
    return found
