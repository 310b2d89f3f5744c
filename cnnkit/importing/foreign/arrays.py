"""Files of arrays, read as data: safetensors, NumPy, HDF5 of Keras, PyTorch with `weights_only`."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnkit.errors import Finding, MissingExtraError, SpecError, UsageError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

MAX_ELEMENTS: Final = 2**29
_WRAPPERS: Final = ("state_dict", "model_state_dict", "model", "model_ema")
_NUMBER: Final = re.compile(r"(\d+)")


class _UnreadableError(Exception):
    """A file cannot be read; the message says why."""


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of floating point in a file, by their names, in its order.

    Raises:
        MissingExtraError: The package that reads the format is not installed.
        SpecError: It cannot be read.
        UsageError: There is no such file, or it is of another format.
    """
    reader = next((_READERS[end] for end in _READERS if path.name.lower().endswith(end)), None)
    if reader is None:
        raise UsageError(f"{path} is no file of weights: they end in {', '.join(_READERS)}")
    try:
        with path.open("rb"):
            pass  # the words of the system, where it cannot be opened
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        found = reader(path)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path} needs {error.name}, which is not installed: pip install {_line(error.name)}"
        ) from error
    except _UnreadableError as error:
        message = f"{path} cannot be read: {error}"
        raise SpecError([Finding("unreadable-file", "error", message)]) from error
    except Exception as error:  # each package has errors of its own for what is damaged
        said = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"{path} cannot be read: {said}"
        advice = "it may be cut off, or of another kind"
        raise SpecError([Finding("unreadable-file", "error", message, advice)]) from error
    return {name: array for name, array in found.items() if array.dtype.kind == "f"}


def _line(package: str | None) -> str:
    return "torch" if package == "torch" else "'cnnkit[import]'"


def _safetensors(path: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file

    return dict(load_file(path))


def _numpy(path: Path) -> dict[str, Array]:
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.file_size > 4 * MAX_ELEMENTS:
                raise _UnreadableError(f"`{info.filename}` has {info.file_size:,} bytes")
            _check_size(f"`{info.filename}`", info.compress_size, info.file_size)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _check_size(what: str, stored: int, unpacked: int) -> None:
    """Whether what a file holds is about as large in it as it would be in memory.

    Raises:
        _UnreadableError: It unpacks to far more.
    """
    if unpacked > 2**20 + 100 * stored:
        raise _UnreadableError(f"{what} says that it unpacks from {stored:,} bytes to {unpacked:,}")


def _torch(path: Path) -> dict[str, Array]:
    import torch

    given = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in _WRAPPERS:
        if isinstance(given, Mapping) and isinstance(given.get(wrapper), Mapping):
            given = given[wrapper]
    if not isinstance(given, Mapping):
        raise _UnreadableError(f"it holds {type(given).__name__}, no `state_dict`")
    # A tensor may be a number that is stretched, and one in the file be many there.
    tensors = [each for each in given.values() if isinstance(each, torch.Tensor)]
    size = path.stat().st_size
    _check_size("it", size, sum(4 * each.numel() for each in tensors))
    return {
        str(name): tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
        for name, tensor in given.items()
        if isinstance(tensor, torch.Tensor)
    }


def _hdf5(path: Path) -> dict[str, Array]:
    """Layers by their own names where the file has these, in the order in which Keras counts them.

    It counts those of a class: `conv2d`, `conv2d_1`. Arrays are named by number or name.
    """
    import h5py

    with h5py.File(path, "r") as file:
        found = dict(_datasets(file, h5py, ""))
        named = {name: _by_own_names(file, name) for name in found}
    if len({*named.values()}) < len(named):  # of a layer that is shared, or of another's name
        named = {name: name for name in found}
    return {named[name]: found[name] for name in sorted(found, key=_counted)}


def _by_own_names(file: Any, name: str) -> str:
    """`layers/conv2d_3/vars/0` as `layers/stem/vars/0`, where the file says so of the layer."""
    layer, vars_, number = name.rpartition("/vars/")
    own = file[f"{layer}/vars"].attrs.get("name") if vars_ and layer else None
    if not isinstance(own, str) or "/" in own or not own:
        return name
    return "/".join([*layer.split("/")[:-1], own, "vars", number])


def _datasets(group: Any, h5py: Any, prefix: str) -> Iterator[tuple[str, Array]]:
    import numpy as np

    for name in group:
        if prefix == "" and name.startswith("optimizer"):
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _UnreadableError(f"`{prefix}{name}` is a link to another place")
        inner = group[name]
        if isinstance(inner, h5py.Group):
            yield from _datasets(inner, h5py, f"{prefix}{name}/")
        elif inner.external or inner.is_virtual:
            raise _UnreadableError(f"`{prefix}{name}` has its values in another file")
        elif inner.size is not None and inner.size > MAX_ELEMENTS:
            raise _UnreadableError(f"`{prefix}{name}` has {inner.size:,} elements")
        else:
            _check_size(f"`{prefix}{name}`", inner.id.get_storage_size(), inner.nbytes)
            yield f"{prefix}{name}", np.asarray(inner[...])


def _counted(name: str) -> list[tuple[int, str]]:
    """Names in the order of their numbers: `conv2d`, `conv2d_2`, `conv2d_10`."""
    parts = _NUMBER.split(name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


_READERS: Mapping[str, Callable[[Path], dict[str, Array]]] = {
    ".safetensors": _safetensors,
    ".npz": _numpy,
    ".h5": _hdf5,
    ".pth": _torch,
    ".pt": _torch,
    ".bin": _torch,
}
