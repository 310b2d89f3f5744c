"""The weights in a file of Keras: shapes are known before they are read, links not followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from cnnkit.importing.graph import RefusedError
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

Shapes = Mapping[str, Shape]
MAX_ELEMENTS = 2**29
MAX_RATIO = 100
"""What is stored is not compressed, as a rule, and numbers compress to a tenth at best."""


class Store(Protocol):
    """Gives the arrays of a layer."""

    @property
    def holds(self) -> bool:
        """Whether there are weights at all."""

    def arrays(
        self, place: Sequence[str], names: Sequence[str], parts: Sequence[str], shapes: Shapes
    ) -> dict[str, Array]:
        """The arrays of a layer by Keras's names.

        Args:
            place: Where the layer is in the archive: ``layers``, ``conv2d_1``.
            names: The names of the models that the layer is in, and its own.
            parts: The names of the layers within it that lead to the one whose arrays they are.
            shapes: What is wanted, in the order in which Keras has it.

        Raises:
            RefusedError: They are not there, or of other shapes.
        """


class Nothing:
    """A model without weights: all are zeros."""

    holds = False

    def arrays(
        self, place: Sequence[str], names: Sequence[str], parts: Sequence[str], shapes: Shapes
    ) -> dict[str, Array]:
        """Zeros that take no memory."""
        import numpy as np

        del place, parts
        return {
            name: np.broadcast_to(np.zeros((), np.float32), _bounded(shape, names[-1], name))
            for name, shape in shapes.items()
        }


class _Hdf5:
    """Arrays in a file of HDF5, which each format has elsewhere."""

    holds = True

    def __init__(self, file: Any) -> None:
        self.file = file

    def arrays(
        self, place: Sequence[str], names: Sequence[str], parts: Sequence[str], shapes: Shapes
    ) -> dict[str, Array]:
        """Each from its place."""
        layer = names[-1]
        try:
            group = descend(self.file, self._group(place, names), layer)
            paths = self._paths(group, [*names, *parts], list(shapes))
            return {
                name: read(descend(group, path, layer), shape, layer, name)
                for (name, shape), path in zip(shapes.items(), paths, strict=True)
            }
        except (OSError, RuntimeError) as error:  # what h5py raises of bytes that are damaged
            raise RefusedError(f"the weights of layer `{layer}` in the file are damaged") from error

    def _group(self, place: Sequence[str], names: Sequence[str]) -> list[str]:
        """Where the arrays of a layer lie."""
        raise NotImplementedError

    def _paths(self, group: Any, names: list[str], wanted: list[str]) -> Iterator[list[str]]:
        """Where each of the arrays that are wanted lies in there."""
        raise NotImplementedError


class Archive(_Hdf5):
    """`model.weights.h5`: arrays by number in a group for each layer."""

    @override
    def _group(self, place: Sequence[str], names: Sequence[str]) -> list[str]:
        return [*place, "vars"]

    @override
    def _paths(self, group: Any, names: list[str], wanted: list[str]) -> Iterator[list[str]]:
        return ([str(index)] for index in range(len(wanted)))


class Legacy(_Hdf5):
    """A whole model as HDF5: arrays by the names of layer and variable, `conv1/kernel:0`."""

    @override
    def _group(self, place: Sequence[str], names: Sequence[str]) -> list[str]:
        return ["model_weights", names[0]]

    @override
    def _paths(self, group: Any, names: list[str], wanted: list[str]) -> Iterator[list[str]]:
        """By their names; what several are called, the scopes before them tell apart."""
        listed = [
            each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each)
            for each in group.attrs.get("weight_names", ())
        ]
        for name in wanted:
            paths = [
                path
                for path in listed
                if path.split("/")[-1].split(":")[0].removeprefix("depthwise_")
                == name.removeprefix("depthwise_")
            ]
            last = names[-1]
            own = [path for path in paths if path.split("/")[-2:-1] in ([last], [])]
            # Before Keras 3 a part of a layer has a number behind its name.
            paths = own or [
                path for path in paths if re.fullmatch(rf".*\b{re.escape(last)}_\d+/[^/]*", path)
            ]
            for scope in names[-2::-1]:
                inside = [path for path in paths if scope in path.split("/")]
                paths = inside if len(paths) > 1 and inside else paths
            if len(paths) != 1:
                raise RefusedError(f"the file has {len(paths)} arrays `{last}/{name}`, not one")
            yield paths[0].split("/")


def descend(group: Any, parts: Sequence[str], layer: str) -> Any:
    """What lies in a group of HDF5.

    Raises:
        RefusedError: There is none, or it is a link to somewhere else.
    """
    import h5py

    for part in parts:
        link = group.get(part, getlink=True) if hasattr(group, "get") else None
        if link is None:
            raise RefusedError(f"the file has no weights of layer `{layer}`: `{part}` is missing")
        if not isinstance(link, h5py.HardLink):
            raise RefusedError(
                f"`{part}` of layer `{layer}` is a link to another place, which is not followed"
            )
        group = group[part]
    return group


def read(dataset: Any, shape: Shape, layer: str, name: str) -> Array:
    """An array, once it is known to be here and of the shape that is wanted."""
    import h5py
    import numpy as np

    what = f"`{name}` of layer `{layer}`"
    if not isinstance(dataset, h5py.Dataset):
        raise RefusedError(f"{what} is no array")
    if dataset.external or dataset.is_virtual:
        raise RefusedError(f"{what} has its values in another file, which is not read")
    if dataset.dtype.kind != "f":
        raise RefusedError(f"{what} is of type {dataset.dtype}, not of floating point")
    if tuple(dataset.shape) != tuple(shape):
        raise RefusedError(
            f"{what} has the shape {list(dataset.shape)} in the file, the configuration says "
            f"{list(shape)}"
        )
    check_storage(dataset, what)
    return np.asarray(dataset[...], np.float32).reshape(_bounded(shape, layer, name))


def check_storage(dataset: Any, what: str) -> None:
    """Whether an array of HDF5 is about as large in the file as it would be in memory.

    Raises:
        RefusedError: It unpacks to far more, or nothing of it was ever written.
    """
    stored, unpacked = dataset.id.get_storage_size(), dataset.nbytes
    if unpacked > 2**20 + MAX_RATIO * stored:
        raise RefusedError(f"{what} says that it unpacks from {stored:,} bytes to {unpacked:,}")


def _bounded(shape: Shape, layer: str, name: str) -> Shape:
    import math

    if math.prod(shape) > MAX_ELEMENTS:
        raise RefusedError(
            f"`{name}` of layer `{layer}` has the shape {list(shape)}: more than {MAX_ELEMENTS:,} "
            "elements"
        )
    return shape
