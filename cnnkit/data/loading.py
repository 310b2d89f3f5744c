"""From the name or the fields of `train.data` to a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from cnnkit.data import arrays, csv, images, listed, masks
from cnnkit.data.cifar import cifar10
from cnnkit.data.dataset import DEVICE_BUDGET, Dataset, Range
from cnnkit.data.decoding import Decoding
from cnnkit.data.digits import digits
from cnnkit.data.files import data_directory
from cnnkit.data.fitting import fitted
from cnnkit.data.idx import fashion_mnist, mnist
from cnnkit.data.maps import as_images, as_inputs, as_masks, notes_of, spatial_of
from cnnkit.data.naming import named_in_text
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.scaling import RANGES, dtype_of, with_scaled_inputs
from cnnkit.data.scenes import digit_scenes, noisy_digits
from cnnkit.errors import DataError, UsageError, did_you_mean
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Loss, Pictures

PUBLISHED: Mapping[str, Callable[[Path], Dataset]] = MappingProxyType(
    {
        "digits": lambda _: digits(),
        "digit_scenes": lambda _: digit_scenes(),
        "noisy_digits": lambda _: noisy_digits(),
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
    input_shape: tuple[int, ...] | None = None,
    outputs: int | None = None,
    extents: tuple[int, ...] | None = None,
    loss: Loss | None = None,
    target: str | None = None,
    like: Preprocessing | None = None,
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
        input_shape: The network's ``input:``; by default the shape that the data has.
        outputs: The scores that the network gives; by default any number.
        extents: The spatial extents of what it gives, empty of a vector; by default any.
        loss: ``train.loss``: what the targets are compared by; by default any.
        target: ``train.target``: `input`, where the targets are the inputs.
        like: The record of the run whose network is to read them, which they are prepared as.
        classes: The classes of that network, of which the data need not have all.
        renamed: What the data call a class of these, where it is not the same.
        budget: The bytes up to which images in files are all decoded at once.
        progress: Is told how many images are decoded, and how many there are.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing.
    """
    if isinstance(source, Images) and source.masks is not None:
        dataset = masks.read(
            source,
            shape=input_shape,
            decoding=like.decoding if like else decoding_of(source),
            budget=budget,
            progress=progress,
        )
    elif isinstance(source, Images):
        dataset = images.read(
            Path(source.images),
            test=Path(source.test) if source.test else None,
            shape=input_shape,
            decoding=like.decoding if like else decoding_of(source),
            skip=source.damaged == "skip",
            budget=budget,
            progress=progress,
        )
    elif isinstance(source, Csv) and listed.names_files(source):
        dataset = listed.read(
            source,
            shape=input_shape,
            decoding=like.decoding if like else decoding_of(source),
            budget=budget,
            progress=progress,
        )
    else:
        dataset = _read(source, data_dir)
    if target == "input":
        dataset = as_inputs(dataset)
    elif dataset.train.of_maps:
        dataset = _with_maps(dataset, source, loss, classes, spatial_of(dataset, input_shape))
    dataset = fitted(
        named_in_text(dataset),
        input_shape,
        outputs,
        loss,
        extents=extents,
        trained=like is not None,
        classes=classes,
        renamed=renamed,
    )
    if like is not None:
        _require_like(dataset, like, _width(source, dataset))
        value_range = like.value_range
    elif (given := _range_of(source)) is not None:
        value_range = given
    else:
        value_range = RANGES.get(dtype_of(dataset))
    scaled = with_scaled_inputs(dataset, value_range)
    return as_inputs(scaled) if target == "input" else scaled


def _range_of(source: Data) -> Range | None:
    """The values that a recipe makes 0 and 1, where it says any."""
    if isinstance(source, str) or source.value_range is None:
        return None
    low, high = source.value_range
    return low, high


def _with_maps(
    dataset: Dataset, source: Data, loss: Loss | None, classes: Sequence[str], spatial: int
) -> Dataset:
    """Maps as what the loss compares; where none is known, whole numbers are classes.

    Args:
        dataset: What was read.
        source: Where from.
        loss: ``train.loss``.
        classes: Those of a network that has its weights.
        spatial: The spatial axes of an example.
    """
    of_numbers = _looks_like_images(dataset) if loss is None else not loss.of_classes
    if of_numbers:
        return as_images(dataset, spatial, _range_of(source))
    ignore = source.ignore if isinstance(source, Arrays) else None
    found = as_masks(dataset, spatial, ignore)
    if len(found.classes) < len(classes):
        found = replace(found, classes=tuple(classes))
    return replace(found, notes=(*found.notes, *notes_of(found)))


def _looks_like_images(dataset: Dataset) -> bool:
    """Whether maps are images, where no loss says so: floats, or of the type of the inputs."""
    targets, inputs = dataset.train.targets, dataset.train.inputs
    if targets.dtype.kind not in "iu":
        return True
    return targets.shape == inputs.shape and targets.dtype == inputs.dtype


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


def _read(source: str | Arrays | Csv, data_dir: str | os.PathLike[str] | None) -> Dataset:
    match source:
        case Arrays():
            named = (source.inputs, source.targets, source.test_inputs, source.test_targets)
            return arrays.read(Path(source.arrays), arrays.Named(*named))
        case Csv():
            test = Path(source.test) if source.test else None
            return csv.read(Path(source.csv), target=source.target, drop=source.drop, test=test)
    read = PUBLISHED.get(source)
    if read is None:
        near = did_you_mean(source, PUBLISHED)
        meant = f": did you mean `{near}`?" if near else f"; there are {', '.join(PUBLISHED)}"
        raise UsageError(f"there is no data set `{source}`{meant}")
    return read(data_directory(data_dir))
