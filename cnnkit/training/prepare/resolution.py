"""A spec as a run keeps it: its variables put in, its paths whole, its recipe there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from cnnkit.analysis import analyze
from cnnkit.checking.admission import admitted, passing
from cnnkit.data.naming import as_text
from cnnkit.errors import SpecError, UsageError
from cnnkit.layers.shape import Shape
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Data, Train
from cnnkit.spec.model.training.location import located, located_groups, located_weights
from cnnkit.spec.reading import load
from cnnkit.spec.tracing import trace
from cnnkit.training.advice import recipe_for


def resolved(spec: Spec) -> Spec:
    """The spec that the run's `spec.yaml` will say.

    A layer that `when` left out is no longer there, so the paths of weights are those of this
    spec; the paths of data no longer depend on where the command runs, nor does what `check` finds
    depend on comments and a configuration.

    Raises:
        SpecError: `check` finds errors in the spec.
        UsageError: It says nothing of training.
    """
    recipe = recipe_of(admitted(spec))
    if recipe.data is not None:
        recipe = recipe.model_copy(update={"data": _nameable(located(spec).data)})
    if (by := located_groups(spec).by) is not None:
        cut = recipe.split.model_copy(update={"group": _in_utf8(by)})
        recipe = recipe.model_copy(update={"split": cut})
    if (weights := located_weights(spec).path) is not None:
        recipe = recipe.model_copy(update={"init": _in_utf8(weights)})
    return passing(load(spec.model_copy(update={"train": recipe}).to_dict()))


def recipe_of(spec: Spec) -> Train:
    """How a spec is trained.

    Raises:
        UsageError: It does not say.
    """
    if spec.train is None:
        name = spec.origin.file or spec.name or "the spec"
        raise UsageError(
            f"{name} has no `train:`, so it does not say what to learn: add\n"
            f"{recipe_for(spec.input)}"
        )
    graph = trace(spec.layers, spec.inputs or spec.input, spec.rounding)
    return spec.train.for_outputs(graph.given)


Scores: TypeAlias = int | Mapping[str, int]
"""How many scores a network gives; of several outputs how many each does, by its name."""
Extents: TypeAlias = Shape | Mapping[str, Shape]
"""The spatial extents of what a network gives; of several outputs those of each."""


def outputs_of(spec: Spec) -> Scores:
    """The scores that the network gives, K; of a map those of each pixel.

    They are 1 where outputs are compared with each other.

    Raises:
        SpecError: The spec has findings of level error.
    """
    found = {name: int(shape[-1]) for name, shape in _given_by(spec).items()}
    if recipe_of(spec).loss.compares > 1:
        return 1
    return found if len(found) > 1 else next(iter(found.values()))


def extents_of(spec: Spec) -> Extents:
    """The spatial extents of what the network gives; empty of a vector.

    Errors are those of ``outputs_of``.
    """
    found = {name: shape[:-1] for name, shape in _given_by(spec).items()}
    if recipe_of(spec).loss.compares > 1:
        return ()
    return found if len(found) > 1 else next(iter(found.values()))


def _given_by(spec: Spec) -> dict[str, Shape]:
    """The shape of each output by its name."""
    analysis = analyze(spec)
    if analysis.output is None:
        raise SpecError(analysis.findings)
    return {name: shape for name, shape in analysis.graph.given.items() if shape is not None}


def inputs_of(spec: Spec) -> Shape | Mapping[str, Shape]:
    """The shape of an example, channels last; of several inputs of each, by its name."""
    return dict(spec.inputs) if len(spec.inputs) > 1 else spec.input


def shapes_of(spec: Spec) -> tuple[Shape, ...]:
    """The shapes of all inputs: specs that have the same read the same data."""
    return tuple(spec.inputs.values()) or (spec.input,)


def _nameable(data: Data | None) -> Data | None:
    """The data set, whose files a spec can name.

    Raises:
        UsageError: A path is not in UTF-8.
    """
    paths = [] if data is None or isinstance(data, str) else data.model_dump().values()
    for path in paths:
        for each in path.values() if isinstance(path, dict) else (path,):
            if isinstance(each, str):
                _in_utf8(each)
    return data


def _in_utf8(path: str) -> str:
    if as_text(path) != path:
        raise UsageError(
            f"{as_text(path)}: this path is not in UTF-8, as a spec is: rename its folder, or "
            f"work in a link to it"
        )
    return path
