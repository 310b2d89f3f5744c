"""What every format is read into: examples as arrays, and the data set that they make up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cnnkit.data.decoding import Decoding
    from cnnkit.data.membership import Groups

SHARES_TOLERANCE = 1e-3
"""How far from 1 the shares of the classes may sum up, in float32."""

Array = NDArray[Any]
Indices = NDArray[np.int64]
Range = tuple[float, float]

DEVICE_BUDGET = 2**30
"""Bytes up to which a data set is kept on the device as a whole, where nothing else is said."""


class Inputs(Protocol):
    """What the inputs of examples can do: an array, or images that are decoded when indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``[N, *spatial, C]``."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8, uint16 or float32."""
        ...

    @property
    def nbytes(self) -> int:
        """The bytes of all of them, decoded."""
        ...

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class Sources:
    """The files that examples were read from.

    Attributes:
        paths: The file of each example, seen from the folder of the data set.
        digests: The SHA-256 of each.
        parts: Where in its file each is, such as a tile; empty where each is a file of its own.
    """

    paths: tuple[Path, ...]
    digests: tuple[str, ...]
    parts: tuple[str, ...] = ()

    def name(self, index: int) -> str:
        """What an example is called: its file, and where in it it is."""
        return self.paths[index].as_posix() + (self.parts[index] if self.parts else "")

    def some(self, part: slice) -> Sources:
        """Those of some examples."""
        return Sources(self.paths[part], self.digests[part], self.parts[part])


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and what the network is to say of them.

    Attributes:
        inputs: ``[N, *spatial, C]``, uint8 or float32; uint8 stands for the 256 steps of 0..1.
            An array, or for a folder too large for it ``ImageArray``, which is indexed the same
            way. As they are read they may be uint16 too.
        targets: int32 ``[N]``, the class of each example, or float32 ``[N, K]``. With spatial
            extents int16 ``[N, *spatial]``, the class of each pixel, −1 where it counts nowhere; or
            images ``[N, *spatial, C]`` of bytes or float32, which may be the inputs themselves.
        sources: The file of each example, where it has one of its own.
        value_range: The values in the files that have become 0 and 1; None where inputs are as
            they were. Bytes stay bytes, and stand for 0 to 1, where it is 0 to 255.
    """

    inputs: Inputs
    targets: Array
    sources: Sources | None = None
    value_range: Range | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input, ``[*spatial, C]``."""
        return self.inputs.shape[1:]

    @property
    def nbytes(self) -> int:
        """The bytes of all inputs and targets, decoded."""
        return self.inputs.nbytes + self.targets.nbytes

    @property
    def of_maps(self) -> bool:
        """Whether targets have spatial extents, a class or values for each pixel."""
        axes = len(self.targets.shape)
        return axes > 2 or (axes == 2 and self.targets.dtype.kind == "i")

    @property
    def of_pixels(self) -> bool:
        """Whether targets are the class of each pixel."""
        return len(self.targets.shape) > 1 and self.targets.dtype == np.int16

    def labels(self) -> NDArray[np.int32] | None:
        """The class of each example, int32 ``[N]``; None where the targets are no classes.

        One-hot rows are classes too.
        """
        if self.of_maps:
            return None
        if self.targets.ndim == 1:
            return self.targets
        one_hot = self.targets.shape[1] > 1 and bool(
            np.all((self.targets == 0) | (self.targets == 1)) and np.all(self.targets.sum(1) == 1)
        )
        return self.targets.argmax(1).astype(np.int32) if one_hot else None

    def shares(self) -> bool:
        """Whether the columns of each target add up to 1, as the probabilities of classes do."""
        if self.of_maps:
            return False
        sums = self.targets.sum(1) if self.targets.ndim > 1 else np.zeros(1)
        return bool(np.all(np.abs(sums - 1) <= SHARES_TOLERANCE))


@dataclass(frozen=True, eq=False)
class ExampleArrays:
    """Inputs and targets of the same examples, as a network with one or several of them has them.

    Attributes:
        inputs: Those of each example; of several a mapping of names.
        targets: The same of the targets.
    """

    inputs: Inputs | Mapping[str, Inputs]
    targets: Array | Mapping[str, Array]

    def at(self, indices: Any) -> tuple[Any, Any]:
        """Inputs and targets of some examples, arrays or mappings of them."""
        inputs = self.inputs_at(indices)
        # One array that is both need not be there twice.
        return inputs, inputs if self.targets is self.inputs else _at(self.targets, indices)

    def inputs_at(self, indices: Any) -> Any:
        """The inputs of some examples."""
        return _at(self.inputs, indices)


def _at(arrays: Any, indices: Any) -> Any:
    if isinstance(arrays, Mapping):
        return {name: np.asarray(each[indices]) for name, each in arrays.items()}
    return np.asarray(arrays[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set, read and checked.

    Attributes:
        name: What reports call it.
        train: The examples to train on, or all where the set has no test split of its own.
        test: The test split that the set has of its own.
        classes: The names of the classes or labels, in their order; empty for other targets, and
            where labels have no names.
        validation: The indices into ``train`` of a validation split that the set has of its own.
        dtype: The type that inputs have in their files, where it is not the one they have here.
        decoding: How images were decoded, where they were.
        target: Which column of a table the targets are; empty where they lie otherwise.
        notes: What was seen while reading that the user should know, each in a sentence.
        inputs: Where an example has several inputs, the data set of each by its name: of the same
            examples in the same order. Here are those of the first one.
        outputs: Where it has several targets, the data set of each by the name of its output.
    """

    name: str
    train: Examples
    test: Examples | None
    classes: tuple[str, ...]
    validation: Indices | None = None
    dtype: str = ""
    decoding: Decoding | None = None
    target: str = ""
    notes: tuple[str, ...] = ()
    inputs: Mapping[str, Dataset] = field(default_factory=dict)
    outputs: Mapping[str, Dataset] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input, ``[*spatial, C]``."""
        return self.train.shape

    @property
    def nbytes(self) -> int:
        """The bytes of all examples, decoded."""
        inputs, outputs = self.inputs or {"": self}, self.outputs or {"": self}
        return sum(
            part.inputs.nbytes
            for each in inputs.values()
            for part in (each.train, each.test)
            if part
        ) + sum(
            part.targets.nbytes
            for each in outputs.values()
            for part in (each.train, each.test)
            if part
        )

    def table(self, *, test: bool = False) -> ExampleArrays:
        """The examples with all their inputs and targets: of ``train``, or of ``test``."""

        def part(dataset: Dataset) -> Examples:
            return dataset.test if test and dataset.test is not None else dataset.train

        own = part(self)
        return ExampleArrays(
            {name: part(each).inputs for name, each in self.inputs.items()} or own.inputs,
            {name: part(each).targets for name, each in self.outputs.items()} or own.targets,
        )

    def alone(self) -> tuple[Dataset, ...]:
        """Of several inputs and targets a data set of each: the inputs, then the other targets."""

        def part(inputs: Examples | None, targets: Examples | None) -> Examples | None:
            return inputs and targets and replace(inputs, targets=targets.targets)

        def of(name: str, inputs: Dataset, targets: Dataset) -> Dataset:
            train = replace(inputs.train, targets=targets.train.targets)
            return replace(
                inputs,
                name=f"{name} of {self.name}",
                train=train,
                test=part(inputs.test, targets.test),
                classes=targets.classes,
                validation=self.validation,
                notes=inputs.notes if targets is self else targets.notes,
                inputs=self.inputs,
            )

        if not self.inputs and not self.outputs:
            return (self,)
        views = [of(name, each, self) for name, each in self.inputs.items()]
        first, *others = self.outputs.items() or [("", self)]
        alone = replace(self, name=f"{first[0]} of {self.name}") if first[0] else self
        return (*(views or [alone]), *(of(name, self, each) for name, each in others))

    def with_targets(self, order: Indices) -> Dataset:
        """The same training inputs with the targets of others, in this order."""
        train = replace(self.train, targets=self.train.targets[order])
        outputs = {name: each.with_targets(order) for name, each in self.outputs.items()}
        return replace(self, train=train, outputs=outputs)

    def fits_on_device(self, budget: int = DEVICE_BUDGET) -> bool:
        """Whether all of it can be kept on a device that has so many bytes to spare for it."""
        return self.nbytes <= budget

    def examples_of_test(self, splits: Splits) -> Examples:
        """The examples that ``splits.test`` indexes."""
        return self.test if splits.own_test and self.test is not None else self.train


@dataclass(frozen=True, eq=False)
class Splits:
    """Which examples are for what, as sorted indices.

    Attributes:
        train: Into ``dataset.train``.
        validation: Into ``dataset.train``.
        test: Into ``dataset.test`` where that is given, else into ``dataset.train``;
            ``dataset.examples_of_test(splits)`` says which.
        own_test: Whether the data set has a test split of its own, which is kept as it is.
        stratified: Whether each split has the classes in the proportions of the whole.
        seed: What the random choice came from.
        groups: Which examples belong together and are on one side; None where each is by itself.
    """

    train: Indices
    validation: Indices
    test: Indices
    own_test: bool
    stratified: bool
    seed: int
    groups: Groups | None = None

    def record(self) -> dict[str, Any]:
        """What a run notes of its splits, as JSON: two are the same where their digests are."""
        return {
            "seed": self.seed,
            "stratified": self.stratified,
            "own_test": self.own_test,
            **{
                name: {"examples": len(part), "sha256": _digest(part)}
                for name, part in (
                    ("train", self.train), ("validation", self.validation), ("test", self.test)
                )
            },
            **({} if self.groups is None else {"groups": self.groups.record()}),
        }  # fmt: skip


def _digest(indices: Indices) -> str:
    return hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()
