"""What a run trains on: the data set, cut, measured and laid on the device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from cnnkit.data import Dataset, Examples, Splits, Statistics, load, split, statistics
from cnnkit.data.dataset import Array, ExampleArrays, Indices
from cnnkit.data.groups import groups_of
from cnnkit.data.inspection import all_alike
from cnnkit.data.maps import pixels_of
from cnnkit.data.membership import Groups
from cnnkit.data.preprocessing import Preparation, Preprocessing, preprocessing, record_of
from cnnkit.data.share import ALONE, Share
from cnnkit.errors import DataError, UsageError
from cnnkit.folders import StrPath
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Loss, Train
from cnnkit.spec.model.training.location import located, located_groups
from cnnkit.spec.model.training.train import BoundaryWeights
from cnnkit.tasks.metric import split_name
from cnnkit.tasks.task import Task, task_of
from cnnkit.training.advice import data_for
from cnnkit.training.compute.figures import recalls_of
from cnnkit.training.compute.maps import MASKS, PIXEL_WEIGHTS
from cnnkit.training.distributed.consensus import (
    require_same_data_everywhere,
    share_of_data,
    together,
)
from cnnkit.training.prepare.boundary_weights import weight_maps
from cnnkit.training.prepare.resolution import Scores, extents_of, inputs_of
from cnnkit.training.store.data_record import DataRecord, GroupRecord, OutputRecord, SplitPart

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Material:
    """A data set as a run uses it.

    Attributes:
        dataset: What was read.
        splits: Which examples are for what.
        statistics: What inputs are standardised with.
        preprocessing: All that is done to inputs, as the run keeps it.
        class_weights: float32 ``[K]``, the weight of each class in the loss.
        seed: What all random numbers of the run come from.
        inputs: Of several inputs what is known of each by its name; here it is of the first one.
        between: What pixels between two things weigh, where the recipe says it.
    """

    dataset: Dataset
    splits: Splits
    statistics: Statistics
    preprocessing: Preprocessing
    class_weights: Array
    seed: int
    inputs: Mapping[str, Material] = field(default_factory=dict)
    between: BoundaryWeights | None = None

    def examples(self, name: SplitName) -> Examples:
        """What the indices of a split lead into."""
        return self.dataset.examples_of_test(self.splits) if name == "test" else self.dataset.train

    def indices(self, name: SplitName) -> Indices:
        """The indices of a split."""
        indices: Indices = getattr(self.splits, name)
        return indices

    def table(self, name: SplitName) -> ExampleArrays:
        """What the indices of a split lead into, with all inputs and targets."""
        return self.dataset.table(test=self.examples(name) is not self.dataset.train)

    @cached_property
    def lessons(self) -> ExampleArrays:
        """What the indices of the training split lead into, with the weights of pixels."""
        table = self.table("train")
        if self.between is None:
            return table
        masks = self.dataset.train.targets
        return replace(
            table, targets={MASKS: masks, PIXEL_WEIGHTS: weight_maps(masks, self.between)}
        )

    def of_output(self, name: str) -> Material:
        """The same of one of several targets; of the one that is alone it is this."""
        outputs = self.dataset.outputs
        return replace(self, dataset=outputs[name]) if name in outputs else self

    @property
    def prepared(self) -> Preparation:
        """All that is done to inputs; of several to each."""
        return {name: each.preprocessing for name, each in self.inputs.items()} or (
            self.preprocessing
        )

    def multi_label(self, train: Train) -> bool | dict[str, bool]:
        """Whether each score is a yes or no of its own; of several outputs of each."""
        if recipes := train.of_outputs():
            return {
                name: task(recipe.loss, self.of_output(name).dataset.train) == "labels"
                for name, (recipe, _) in recipes.items()
            }
        return task(train.loss, self.dataset.train) == "labels"

    def record(self, train: Train) -> DataRecord:
        """What the run notes of its data: equal where the data and the splits are."""
        views = [self.dataset, *self.dataset.inputs.values(), *self.dataset.outputs.values()]
        parts = [part for each in views for part in (each.train, each.test) if part]
        labels = self.multi_label(train)
        of_each = labels if isinstance(labels, Mapping) else {}
        outputs = {
            name: OutputRecord(tuple(each.classes), of_each.get(name, False))
            for name, each in self.dataset.outputs.items()
        }
        splits = self.splits.record()
        groups = splits.pop("groups", None)
        return DataRecord(
            data=self.dataset.name,
            classes=tuple(self.dataset.classes),
            outputs=outputs or None,
            multi_label=any(of_each.values()) if of_each else labels is True,
            sha256=_digest(parts),
            preprocessing=record_of(self.prepared),
            train=SplitPart(**splits.pop("train")),
            validation=SplitPart(**splits.pop("validation")),
            test=SplitPart(**splits.pop("test")),
            groups=None if groups is None else GroupRecord(**groups),
            **splits,
        )


def prepare(
    spec: Spec,
    train: Train,
    outputs: Scores,
    *,
    data_dir: StrPath | None,
    limit: int | None = None,
    place: str = "",
) -> Material:
    """Reads, cuts and measures the data set of a recipe.

    Args:
        spec: The network that is to learn it.
        train: The recipe.
        outputs: The scores that the network gives, K; of several outputs of each by its name.
        data_dir: Where the published data sets lie.
        limit: The examples of each split that are used, for a quick trial; None for all.
        place: Where groups are said in the text that the spec was made from, as messages begin.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing, or the recipe names no data.
    """
    with together():  # what follows is done by all processes at once
        dataset = read(spec, train, outputs, data_dir)
        recalls_in([train.monitor], dataset, outputs)  # refuses an unknown class
        splits = split(dataset, train.split, train.seed, grouped(spec, dataset, place))
    if limit is not None:
        splits = replace(
            splits,
            train=_thinned(splits.train, limit),
            validation=_thinned(splits.validation, limit),
            test=_thinned(splits.test, limit),
        )
    return measured(train, dataset, splits, outputs, train.seed)


def read(spec: Spec, train: Train, outputs: Scores, data_dir: StrPath | None) -> Dataset:
    """The data set of a recipe.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing, or the recipe names no data.
    """
    source = located(spec).data
    if source is None:
        raise UsageError(
            f"`train` names no data: write `data: {data_for(spec.input)}`, or the files to learn "
            f"from"
        )
    dataset = load(
        source,
        data_dir=data_dir,
        input_shape=inputs_of(spec),
        outputs=outputs,
        extents=extents_of(spec),
        loss=train.loss,
        target=train.target,
        share=share_of_data(),
    )
    for name, each in (dataset.inputs or {"": dataset}).items():
        if fault := all_alike(each):
            raise DataError(f"`{name}`: {fault}" if name else fault)
    return dataset


def grouped(spec: Spec, dataset: Dataset, place: str = "") -> Groups | None:
    """Which examples of its data set a spec keeps together; None where each is by itself.

    Args:
        spec: The spec, whose recipe may say it.
        dataset: What was read.
        place: Where that stood, if the spec was made from another; as messages begin.

    Raises:
        DataError: Some example has no group, or a split of the data set's own parts one.
        UsageError: There is no such table.
    """
    found = located_groups(spec)
    return groups_of(dataset, found.by, place or found.place)


def measured(
    train: Train, dataset: Dataset, splits: Splits, outputs: Scores, seed: int
) -> Material:
    """The material of a run, with what is computed on its training examples alone.

    Raises:
        DataError: The weights of the recipe do not fit the classes.
    """
    found = statistics(dataset.train, splits.train, share=_share_of(dataset, splits))
    applied = found
    if train.standardize != "per_channel":
        applied = standardization(train, dataset.train, splits.train)
    return Material(
        dataset,
        splits,
        applied,
        preprocessing(dataset, applied, found),
        class_weights(train, dataset, splits.train, outputs),
        seed,
        {
            name: measured(train, each, splits, outputs, seed)
            for name, each in dataset.inputs.items()
        },
        train.boundary_weights,
    )


def _share_of(dataset: Dataset, splits: Splits) -> Share:
    """What this process reads of inputs that stay in their files, the same ones in all of them.

    Raises:
        UsageError: Another process has other data.
    """
    if isinstance(dataset.train.inputs, np.ndarray):
        return ALONE
    chosen: str = splits.record()["train"]["sha256"]
    require_same_data_everywhere(_digest([dataset.train]), chosen)
    return share_of_data()


def recalls_in(names: Iterable[str], dataset: Dataset, outputs: Scores) -> dict[str, int]:
    """Of some metrics those that are the recall of one class, with that class's index.

    Raises:
        DataError: There is no such class.
    """
    found: dict[str, int] = {}
    for name in names:
        output, own = split_name(name)
        of = dataset.outputs.get(output, dataset)
        count = outputs if isinstance(outputs, int) else outputs.get(output, 2)
        index = recalls_of([own], of.classes, max(count, 2)).get(own)
        if index is not None:
            found[name] = index
    return found


def task(loss: Loss, examples: Examples) -> Task:
    """What the targets of examples are under a loss."""
    targets = examples.targets
    if examples.of_maps:
        return "segmentation" if examples.of_pixels else "images"
    width = None if targets.ndim == 1 else targets.shape[1]
    return task_of(loss.tasks, width, shares=width is not None and examples.shares())


def standardization(train: Train, examples: Examples, indices: Indices) -> Statistics:
    """What inputs are standardised with, from the training examples alone.

    Inputs with a range are 0..1 where they come in; `none` brings them back to it.
    """
    if train.standardize == "per_channel":
        return statistics(examples, indices)
    low, high = 0.0, 1.0
    if train.standardize == "none" and examples.value_range is not None:
        low, high = examples.value_range
    channels = examples.shape[-1]
    mean = np.full(channels, -low / (high - low) if low else 0, np.float32)
    return Statistics(mean, np.full(channels, 1 / (high - low), np.float32))


def class_weights(train: Train, dataset: Dataset, indices: Indices, outputs: Scores) -> Array:
    """The weight of each class, float32 ``[K]``; `balanced` weighs with N / (K · N of the class).

    Source of `balanced`: scikit-learn's ``compute_class_weight``.

    Raises:
        DataError: The weights do not fit the classes.
    """
    given = train.class_weights
    if not isinstance(outputs, int):
        return np.ones(1, np.float32)  # there are none of several outputs
    outputs = max(outputs, len(dataset.classes))  # one output tells two classes apart
    if given is None:
        return np.ones(outputs, np.float32)
    if given == "balanced":
        if dataset.train.of_pixels:
            return _balanced(dataset, indices, outputs)
        labels = dataset.train.labels()
        if labels is None:
            raise DataError("`class_weights: balanced` needs targets that are classes")
        counts = np.bincount(labels[indices], minlength=outputs)
        return (len(indices) / (outputs * np.maximum(counts, 1))).astype(np.float32)
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in dataset.classes]
        if unknown:
            raise DataError(
                f"`class_weights` names `{unknown[0]}`, but the classes are "
                f"{', '.join(dataset.classes)}"
            )
        named = [given.get(name, 1.0) for name in dataset.classes]
        return np.array(named + [1.0] * (outputs - len(named)), np.float32)
    if len(given) != outputs:
        raise DataError(f"`class_weights` has {len(given)} weights, the network {outputs} outputs")
    return np.array(given, np.float32)


def _balanced(dataset: Dataset, indices: Indices, outputs: int) -> Array:
    """The weights of classes that have so many pixels, of those that have any."""
    counts = np.array([*pixels_of(dataset.classes, dataset.train.targets[indices]).values()])
    counts = np.pad(counts, (0, outputs - len(counts)))
    weights = counts.sum() / ((counts > 0).sum() * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 1).astype(np.float32)


def _thinned(indices: Indices, limit: int) -> Indices:
    """So many of the indices, from all over them: files are often in the order of classes."""
    return indices[:: max(1, len(indices) // limit)][:limit]


def _digest(parts: Sequence[Examples]) -> str:
    """The SHA-256 of arrays; of images in files, that of their targets and number."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.inputs.shape} {part.inputs.dtype}".encode())
        if part.targets is not part.inputs:
            digest.update(np.ascontiguousarray(part.targets).tobytes())
        if isinstance(part.inputs, np.ndarray):
            for start in range(0, len(part.inputs), 4096):
                digest.update(np.ascontiguousarray(part.inputs[start : start + 4096]).tobytes())
    return digest.hexdigest()
