"""Data sets whose examples have several inputs or several targets, each by its name.

Each input and each target is read as a data set of its own, of the same examples in the same order,
so that all that is known of one holds for each of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnkit.data.arrays import array_of, opened
from cnnkit.data.conversion import Pair, dataset_of
from cnnkit.data.dataset import Array, Dataset, Examples
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.training import Arrays, Data, Images, Loss
from cnnkit.spec.model.training.data import names_in

OF_PAIRS = ("different", "same")
"""What a pair is called whose target is 0, and one whose target is 1."""
_SHOWN = 5


class Parts(NamedTuple):
    """What was read, as data sets of one input and one target.

    Attributes:
        inputs: That of each input by its name, whose targets say nothing.
        outputs: That of each target by the name of its output; one without a name by "".
    """

    inputs: Mapping[str, Dataset]
    outputs: Mapping[str, Dataset]


def names_several(source: Data) -> bool:
    """Whether some data give inputs or targets by their names."""
    if isinstance(source, Arrays):
        return bool(names_in(source.inputs) or names_in(source.targets))
    return isinstance(source, Images) and bool(names_in(source.images) or names_in(source.masks))


def require_names(place: Path, source: Data, inputs: Any, outputs: Any, loss: Loss | None) -> None:
    """Raises where a packed data set names other inputs or outputs than the network has.

    Of other data the spec says the names, and the rule `not-trainable` holds them.

    Args:
        place: Where it is.
        source: What it was packed from.
        inputs: What is known of the network's inputs; of several a mapping of their names.
        outputs: The same of its outputs.
        loss: What compares them.

    Raises:
        DataError: It does.
    """
    faults = []
    of_one = loss is not None and loss.compares > 1  # one target of several outputs
    for noun, given, network in (
        ("input", _named(source, "inputs", "images"), inputs),
        ("output", _named(source, "targets", "masks"), None if of_one else outputs),
    ):
        due = set(network) if isinstance(network, Mapping) else set()
        if network is not None and set(given) != due and (due or len(given) > 1):
            faults.append(
                f"{place} was packed with {_shown(given, noun)}, and the network has "
                f"{_shown(sorted(due), noun)}: pack the data with the names of the network"
            )
    if faults:
        raise DataError(*faults)


def _named(source: Data, of_arrays: str, of_images: str) -> tuple[str, ...]:
    """The names that a field of some data gives."""
    field = of_images if isinstance(source, Images) else of_arrays
    return names_in(getattr(source, field, None))


def _shown(names: Sequence[str], noun: str) -> str:
    if not names:
        return f"one {noun} without a name"
    return f"the {noun}{'s'[: len(names) - 1]} {', '.join(f'`{name}`' for name in names)}"


def of_arrays(source: Arrays, loss: Loss | None) -> Parts:
    """The arrays of a file that have names.

    Args:
        source: The file, and which array is which.
        loss: What compares the outputs, where that is known.

    Raises:
        DataError: The file is damaged, lacks an array, or its arrays differ in length.
        UsageError: There is no such file.
    """
    path = Path(source.arrays)
    found = opened(path)

    def taken(given: str | Mapping[str, str] | None) -> dict[str, Array]:
        names = given if isinstance(given, Mapping) else {"": given} if given else {}
        return {name: array_of(found, each, path) for name, each in names.items()}

    train = taken(source.inputs), taken(source.targets)
    test = None
    if source.test_inputs is not None or source.test_targets is not None:
        test = taken(source.test_inputs), taken(source.test_targets)
    for inputs, targets in (train, *([test] if test else [])):
        if not inputs:
            raise DataError(f"{path}: the targets have names: name its inputs too, `inputs: NAME`")
        _require_one_length(path, {**inputs, **{f"target {k}": v for k, v in targets.items()}})
        if not targets and not (loss is not None and loss.kind == "triplet"):
            raise DataError(f"{path}: the inputs have names: name its targets too, `targets: NAME`")

    first = next(iter(train[0]))
    # Targets with extents are those of images, where there are vectors beside them.
    widest = max(train[0], key=lambda name: train[0][name].ndim)

    def where(name: str) -> str:
        return f"{path}: `{name}`" if name else str(path)

    parts: dict[str, Dataset] = {}
    for name, array in train[0].items():
        tested_on = None if test is None else _alone(test[0][name])
        parts[name] = dataset_of(path.name, _alone(array), tested_on, where(name))
    outputs: dict[str, Dataset] = {}
    for name, array in train[1].items():
        pair = None if test is None else (test[0][widest], test[1][name])
        outputs[name] = dataset_of(path.name, (train[0][widest], array), pair, where(name))
    return Parts(parts, outputs or {"": parts[first]})


def _alone(inputs: Array) -> Pair:
    """Inputs with targets that say nothing."""
    return inputs, np.zeros((len(inputs), 1), np.float32)


def _require_one_length(path: Path, arrays: Mapping[str, Array]) -> None:
    """Raises where arrays are not of the same examples."""
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(
            f"{count:,} of {name or 'its inputs'}" for name, count in lengths.items()
        )
        raise DataError(
            f"{path}: each example has one of every input and target, and there are {listed}"
        )


def of_folders(source: Images, read: Callable[[Images, str], Dataset]) -> Parts:
    """Folders of images, one for each input, with files of the same names.

    Args:
        source: The folders.
        read: What reads the one folder that it is given, of the input of this name.

    Raises:
        DataError: A folder has a file that another lacks; or as of ``images.read``.
        UsageError: A folder does not exist.
    """
    folders = source.images if isinstance(source.images, Mapping) else {"": source.images}
    tests = source.test if isinstance(source.test, Mapping) else {}
    found = {
        name: read(source.model_copy(update={"images": folder, "test": tests.get(name)}), name)
        for name, folder in folders.items()
    }
    (one, whole), *others = found.items()
    faults = [
        fault
        for name, dataset in others
        for fault in _unpaired((one, whole), (name, dataset), folders)
    ]
    if faults:
        raise DataError(*faults)
    return Parts({name: without_targets(each) for name, each in found.items()}, {"": whole})


def of_masks(source: Images, read: Callable[[Images, bool], Dataset]) -> Parts:
    """A folder of images, and a folder of masks for each output, with files of the same names.

    So a pixel may be of several classes: each output says yes or no to one of them.

    Args:
        source: The folders.
        read: What reads images and one folder of masks; and whether the images are needed, or
            are known from another.

    Raises:
        DataError: All that is wrong with the files.
        UsageError: A folder does not exist.
    """
    folders = source.masks if isinstance(source.masks, Mapping) else {"": source.masks or ""}
    found: dict[str, Dataset] = {}
    faults: list[str] = []
    for name, folder in folders.items():
        try:
            found[name] = read(source.model_copy(update={"masks": folder}), not found)
        except DataError as error:
            faults += error.problems
    if faults:
        raise DataError(*dict.fromkeys(faults))
    return Parts({"": without_targets(next(iter(found.values())))}, found)


def _unpaired(
    one: tuple[str, Dataset], other: tuple[str, Dataset], folders: Mapping[str, str]
) -> Iterator[str]:
    """Which files of two folders have no partner in the other."""
    for part in ("train", "test"):
        names = [_names(getattr(dataset, part)) for _, dataset in (one, other)]
        for (here, there), (own, its) in (
            ((one[0], other[0]), names),
            ((other[0], one[0]), names[::-1]),
        ):
            lacking = [name for name in own if name not in set(its)]
            if lacking:
                more = f" and {len(lacking) - _SHOWN:,} more" if len(lacking) > _SHOWN else ""
                yield (
                    f"{folders[there]} (`{there}`) has no partner of {', '.join(lacking[:_SHOWN])}"
                    f"{more} in {folders[here]} (`{here}`): an example is a file of the same name "
                    f"in each"
                )


def _names(examples: Examples | None) -> list[str]:
    if examples is None or examples.sources is None:
        return []
    return [path.as_posix() for path in examples.sources.paths]


def without_targets(dataset: Dataset) -> Dataset:
    """The data set with targets that say nothing."""

    def part(examples: Examples) -> Examples:
        return replace(examples, targets=np.zeros((len(examples), 1), np.float32))

    test = None if dataset.test is None else part(dataset.test)
    return replace(dataset, train=part(dataset.train), test=test, classes=())


def of_pairs(dataset: Dataset) -> Dataset:
    """The targets of pairs, 1 of those of one kind and 0 of others, as two classes.

    Raises:
        DataError: They are something else.
    """
    for examples in filter(None, (dataset.train, dataset.test)):
        wrong = np.flatnonzero(~np.isin(examples.targets.reshape(len(examples), -1)[:, 0], (0, 1)))
        if examples.targets[0].size != 1 or wrong.size:
            value = examples.targets[wrong[0]] if wrong.size else examples.targets[0]
            raise DataError(
                f"{dataset.name}: the target of a pair is 1, both are of one kind, or 0, they are "
                f"not; example {int(wrong[0]) if wrong.size else 0} has {value}"
            )

    def part(examples: Examples) -> Examples:
        return replace(examples, targets=examples.targets.reshape(-1).astype(np.int32))

    test = None if dataset.test is None else part(dataset.test)
    return replace(dataset, train=part(dataset.train), test=test, classes=OF_PAIRS)


def inputs_by_name(
    path: Path, records: Mapping[str, Preprocessing], names: Mapping[str, str]
) -> dict[str, Array]:
    """The inputs in a file ``.npz`` for a trained network, scaled, of each by its name.

    Args:
        path: The file.
        records: What is done to each input.
        names: What the arrays are called; where a file lacks one, it is called as its input.

    Raises:
        DataError: The file is damaged, lacks an array, or its arrays differ in length.
        UsageError: There is no such file, it is of another kind, or an array has another shape.
    """
    if path.suffix.lower() != ".npz":
        listed = ", ".join(f"`{names.get(name, name)}`" for name in records)
        raise UsageError(
            f"{path} holds one input, and the network takes {listed}: arrays of a file .npz"
        )
    found = opened(path)
    called = {name: names.get(name, name) for name in records}
    arrays = {
        name: found[name] if each not in found and name in found else array_of(found, each, path)
        for name, each in called.items()
    }
    _require_one_length(path, arrays)
    if not len(next(iter(arrays.values()))):
        raise DataError(f"{path} has no examples")
    try:
        return {name: record.values(arrays[name]) for name, record in records.items()}
    except (UsageError, DataError) as error:
        raise DataError(f"{path}: {error}") from None
