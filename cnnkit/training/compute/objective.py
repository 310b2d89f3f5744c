"""What is asked of the outputs of a network: the loss of each, and what its metrics follow from.

The one output of most networks is the ordinary case: its scores, its targets and its totals are
plain arrays. Of several they are mappings of the outputs' names, and the loss is the weighted sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax.numpy as jnp
from jax import Array

from cnnkit.network import Network
from cnnkit.network.activation import FUNCTIONS
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.accumulator import Accumulator
from cnnkit.training.compute.loss import (
    distances,
    make_loss,
    make_pixel_loss,
    probabilities,
)
from cnnkit.training.compute.maps import OF_VECTOR, Grid, grids_of, on_grid
from cnnkit.training.compute.metrics import predictions
from cnnkit.training.compute.state import MetricSums

ByName: TypeAlias = Any
"""An array; of several outputs a mapping of their names to arrays."""

ONLY = ""
"""The name of a part that stands alone."""


@dataclass(frozen=True)
class OutputObjective:
    """What is asked of one output, or of some that one loss compares.

    Attributes:
        accumulator: Its loss and its totals.
        reads: The names of the outputs: one, or those that are compared, in their order.
        weight: The weight of its loss in the sum.
        ends: Of outputs that are compared the activation that each ends in, which is applied: their
            distances are those of what the network gives.
        grid: Where the cells of the output lie on its targets, which may have more of them.
    """

    accumulator: Accumulator
    reads: tuple[str, ...]
    weight: float = 1.0
    ends: tuple[str | None, ...] = ()
    grid: Grid = OF_VECTOR

    @property
    def of_maps(self) -> bool:
        """Whether it answers for each pixel."""
        return bool(self.grid.extents)

    def scores(self, outputs: Mapping[str, Array]) -> Array:
        """What the loss is computed from: ``[N, K]``, or ``[N, outputs, K]`` where it compares."""
        if not self.ends:
            return outputs[self.reads[0]]
        given = [
            outputs[name] if end is None else FUNCTIONS[end](outputs[name])
            for name, end in zip(self.reads, self.ends, strict=True)
        ]
        return jnp.stack(given, axis=1)


@dataclass(frozen=True)
class Objective:
    """What is asked of all outputs.

    Attributes:
        parts: Of each output by its name; one that stands alone by ``ONLY``.
        side_grids: The grid of each side output, which has the targets of the one that is alone.
    """

    parts: Mapping[str, OutputObjective]
    side_grids: tuple[Grid, ...] = ()

    @property
    def only(self) -> OutputObjective | None:
        """The part that stands alone; None where there are several."""
        return self.parts.get(ONLY)

    @property
    def outputs(self) -> int | dict[str, int]:
        """How many scores there are; of several outputs how many of each."""
        each = {name: part.accumulator.outputs for name, part in self.parts.items()}
        return each if self.only is None else each[ONLY]

    @property
    def maps(self) -> tuple[str, ...]:
        """The names of the parts that answer for each pixel."""
        return tuple(name for name, part in self.parts.items() if part.of_maps)

    def asked(self, targets: ByName) -> ByName:
        """Targets at the cells of the outputs."""
        if self.only is not None:
            return on_grid(targets, self.only.grid)
        return {name: on_grid(targets[name], part.grid) for name, part in self.parts.items()}

    def scores(self, outputs: Mapping[str, Array]) -> ByName:
        """What losses are computed from, of what a network gives by name."""
        found = {name: part.scores(outputs) for name, part in self.parts.items()}
        return found.get(ONLY, found)

    def said(self, scores: ByName) -> ByName:
        """What a network says, from its scores: probabilities, numbers, or distances ``[N, K]``."""
        found = {name: self._said(name, own) for name, own in self._by_part(scores)}
        return found.get(ONLY, found)

    def mapped(self, scores: ByName) -> dict[str, Array]:
        """What parts that are maps answer: the class of each pixel, int16, or its values."""
        return {
            name: self._mapped(name, own)
            for name, own in self._by_part(scores)
            if self.parts[name].of_maps
        }

    def told(self, scores: ByName) -> dict[str, Array]:
        """What each part answers: of maps as ``mapped``, else what it says."""
        return {
            name: (self._mapped if self.parts[name].of_maps else self._said)(name, own)
            for name, own in self._by_part(scores)
        }

    def _by_part(self, scores: ByName) -> Iterator[tuple[str, Array]]:
        for name in self.parts:
            yield name, scores if name == ONLY else scores[name]

    def _said(self, name: str, scores: Array) -> Array:
        of = self.parts[name].accumulator
        if of.train.loss.compares > 1:
            return jnp.stack(distances(scores), axis=1)
        return probabilities(scores, of.train, of.final)

    def _mapped(self, name: str, scores: Array) -> Array:
        of = self.parts[name].accumulator
        if of.train.loss.of_classes:
            return predictions(scores).astype(jnp.int16)
        return probabilities(scores, of.train, of.final)

    def loss(self, scores: ByName, targets: ByName, weights: Array) -> Array:
        """The loss of a batch, ``[]``: of several outputs the weighted sum of theirs."""
        if self.only is not None:
            return self.only.accumulator.mean_loss(scores, targets, weights)
        total = jnp.zeros(())
        for name, part in self.parts.items():
            total += part.weight * part.accumulator.mean_loss(scores[name], targets[name], weights)
        return total

    def empty(self) -> MetricSums:
        """The totals of no examples."""
        if self.only is not None:
            return self.only.accumulator.empty()
        zero = jnp.zeros((), jnp.int32)
        outputs = {name: part.accumulator.empty() for name, part in self.parts.items()}
        return MetricSums(zero, jnp.zeros((), jnp.float32), None, None, None, outputs)

    def added(
        self, totals: MetricSums, scores: ByName, targets: ByName, counted: Array
    ) -> MetricSums:
        """The totals with the examples of a batch added that ``counted``, bool ``[B]``, names."""
        if self.only is not None:
            return self.only.accumulator.added(totals, scores, targets, counted)
        outputs = {
            name: part.accumulator.added(totals.outputs[name], scores[name], targets[name], counted)
            for name, part in self.parts.items()
        }
        losses = (part.weight * outputs[name].whole_loss for name, part in self.parts.items())
        examples = totals.examples + counted.sum(dtype=jnp.int32)
        return MetricSums(examples, sum(losses, jnp.float32(0)), None, None, None, outputs)


def make_objective(
    train: Train,
    shapes: Mapping[str, tuple[int, ...]],
    finals: Mapping[str, str | None],
    multi_label: bool | Mapping[str, bool],
    grids: tuple[Mapping[str, Grid], tuple[Grid, ...]] = ({}, ()),
) -> Objective:
    """What a recipe asks of a network.

    Args:
        train: The recipe.
        shapes: What the network gives by name, without the batch.
        finals: The activation that each ends in, where its loss is computed before it.
        multi_label: Whether each number of an output is a yes or no of its own; of several outputs
            of each.
        grids: Those of the outputs by name, and of the side outputs.
    """
    train = train.for_outputs(shapes)
    named, sides = grids

    def part(
        recipe: Train, reads: tuple[str, ...], labels: bool, weight: float = 1.0
    ) -> OutputObjective:
        compares = recipe.loss.compares > 1
        final = None if compares else finals[reads[0]]
        count = 1 if compares else shapes[reads[0]][-1]
        ends = tuple(finals[name] for name in reads) if compares else ()
        # A loss of one class among several has no labels, whatever an older run has noted.
        labels = labels and "labels" in recipe.loss.tasks
        loss, of_pixels = make_loss(recipe, final), make_pixel_loss(recipe, final)
        grid = OF_VECTOR if compares else named.get(reads[0], OF_VECTOR)
        return OutputObjective(
            Accumulator(recipe, loss, count, final, labels, of_pixels), reads, weight, ends, grid
        )

    recipes = train.of_outputs()
    if not recipes:
        reads = tuple(shapes)[: train.loss.compares]
        return Objective({ONLY: part(train, reads, multi_label is True)}, sides)
    labels = multi_label if isinstance(multi_label, Mapping) else {}
    return Objective(
        {
            name: part(recipe, (name,), labels.get(name, False), weight)
            for name, (recipe, weight) in recipes.items()
        }
    )


def objective_of(
    network: Network, spec: Spec, train: Train, multi_label: bool | Mapping[str, bool] = False
) -> Objective:
    """What a recipe asks of a network.

    Args:
        network: The network; its arrays may be abstract.
        spec: What it was built from.
        train: The recipe.
        multi_label: As of ``make_objective``.
    """
    plan = network.plan
    finals = {name: plan.final(step) for name, step in plan.outputs}
    shapes = {name: plan.shape(plan.before_final(step)) for name, step in plan.outputs}
    return make_objective(train, shapes, finals, multi_label, grids_of(spec))
