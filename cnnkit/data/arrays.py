"""NumPy's .npz files, of which no Python object is ever read."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnnkit.data.conversion import Pair, dataset_of
from cnnkit.data.dataset import Array, Dataset, Indices
from cnnkit.data.files import readable
from cnnkit.errors import DataError, did_you_mean
from cnnkit.layers.shape import show

_PAIRS = (("x", "y"), ("inputs", "targets"), ("images", "labels"), ("data", "labels"))
INPUTS = tuple(inputs for inputs, _ in _PAIRS)
"""The usual names of inputs, in small letters."""
_WORDS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
_PLACE = re.compile(r"(?P<name>.+)\[(?P<place>\d{1,9})\]")
# Zeros are compressed a thousand times: a file of 16 MB may hold 16 GiB.
_LARGEST = 2**34


class Named(NamedTuple):
    """The names of the arrays, where they are given."""

    inputs: str | None = None
    targets: str | None = None
    test_inputs: str | None = None
    test_targets: str | None = None


_NOTHING_NAMED = Named()


def read(path: Path, named: Named = _NOTHING_NAMED) -> Dataset:
    """The data set in an .npz file.

    Its arrays are called ``x`` and ``y``, ``inputs`` and ``targets``, or ``images`` and
    ``labels``, in small letters or capitals; with ``train``, ``validation`` (or ``val``) and
    ``test`` and an underscore before or behind, they are splits. ``classes`` may name the classes.

    Args:
        path: The file.
        named: Names of arrays that are called otherwise.

    Raises:
        DataError: The file is damaged, holds Python objects, or lacks an array.
        UsageError: There is no such file.
    """
    arrays = opened(path)
    parts = _named(arrays, named, path) if any(named) else _usual(arrays, path)
    train, validation = _with_validation(parts, path)
    names = _spelt(arrays, "classes")
    classes = () if names is None else tuple(str(name) for name in names.reshape(-1))
    if len(set(classes)) < len(classes):
        raise DataError(f"{path}: two of its `classes` have one name")
    return dataset_of(
        path.name, train, parts.get("test"), str(path), classes=classes, validation=validation
    )


def opened(path: Path) -> dict[str, Array]:
    """All arrays of a file by their names.

    Raises:
        DataError: It is damaged, or holds Python objects.
        UsageError: There is no such file.
    """
    with readable(path), reported(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _LARGEST:
            raise DataError(f"{path} unpacks to {size:,} bytes; {_LARGEST:,} are the limit")
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive.items())


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Says what is wrong with a file of NumPy, whatever exception that comes as.

    Raises:
        DataError: It is damaged, of another kind, or holds Python objects.
    """
    try:
        yield
    except zipfile.BadZipFile:
        raise DataError(
            f"{path} is no .npz file, or only a part of one: write it with np.savez"
        ) from None
    except (
        ValueError,
        EOFError,
        KeyError,
        MemoryError,
        NotImplementedError,
        RuntimeError,  # an archive with a password
        zlib.error,
    ) as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path} holds Python objects, which are never read: save arrays of numbers"
            ) from None
        raise DataError(f"{path} is damaged: {error or type(error).__name__}") from None


def _named(arrays: Mapping[str, Array], named: Named, path: Path) -> dict[str, Pair]:
    """The splits under names that are given."""
    parts = {}
    for split, pair in (("train", named[:2]), ("test", named[2:])):
        if split == "test" and pair == (None, None):
            continue
        found = []
        for what, name in zip(("inputs", "targets"), pair, strict=True):
            field = what if split == "train" else f"test_{what}"
            if name is None:
                raise DataError(f"{path}: name its {field} too, as `{field}: NAME`")
            found.append(array_of(arrays, name, path))
        parts[split] = (found[0], found[1])
    return parts


def array_of(arrays: Mapping[str, Array], name: str, path: Path) -> Array:
    """The array of a name in a file, ``masks``; or of its last axis one place, ``masks[2]``.

    Raises:
        DataError: There is none.
    """
    chosen = _PLACE.fullmatch(name)
    if name not in arrays and chosen is not None and chosen["name"] in arrays:
        whole, place = arrays[chosen["name"]], int(chosen["place"])
        if whole.ndim < 2 or place >= whole.shape[-1]:
            raise DataError(
                f"{path} has no `{name}`: `{chosen['name']}` is {show(whole.shape)}, and the "
                f"places of its last axis count from 0"
            )
        return whole[..., place]
    if name not in arrays:
        near = did_you_mean(name, arrays)
        meant = f": did you mean `{near}`?" if near else f": it has {_listed(arrays)}"
        raise DataError(f"{path} has no array `{name}`{meant}")
    return arrays[name]


def _usual(arrays: Mapping[str, Array], path: Path) -> dict[str, Pair]:
    """The splits under their usual names; arrays without one are all for training."""
    parts = {
        split: pair
        for split, words in _WORDS.items()
        if (pair := _pair(arrays, [each for word in words for each in _spellings(word)], path))
    }
    whole = _pair(arrays, _PAIRS, path)
    if whole and "train" in parts:
        raise DataError(f"{path} has all examples and a training split too: {_listed(arrays)}")
    if whole:
        parts["train"] = whole
    if "train" not in parts:
        raise DataError(
            f"{path} has no examples that are called x and y, or x_train and y_train; it has "
            f"{_listed(arrays)}: say which with `inputs: NAME` and `targets: NAME`"
        )
    return parts


def _spellings(word: str) -> Iterator[tuple[str, str]]:
    for inputs, targets in _PAIRS:
        yield f"{inputs}_{word}", f"{targets}_{word}"
        yield f"{word}_{inputs}", f"{word}_{targets}"


def _pair(
    arrays: Mapping[str, Array], spellings: Iterable[tuple[str, str]], path: Path
) -> Pair | None:
    """The first inputs that are there under any spelling, and their targets."""
    lacking = None
    for inputs_name, targets_name in spellings:
        inputs, targets = _spelt(arrays, inputs_name), _spelt(arrays, targets_name)
        if inputs is not None and targets is not None:
            return inputs, targets
        if inputs is not None:
            lacking = f"{path} has {inputs_name}, but no {targets_name}"
    if lacking:
        raise DataError(f"{lacking}; it has {_listed(arrays)}")
    return None


def _spelt(arrays: Mapping[str, Array], name: str) -> Array | None:
    """The array of a name, in small letters or capitals."""
    return next((array for key, array in arrays.items() if key.lower() == name), None)


def _with_validation(parts: Mapping[str, Pair], path: Path) -> tuple[Pair, Indices | None]:
    """The examples to train and then those to validate on, and the places of the latter."""
    train, more = parts["train"], parts.get("validation")
    if more is None:
        return train, None
    for one, other in zip(train, more, strict=True):
        if one.shape[1:] != other.shape[1:] or one.dtype != other.dtype:
            raise DataError(
                f"{path}: the arrays of validation differ in shape or type from train's"
            )
    inputs, targets = (np.concatenate([one, other]) for one, other in zip(train, more, strict=True))
    return (inputs, targets), np.arange(len(train[0]), len(inputs))


def _listed(arrays: Mapping[str, Array]) -> str:
    return ", ".join(list(arrays)[:12]) or "nothing"
