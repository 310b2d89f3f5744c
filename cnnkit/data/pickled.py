"""Reads the one kind of pickle that data sets are published as, and runs nothing in it.

A pickle is a program that may call any function of any module. This reader knows no function:
the names that NumPy's arrays are pickled with stand for objects of this file, which remember
what they are given; any other name is refused.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.files import readable
from cnnkit.errors import DataError


def unpickled(path: Path) -> Any:
    """What a pickle of dictionaries, lists, strings (as bytes), numbers and byte arrays holds.

    Raises:
        DataError: The pickle is damaged, or holds anything else.
    """
    with readable(path), path.open("rb") as stream:
        try:
            return _revived(_Reader(stream, encoding="bytes").load())
        except _RefusedError as error:
            raise DataError(
                f"{path} is refused: {error}; a batch of CIFAR holds lists and one array"
            ) from None
        except Exception as error:  # a damaged program may fail in any way
            raise DataError(f"{path} is no readable pickle ({type(error).__name__})") from None


class _RefusedError(Exception):
    """The pickle asks for what no data set needs."""


class _Array:
    """Stands for an array while its pickle is read."""

    __slots__ = ("state",)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Dtype:
    """Stands for the type of an array's elements while its pickle is read."""

    __slots__ = ("code",)

    def __init__(self, code: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        """The byte order and the like, which bytes do not have."""


class _Name:
    """Stands for a function or class of NumPy; has no state that a pickle could change."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise _RefusedError("it changes a function")


class _Reconstruct(_Name):
    __slots__ = ()

    def __call__(self, *_arguments: Any) -> _Array:
        return _Array()


class _MakeDtype(_Name):
    __slots__ = ()

    def __call__(self, code: Any, *_flags: Any) -> _Dtype:
        return _Dtype(code)


class _Encode(_Name):
    """What Python 3 writes bytes as, where Python 2 is to read them: a text in Latin-1."""

    __slots__ = ()

    def __call__(self, text: str, encoding: str) -> bytes:
        if encoding not in ("latin1", b"latin1"):
            raise _RefusedError("it decodes a text")
        return text.encode("latin1")


_NAMES: dict[tuple[str, str], type[_Name]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct,
    ("_codecs", "encode"): _Encode,
    ("numpy", "ndarray"): _Name,
    ("numpy", "dtype"): _MakeDtype,
}


# The reader in C sets aside memory for any number that a pickle names; the one in Python does not.
class _Reader(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if found := _NAMES.get((module, name)):
            return found()
        raise _RefusedError(f"it asks for `{module}.{name}`"[:200])


def _revived(value: Any) -> Any:
    """The value, with what stands for an array as the array."""
    if isinstance(value, _Array):
        return _array(value.state)
    if isinstance(value, dict):
        return {key: _revived(each) if isinstance(each, _Array) else each
                for key, each in value.items()}  # fmt: skip
    return value


def _array(state: Any) -> NDArray[np.uint8]:
    """The array of bytes that ``ndarray.__setstate__`` would make of its state."""
    _version, shape, dtype, fortran, data = state
    if not isinstance(dtype, _Dtype) or dtype.code not in (b"u1", "u1"):
        raise _RefusedError("its array is none of bytes")
    return np.frombuffer(data, np.uint8).reshape(shape, order="F" if fortran else "C")
