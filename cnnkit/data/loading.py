"""From the name or the fields of `train.data` to a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cnnkit.data import arrays, csv, images, listed, masks, pieces, several
from cnnkit.data.cifar import cifar10
from cnnkit.data.dataset import DEVICE_BUDGET, Dataset, Range
from cnnkit.data.decoding import Decoding
from cnnkit.data.digits import digits
from cnnkit.data.files import data_directory
from cnnkit.data.fitting import fitted
from cnnkit.data.idx import fashion_mnist, mnist
from cnnkit.data.maps import as_images, as_inputs, as_masks, notes_of, spatial_of
from cnnkit.data.naming import named_in_text
from cnnkit.data.pieces import require_whole_tiles
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.scaling import RANGES, dtype_of, with_scaled_inputs
from cnnkit.data.scenes import digit_scenes, noisy_digits
from cnnkit.errors import DataError, UsageError, did_you_mean
from cnnkit.layers.shape import Shape
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Loss, Pictures
from cnnkit.spec.model.training.loss import ByOutput

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
    input_shape: Shape | Mapping[str, Shape] | None = None,
    outputs: int | Mapping[str, int] | None = None,
    extents: Shape | Mapping[str, Shape] | None = None,
    loss: Loss | None = None,
    target: str | None = None,
    like: Preprocessing | Mapping[str, Preprocessing] | None = None,
    classes: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
    budget: int = DEVICE_BUDGET,
    progress: Progress = unseen,
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
        extents: The spatial extents of what it gives, empty of a vector; by default any. Of several
            outputs those of each.
        loss: ``train.loss``: what the targets are compared by; by default any.
        target: ``train.target``: `input`, where the targets are the inputs.
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
    wanted = _Wanted(input_shape, outputs, extents, loss, target)
    if several.names_several(source):
        return _of_several(source, reading, wanted, like, classes=classes, renamed=renamed)
    like = None if isinstance(like, Mapping) else like
    wanted = wanted.alone()
    dataset = _read(source, reading, wanted.shape, like)
    return _prepared(dataset, source, wanted, like, classes=classes, renamed=renamed)


class _Reading(NamedTuple):
    """How files are read."""

    data_dir: str | os.PathLike[str] | None
    budget: int
    progress: Progress


class _Wanted(NamedTuple):
    """What a network takes and gives; of several inputs and outputs of each by its name.

    Attributes:
        shape: That of an input.
        outputs: The scores of an output.
        extents: Its spatial extents; empty of a vector.
        loss: What compares it with its target.
        target: `input`, where that is the input.
    """

    shape: Any = None
    outputs: Any = None
    extents: Any = None
    loss: Loss | None = None
    target: str | None = None

    def alone(self) -> _Wanted:
        """What is wanted of data of one input and one target."""
        shape, outputs, extents = (
            None if isinstance(each, Mapping) else each
            for each in (self.shape, self.outputs, self.extents)
        )
        return self._replace(shape=shape, outputs=outputs, extents=extents)

    def of_input(self, name: str) -> _Wanted:
        """What is wanted of one of the inputs."""
        return _Wanted(_of(self.shape, name))

    def of_output(self, name: str) -> _Wanted:
        """What is wanted of one of the targets."""
        loss = self.loss.each.get(name) if isinstance(self.loss, ByOutput) else self.loss
        return _Wanted(None, _of(self.outputs, name), _of(self.extents, name), loss)


def _of(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, Mapping) else given


def _read(
    source: Data, reading: _Reading, shape: Shape | None, like: Preprocessing | None
) -> Dataset:
    """A data set in the values of its files."""
    if isinstance(source, Images) and source.masks is not None:
        read = pieces.read if pieces.is_of_pieces(source) else masks.read
        return read(
            source,
            shape=shape,
            decoding=like.decoding if like else decoding_of(source),
            budget=reading.budget,
            progress=reading.progress,
        )
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
    wanted: _Wanted,
    like: Preprocessing | None,
    *,
    classes: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Dataset:
    """A data set as a network takes it: checked, in its shapes, scaled."""
    if wanted.target == "input":
        dataset = as_inputs(dataset)
    elif dataset.train.of_maps:
        spatial = spatial_of(dataset, wanted.shape)
        dataset = _with_maps(dataset, source, wanted.loss, classes, spatial)
    if isinstance(source, Images) and source.tiles is not None:
        require_whole_tiles(dataset, wanted.extents)
    dataset = fitted(
        named_in_text(dataset),
        wanted.shape,
        wanted.outputs,
        wanted.loss,
        extents=wanted.extents,
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
    return as_inputs(scaled) if wanted.target == "input" else scaled


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


def _of_several(
    source: Data,
    reading: _Reading,
    wanted: _Wanted,
    like: Preprocessing | Mapping[str, Preprocessing] | None,
    *,
    classes: Sequence[str],
    renamed: Mapping[str, str],
) -> Dataset:
    """A data set whose inputs or targets have names: the first of each, and all by their names."""
    if isinstance(source, Arrays):
        parts = several.of_arrays(source, wanted.loss)
    else:
        assert isinstance(source, Images)  # noqa: S101 - the sources that have names
        parts = several.of_folders(
            source,
            lambda one, name: _read(one, reading, wanted.of_input(name).shape, _of(like, name)),
        )
    faults: list[str] = []
    inputs, targets = {}, {}
    for name, part in parts.inputs.items():
        with _gathered(faults):
            inputs[name] = _prepared(part, source, wanted.of_input(name), _of(like, name))
    known = classes if len(parts.outputs) == 1 else ()
    for name, part in parts.outputs.items():
        with _gathered(faults):
            targets[name] = _with_target(
                part, source, wanted.of_output(name), known, renamed, trained=like is not None
            )
    if faults:
        raise DataError(*dict.fromkeys(faults))
    first, target = next(iter(inputs.values())), next(iter(targets.values()))
    test = first.test and target.test and replace(first.test, targets=target.test.targets)
    notes = (note for each in (first, *targets.values()) for note in each.notes)
    return replace(
        first,
        train=replace(first.train, targets=target.train.targets),
        test=test,
        classes=target.classes,
        notes=tuple(dict.fromkeys(notes)),
        inputs=inputs if len(inputs) > 1 else {},
        outputs=targets if len(targets) > 1 else {},
    )


def _with_target(
    part: Dataset,
    source: Data,
    wanted: _Wanted,
    classes: Sequence[str],
    renamed: Mapping[str, str],
    *,
    trained: bool,
) -> Dataset:
    """A data set of one of several targets, as what compares it takes it."""
    kind = None if wanted.loss is None else wanted.loss.kind
    if kind == "triplet":
        return part
    if kind == "contrastive":
        part = several.of_pairs(part)
    if part.train.of_maps:
        spatial = len(wanted.extents) if wanted.extents else spatial_of(part, None)
        part = _with_maps(part, source, wanted.loss, classes, spatial)
    return fitted(
        named_in_text(part),
        None,
        wanted.outputs,
        wanted.loss,
        extents=wanted.extents,
        trained=trained,
        classes=classes,
        renamed=renamed,
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
