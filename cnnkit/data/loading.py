"""From the name or the fields of `train.data` to a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from cnnkit.data import arrays, csv, image_pairs, images, listed, masks, packed, pieces, several
from cnnkit.data.cifar import cifar10
from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.dataset import DEVICE_BUDGET, Dataset
from cnnkit.data.decoding import Decoding
from cnnkit.data.demand import NetworkDemand, named_part, prepared, with_target
from cnnkit.data.digits import digits
from cnnkit.data.files import data_directory
from cnnkit.data.idx import fashion_mnist, mnist
from cnnkit.data.packed import PackedSet
from cnnkit.data.partners import PairsOfSplits, pairs_of
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.scenes import digit_scenes, noisy_digits
from cnnkit.data.share import ALONE, Share
from cnnkit.errors import DataError, UsageError, did_you_mean
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import (
    Arrays,
    Csv,
    Data,
    Images,
    Loss,
    Packed,
    Pictures,
    Unpacked,
)
from cnnkit.spec.model.training.data import names_in

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
    share: Share = ALONE,
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
        share: Which of how many processes reads it; of shards each looks at the contents of its
            part.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing.
    """
    reading = FileReading(data_dir, budget, progress)
    if isinstance(source, Packed):
        found = packed.opened(source, data_dir, share)
        reading, source = reading._replace(packed=found), found.source
    wanted = NetworkDemand(input_shape, outputs, extents, loss, target)
    if reading.packed is not None:
        several.require_names(reading.packed.place, source, wanted.shape, wanted.outputs, loss)
    if several.names_several(source):
        return _of_several(source, reading, wanted, like, classes=classes, renamed=renamed)
    like = None if isinstance(like, Mapping) else like
    wanted = wanted.alone()
    dataset = read(source, reading, wanted, like)
    return prepared(dataset, source, wanted, like, classes=classes, renamed=renamed)


class FileReading(NamedTuple):
    """How files are read.

    Attributes:
        data_dir: The folder of the published sets.
        budget: The bytes up to which images in files are all decoded at once.
        progress: Is told how many images are decoded, and how many there are.
        packed: What the files are packed in.
    """

    data_dir: str | os.PathLike[str] | None = None
    budget: int = DEVICE_BUDGET
    progress: Progress = unseen
    packed: PackedSet | None = None


def read(
    source: Unpacked,
    reading: FileReading,
    wanted: NetworkDemand = NetworkDemand(),  # noqa: B008 - it is frozen
    like: Preprocessing | None = None,
    name: str = "",
) -> Dataset:
    """A data set of one input and one target, in the values of its files.

    Args:
        source: A name of ``PUBLISHED``, or files.
        reading: How they are read.
        wanted: What the network takes and gives; images are brought to its input.
        like: The record of the run whose network is to read them.
        name: That of the input, where there are several.

    Raises:
        DataError: Files are damaged.
        UsageError: Files are missing.
    """
    shape: Shape | None = wanted.shape
    if isinstance(source, Images) and (source.masks or source.targets) is not None:
        return _of_pairs(source, reading, wanted, like)
    if reading.packed is not None:
        return reading.packed.column(f"images/{name}").dataset(
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


def _of_pairs(
    source: Images, reading: FileReading, wanted: NetworkDemand, like: Preprocessing | None
) -> Dataset:
    """Images with their masks, or with the images that are to come out."""
    parts: PairsOfSplits
    contents: Contents
    if reading.packed is not None:
        parts, contents = reading.packed.pairs(source)
    else:
        parts, contents = pairs_of(source), ON_DISK
    of_kind: Callable[..., Dataset] = image_pairs.read
    if source.masks is not None:
        of_kind = masks.read
        if pieces.is_of_pieces(source, parts):
            of_kind = partial(pieces.read, extents=wanted.extents)
    return of_kind(
        source,
        parts,
        shape=wanted.shape,
        decoding=like.decoding if like else decoding_of(source),
        budget=reading.budget,
        progress=reading.progress,
        contents=contents,
    )


def _of_several(
    source: Data,
    reading: FileReading,
    wanted: NetworkDemand,
    like: Preprocessing | Mapping[str, Preprocessing] | None,
    *,
    classes: Sequence[str],
    renamed: Mapping[str, str],
) -> Dataset:
    """A data set whose inputs or targets have names: the first of each, and all by their names."""
    if isinstance(source, Arrays) and reading.packed is not None:
        parts = reading.packed.arrays(wanted.loss)
    elif isinstance(source, Arrays):
        parts = several.of_arrays(source, wanted.loss)
    elif isinstance(source, Images) and isinstance(source.masks, Mapping):
        of_images = None if isinstance(like, Mapping) else like
        alone = wanted.alone()._replace(extents=_of_all(source, wanted))
        # Images that are known already stay in their files.
        unread = reading._replace(budget=0)
        parts = several.of_masks(
            source, lambda one, first: read(one, reading if first else unread, alone, of_images)
        )
    else:
        assert isinstance(source, Images)  # noqa: S101 - the sources that have names
        parts = several.of_folders(
            source,
            lambda one, name: read(
                one, reading, wanted.of_input(name), named_part(like, name), name
            ),
        )
    faults: list[str] = []
    inputs, targets = {}, {}
    for name, part in parts.inputs.items():
        with _gathered(faults):
            inputs[name] = prepared(part, source, wanted.of_input(name), named_part(like, name))
    known = classes if len(parts.outputs) == 1 else ()
    for name, part in parts.outputs.items():
        with _gathered(faults):
            targets[name] = with_target(
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


def _of_all(source: Images, wanted: NetworkDemand) -> Shape | None:
    """The spatial extents that all outputs which have masks give; None where that is not known.

    Raises:
        DataError: They differ, and images are to be cut into tiles.
    """
    if not isinstance(wanted.extents, Mapping):
        found: Shape | None = wanted.extents
        return found
    given = {name: wanted.extents.get(name) for name in names_in(source.masks)}
    if source.tiles is not None and len(set(given.values())) > 1:
        listed = ", ".join(
            f"`{name}` {show(each) if each else 'one vector'}" for name, each in given.items()
        )
        raise DataError(
            f"{source.images} is cut into tiles, of which all outputs must give the same part, and "
            f"they give {listed}: give them the same extents, or leave `tiles` out"
        )
    return next(iter(given.values()))


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


def _of_values(source: str | Arrays | Csv, data_dir: str | os.PathLike[str] | None) -> Dataset:
    match source:
        case Arrays():
            names = (source.inputs, source.targets, source.test_inputs, source.test_targets)
            texts = (each if isinstance(each, str) else None for each in names)
            return arrays.read(Path(source.arrays), arrays.Named(*texts))
        case Csv():
            test = Path(source.test) if source.test else None
            return csv.read(Path(source.csv), target=source.target, drop=source.drop, test=test)
    published = PUBLISHED.get(source)
    if published is None:
        near = did_you_mean(source, PUBLISHED)
        meant = f": did you mean `{near}`?" if near else f"; there are {', '.join(PUBLISHED)}"
        raise UsageError(f"there is no data set `{source}`{meant}")
    return published(data_directory(data_dir))
