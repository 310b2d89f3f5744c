"""The arrays of an ONNX file, within bounds: sizes are held to what is there before it is read."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.importing.graph import RefusedError

if TYPE_CHECKING:
    import onnx

    from cnnkit.importing.graph import Array

MAX_ELEMENTS = 2**29
"""The most elements of one array: above any layer of a published network."""
_WIDEST = 16
"""The bytes of an element of the widest type."""


def array(tensor: onnx.TensorProto, folder: Path) -> Array:
    """The values of a tensor.

    Raises:
        RefusedError: It holds other values than its shape says, or lies outside the folder.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    name, dims = tensor.name or "a constant", tuple(tensor.dims)
    check_size(dims, f"tensor `{name}`")
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = _external(tensor, folder)
        tensor = _inline(tensor)
        tensor.raw_data = raw
    try:
        kind = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        held = len(tensor.raw_data) // kind.itemsize if tensor.HasField("raw_data") else None
        if held is not None and held != math.prod(dims):
            raise RefusedError(
                f"tensor `{name}` says that it has {math.prod(dims):,} elements, it holds {held:,}"
            )
        values = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise RefusedError(f"tensor `{name}` cannot be read: {error}") from error
    return np.asarray(values)


def check_size(dims: tuple[int, ...], what: str) -> None:
    """Whether an array of a shape is worth making.

    Raises:
        RefusedError: It has too many elements, or a negative extent.
    """
    if any(extent < 0 for extent in dims) or math.prod(dims) > MAX_ELEMENTS:
        raise RefusedError(
            f"{what} says that it has the shape {list(dims)}: more than {MAX_ELEMENTS:,} elements, "
            "or none that can be"
        )


def check_external(tensors: Iterable[onnx.TensorProto], folder: Path) -> None:
    """Whether tensors in other files are about as large together as these are.

    Raises:
        RefusedError: Many have their values in the same bytes.
    """
    from onnx import TensorProto

    lengths: dict[Path, int] = defaultdict(int)
    for tensor in tensors:
        if tensor.data_location == TensorProto.EXTERNAL:
            with suppress(RefusedError):  # which is a finding of that tensor
                path, _, length = _place(tensor, folder)
                lengths[path] += length
    for path, length in lengths.items():
        size = path.stat().st_size
        if length > 2**20 + 2 * size:
            raise RefusedError(
                f"the tensors in `{path.name}` say that they have {length:,} bytes together, the "
                f"file has {size:,}"
            )


def _inline(tensor: onnx.TensorProto) -> onnx.TensorProto:
    from onnx import TensorProto

    return TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)


def _external(tensor: onnx.TensorProto, folder: Path) -> bytes:
    """The bytes of a tensor in a file beside the model's, or below its folder."""
    path, offset, length = _place(tensor, folder)
    if length > _WIDEST * math.prod(tensor.dims):
        raise RefusedError(
            f"tensor `{tensor.name}` says that it has {math.prod(tensor.dims):,} elements, it has "
            f"{length:,} bytes in `{path.name}`"
        )
    with path.open("rb") as stream:
        stream.seek(offset)
        return bytes(stream.read(length))


def _place(tensor: onnx.TensorProto, folder: Path) -> tuple[Path, int, int]:
    """The file that a tensor's bytes are in, where they begin, and how many there are.

    Raises:
        RefusedError: There is none below the folder, or they are not in it.
    """
    given = {entry.key: entry.value for entry in tensor.external_data}
    location = given.get("location", "")
    inside = folder.resolve()
    try:
        path = (inside / location).resolve()
        there = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # a name that no file can have, or a loop
        raise RefusedError(
            f"tensor `{tensor.name}` has its values in a file whose name leads nowhere"
        ) from error
    if not location or Path(location).is_absolute() or not path.is_relative_to(inside):
        raise RefusedError(
            f"tensor `{tensor.name}` has its values in `{location}`, outside the model's folder",
            "a model reads files of its own folder and below alone: put the file there",
        )
    if not there:
        raise RefusedError(
            f"tensor `{tensor.name}` has its values in `{location}`, which is no file",
            "copy it beside the model: both belong together",
        )
    try:
        offset, length = int(given.get("offset", 0)), int(given.get("length", -1))
    except ValueError as error:
        raise RefusedError(f"tensor `{tensor.name}` has no whole number as its place") from error
    size = path.stat().st_size
    length = size - offset if length < 0 else length
    if offset < 0 or length < 0 or offset + length > size:
        raise RefusedError(
            f"tensor `{tensor.name}` has its values at {offset:,} to {offset + length:,} of "
            f"`{location}`, which has {size:,} bytes"
        )
    return path, offset, length
