"""From the name or the fields of `train.data` to a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cnnkit.data import arrays, csv, images, listed, several
from cnnkit.data.cifar import cifar10
from cnnkit.data.dataset import DEVICE_BUDGET, Dataset
from cnnkit.data.decoding import Decoding
from cnnkit.data.digits import digits
from cnnkit.data.files import data_directory
from cnnkit.data.fitting import fitted
from cnnkit.data.idx import fashion_mnist, mnist
from cnnkit.data.naming import named_in_text
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.scaling import RANGES, dtype_of, with_scaled_inputs
from cnnkit.errors import DataError, UsageError, did_you_mean
from cnnkit.layers.shape import Shape
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Loss, Pictures
from cnnkit.spec.model.training.loss import ByOutput

PUBLISHED: Mapping[str, Callable[[Path], Dataset]] = MappingProxyType(
    {
        "digits": lambda _: digits(),
        "mnist": mnist,
        "fashion_mnist": fashion_mnist,
        "cifar10": cifar10,
    }
)
"""The data sets that are known by name; each is read from the folder of data sets."""


def load(
    source: Data,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    input_shape: Shape | Mapping[str, Shape] | None = None,
    outputs: int | Mapping[str, int] | None = None,
    loss: Loss | None = None,
    like: Preprocessing | Mapping[str, Preprocessing] | None = None,
    classes: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
    budget: int = DEVICE_BUDGET,
    progress: images.Progress = images.unseen,
) -> Dataset:
    """Reads a data set and checks that it fits the network.

    Args:
        source: ``train.data`` of the spec: a name of ``PUBLISHED``, or files.
        data_dir: The folder of the published sets; by default ``CNNKIT_DATA``, or
            ``~/.cache/cnnkit``.
        input_shape: The network's ``input:``; by default the shape that the data has. Of several
            inputs that of each by its name.
        outputs: The scores that the network gives; by default any number. Of several outputs those
            of each by its name.
        loss: ``train.loss``: what the targets are compared by; by default any.
        like: The record of the run whose network is to read them, which they are prepared as; of
            several inputs that of each.
        classes: The classes of that network, of which the data need not have all.
        renamed: What the data call a class of these, where it is not the same.
        budget: The bytes up to which images in files are all decoded at once.
        progress: Is told how many images are decoded, and how many there are.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing.
    """
    reading = _Reading(data_dir, budget, progress)
    if several.names_several(source):
        return _of_several(
            source, reading, input_shape, outputs, loss, like, classes=classes, renamed=renamed
        )
    shape = None if isinstance(input_shape, Mapping) else input_shape
    return _prepared(
        _read(source, reading, shape, None if isinstance(like, Mapping) else like),
        source,
        shape,
        None if isinstance(outputs, Mapping) else outputs,
        loss,
        None if isinstance(like, Mapping) else like,
        classes=classes,
        renamed=renamed,
    )


class _Reading(NamedTuple):
    """How files are read."""

    data_dir: str | os.PathLike[str] | None
    budget: int
    progress: images.Progress


def _read(
    source: Data, reading: _Reading, shape: Shape | None, like: Preprocessing | None
) -> Dataset:
    """A data set in the values of its files."""
    if isinstance(source, Images):
        return images.read(
            Path(str(source.images)),
            test=Path(str(source.test)) if source.test else None,
            shape=shape,
            decoding=like.decoding if like else decoding_of(source),
            skip=source.damaged == "skip",
            budget=reading.budget,
            progress=reading.progress,
        )
    if isinstance(source, Csv) and listed.names_files(source):
        return listed.read(
            source,
            shape=shape,
            decoding=like.decoding if like else decoding_of(source),
            budget=reading.budget,
            progress=reading.progress,
        )
    return _of_values(source, reading.data_dir)


def _prepared(
    dataset: Dataset,
    source: Data,
    shape: Shape | None,
    outputs: int | None,
    loss: Loss | None,
    like: Preprocessing | None,
    *,
    classes: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Dataset:
    """A data set as a network takes it: checked, in its shapes, scaled."""
    dataset = fitted(
        named_in_text(dataset),
        shape,
        outputs,
        loss,
        trained=like is not None,
        classes=classes,
        renamed=renamed,
    )
    if like is not None:
        _require_like(dataset, like, _width(source, dataset))
        return with_scaled_inputs(dataset, like.value_range)
    if isinstance(source, str) or source.value_range is None:
        return with_scaled_inputs(dataset, RANGES.get(dtype_of(dataset)))
    low, high = source.value_range
    return with_scaled_inputs(dataset, (low, high))


def _of_several(
    source: Data,
    reading: _Reading,
    shapes: Shape | Mapping[str, Shape] | None,
    outputs: int | Mapping[str, int] | None,
    loss: Loss | None,
    like: Preprocessing | Mapping[str, Preprocessing] | None,
    *,
    classes: Sequence[str],
    renamed: Mapping[str, str],
) -> Dataset:
    """A data set whose inputs or targets have names: the first of each, and all by their names."""

    def of(given: Any, name: str) -> Any:
        return given.get(name) if isinstance(given, Mapping) else given

    if isinstance(source, Arrays):
        parts = several.of_arrays(source, loss)
    else:
        assert isinstance(source, Images)  # noqa: S101 - the sources that have names
        parts = several.of_folders(
            source, lambda one, name: _read(one, reading, of(shapes, name), of(like, name))
        )
    faults: list[str] = []
    inputs, targets = {}, {}
    for name, part in parts.inputs.items():
        with _gathered(faults):
            inputs[name] = _prepared(part, source, of(shapes, name), None, None, of(like, name))
    for name, part in parts.outputs.items():
        own = loss.each.get(name) if isinstance(loss, ByOutput) else loss
        with _gathered(faults):
            if own is not None and own.kind == "contrastive":
                part = several.of_pairs(part)
            if own is None or own.kind != "triplet":  # whose targets say nothing
                part = fitted(
                    named_in_text(part),
                    None,
                    of(outputs, name),
                    own,
                    trained=like is not None,
                    classes=classes if len(parts.outputs) == 1 else (),
                    renamed=renamed,
                )
            targets[name] = part
    if faults:
        raise DataError(*dict.fromkeys(faults))
    first, target = next(iter(inputs.values())), next(iter(targets.values()))
    test = first.test and target.test and replace(first.test, targets=target.test.targets)
    return replace(
        first,
        train=replace(first.train, targets=target.train.targets),
        test=test,
        classes=target.classes,
        notes=tuple(dict.fromkeys((*first.notes, *target.notes))),
        inputs=inputs if len(inputs) > 1 else {},
        outputs=targets if len(targets) > 1 else {},
    )


@contextmanager
def _gathered(faults: list[str]) -> Iterator[None]:
    """Keeps what is wrong with one part, so that the others are looked at too."""
    try:
        yield
    except DataError as error:
        faults += error.problems


def decoding_of(source: Data | None) -> Decoding:
    """How the images of some data are decoded."""
    if isinstance(source, Pictures):
        return Decoding.of(source.fit, source.background)
    return Decoding()


def _width(source: Data, dataset: Dataset) -> str:
    """The type of the values; whole numbers in a text have no width, whatever they are kept in."""
    dtype = dtype_of(dataset)
    of_values = isinstance(source, Csv) and dataset.decoding is None
    return "int64" if of_values and dtype == "uint8" else dtype


def _require_like(dataset: Dataset, like: Preprocessing, dtype: str) -> None:
    """Raises where values are not such as a run's network was trained on."""
    for part in (dataset.train, dataset.test):
        if part is not None and (fault := like.fault(part.inputs, dtype)):
            raise DataError(f"{dataset.name} has {fault}")


def _of_values(source: str | Arrays | Csv, data_dir: str | os.PathLike[str] | None) -> Dataset:
    match source:
        case Arrays():
            names = (source.inputs, source.targets, source.test_inputs, source.test_targets)
            texts = (each if isinstance(each, str) else None for each in names)
            return arrays.read(Path(source.arrays), arrays.Named(*texts))
        case Csv():
            test = Path(source.test) if source.test else None
            return csv.read(Path(source.csv), target=source.target, drop=source.drop, test=test)
    read = PUBLISHED.get(source)
    if read is None:
        near = did_you_mean(source, PUBLISHED)
        meant = f": did you mean `{near}`?" if near else f"; there are {', '.join(PUBLISHED)}"
        raise UsageError(f"there is no data set `{source}`{meant}")
    return read(data_directory(data_dir))
