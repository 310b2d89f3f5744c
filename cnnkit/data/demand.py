"""A data set as a network takes it: checked, in its shapes, its targets as the loss has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from cnnkit.data import several
from cnnkit.data.dataset import Dataset, Range
from cnnkit.data.fitting import fitted
from cnnkit.data.maps import as_images, as_inputs, as_masks, notes_of, spatial_of
from cnnkit.data.naming import named_in_text
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.scaling import RANGES, dtype_of, with_scaled_inputs
from cnnkit.errors import DataError
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Loss
from cnnkit.spec.model.training.loss import ByOutput


class NetworkDemand(NamedTuple):
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

    def alone(self) -> NetworkDemand:
        """What is wanted of data of one input and one target."""
        shape, outputs, extents = (
            None if isinstance(each, Mapping) else each
            for each in (self.shape, self.outputs, self.extents)
        )
        return self._replace(shape=shape, outputs=outputs, extents=extents)

    def of_input(self, name: str) -> NetworkDemand:
        """What is wanted of one of the inputs."""
        return NetworkDemand(named_part(self.shape, name))

    def of_output(self, name: str) -> NetworkDemand:
        """What is wanted of one of the targets."""
        loss = self.loss.each.get(name) if isinstance(self.loss, ByOutput) else self.loss
        return NetworkDemand(
            None, named_part(self.outputs, name), named_part(self.extents, name), loss
        )


def named_part(given: Any, name: str) -> Any:
    """Of what is given by names that of one; anything else is of all."""
    return given.get(name) if isinstance(given, Mapping) else given


def prepared(
    dataset: Dataset,
    source: Data,
    wanted: NetworkDemand,
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
    of_images = isinstance(source, Images) and source.targets is not None
    guessed = of_images or _looks_like_images(dataset)
    of_numbers = guessed if loss is None else not loss.of_classes
    if of_numbers and loss is not None and isinstance(source, Images) and source.masks is not None:
        raise DataError(
            f"{dataset.name} has masks, the class of each pixel, and {loss.title} compares values: "
            f"take a loss of classes, such as `dice`"
        )
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


def with_target(
    part: Dataset,
    source: Data,
    wanted: NetworkDemand,
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
