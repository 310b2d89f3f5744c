"""A network with the weights of a run."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from cnnkit.data.inputs import read_inputs
from cnnkit.data.packed import unpacked
from cnnkit.data.preprocessing import Preparation, Preprocessing
from cnnkit.data.statistics import Statistics
from cnnkit.errors import CnnkitError, TrainingError, UsageError
from cnnkit.folders import StrPath
from cnnkit.network import Network
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Csv, Train, Unpacked
from cnnkit.training.compute.inputs import scaled, standardized
from cnnkit.training.compute.objective import ByName, Objective, objective_of
from cnnkit.training.compute.state import State
from cnnkit.training.compute.step import Steps, make_steps
from cnnkit.training.options import options_of
from cnnkit.training.prepare.provenance import preprocessing_of
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.store.checkpoint import Checkpoint, Checkpoints
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.kinds import SPLIT
from cnnkit.training.store.manifest import DamagedCheckpointError
from cnnkit.training.use.scoring import Scoring, scoring

Which = Literal["best", "last"]

MOST_EXAMPLES = 64
MOST_BYTES = 2**26
"""Of the examples that are computed at once."""


@dataclass(frozen=True)
class Trained:
    """A network with the weights of a run, and what it needs to be asked.

    Attributes:
        path: The directory of the run, or the file of the weights.
        spec: The network, as the run resolved it.
        network: The Flax module, with the weights that the run is judged by.
        classes: The names of the classes; empty where there are none.
        prepared_by: What is done to inputs; of several inputs to each by its name.
        checkpoint: The checkpoint that the weights are of; None of a file.
        epoch: The epochs that were finished then; 0 of a file.
        problems: What was wrong with checkpoints that would have been taken before it.
        outputs: Of several outputs the names of the classes of each.
    """

    path: Path
    spec: Spec
    network: Network
    classes: tuple[str, ...]
    prepared_by: Preparation
    checkpoint: Checkpoint | None
    epoch: int
    problems: Sequence[str] = ()
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to the one input.

        Raises:
            UsageError: There are several.
        """
        if not isinstance(self.prepared_by, Preprocessing):
            self.require_one()
            raise UsageError(f"{self.path} says of several inputs how they are prepared")
        return self.prepared_by

    @property
    def several(self) -> bool:
        """Whether the network has several inputs or outputs."""
        return len(self.network.plan.inputs) > 1 or len(self.network.plan.outputs) > 1

    def require_one(self) -> None:
        """Raises where the network has several inputs or outputs.

        Raises:
            UsageError: It has.
        """
        if self.several:
            names = ", ".join(f"`{name}`" for name, _ in self.network.plan.inputs)
            ends = ", ".join(f"`{name}`" for name, _ in self.network.plan.outputs)
            raise UsageError(
                f"this is for a network of one input and one output, and that of {self.path} goes "
                f"from {names} to {ends}: ask it by `cnnkit predict`, or in Python"
            )

    @cached_property
    def train(self) -> Train:
        """The recipe."""
        return recipe_of(self.spec)

    @property
    def of_maps(self) -> bool:
        """Whether it answers for each pixel, of several outputs by one of them."""
        return bool(self.objective.maps)

    def prepared(self, inputs: ByName) -> Any:
        """Inputs ``[N, *spatial, C]`` in the values of their files, as training prepared them.

        Of a network of several inputs they are a mapping of their names.

        Raises:
            UsageError: They have another shape, or hold no numbers.
            DataError: Their values are not such as the network was trained on.
        """
        return self.standardized(self._values(inputs))

    def _values(self, inputs: ByName) -> Any:
        """Inputs in the values of their files, looked at and scaled."""
        if isinstance(inputs, jax.core.Tracer):
            raise UsageError(
                "inputs are looked at before they are prepared, which a compiled function cannot "
                "do: compile `answers`, and give it what `prepared` gave"
            )
        if isinstance(self.prepared_by, Preprocessing):
            return self.prepared_by.values(np.asarray(inputs))
        if not isinstance(inputs, Mapping) or inputs.keys() != self.prepared_by.keys():
            names = ", ".join(f'"{name}": …' for name in self.prepared_by)
            raise UsageError(f"the network takes {{{names}}}, the examples of each input by name")
        return {
            name: record.values(np.asarray(inputs[name]))
            for name, record in self.prepared_by.items()
        }

    def standardized(self, values: ByName) -> Any:
        """Inputs that are scaled already, uint8 or float32, standardized; of several by name."""
        return standardized(scaled(jax.tree.map(jnp.asarray, values)), self._statistics)

    @property
    def _statistics(self) -> Statistics:
        """Mean and deviation; of several inputs mappings of their names."""
        if isinstance(self.prepared_by, Preprocessing):
            return self.prepared_by.statistics
        each = {name: one.statistics for name, one in self.prepared_by.items()}
        means: Any = {name: one.mean for name, one in each.items()}
        deviations: Any = {name: one.deviation for name, one in each.items()}
        return Statistics(means, deviations)

    @cached_property
    def objective(self) -> Objective:
        """What the recipe asks of the outputs."""
        return objective_of(self.network, self.spec, self.train)

    def predict(self, inputs: ByName | StrPath | Sequence[StrPath]) -> Any:
        """What the network says: probabilities ``[N, K]``, or the numbers of a regression.

        Of maps ``[N, *spatial, K]``. Of several outputs a mapping of their names; of outputs that
        are compared the distances of the later ones from the first, ``[N, 1]`` of pairs and
        ``[N, 2]`` of triplets.

        Args:
            inputs: ``[N, *spatial, C]``, of any type, in the scale of the training data's files, of
                several inputs a mapping of their names; or the paths of images, arrays and tables,
                of folders of them, and patterns.

        Raises:
            UsageError: They have another shape, or hold no numbers.
            DataError: Their values are not such as the network was trained on, or files cannot be
                read.
        """
        paths = _paths(inputs)
        values = (
            self._values(inputs)
            if paths is None
            else read_inputs(paths, self.preprocessing, self.table)
        )
        count = len(jax.tree.leaves(values)[0])
        size = max(1, min(count, self.batch_size))
        found = []
        for start in range(0, max(1, count), size):
            # A batch that is not full is filled up, so that one program serves them all.
            places = np.minimum(np.arange(start, start + size), count - 1)[:count]
            found.append(self.compute(jax.tree.map(operator.itemgetter(places), values)))
        return jax.tree.map(lambda *each: jnp.concatenate(each)[:count], *found)

    @property
    def batch_size(self) -> int:
        """How many examples are computed at once, so that what they take is bounded."""
        cells = sum(int(np.prod(shape)) for _, shape in self.network.plan.inputs)
        given = sum(
            int(np.prod(part.grid.extents)) * part.accumulator.outputs
            for part in self.objective.parts.values()
        )
        return max(1, min(MOST_EXAMPLES, MOST_BYTES // (4 * max(cells, given))))

    @property
    def table(self) -> Csv | None:
        """The table that it was trained on, where it was one."""
        return self.source if isinstance(self.source, Csv) else None

    @cached_property
    def source(self) -> Unpacked | None:
        """What it was trained on, or what that was packed from; None where it is not known now."""
        try:
            return unpacked(self.train.data)
        except CnnkitError:  # a network is asked where its data are not
            return None

    @cached_property
    def compute(self) -> Callable[[ByName], Any]:
        """What the network says of inputs that are scaled, as a compiled function of a batch."""
        arrays, outputs = self.scoring

        @jax.jit
        def forward(arrays: Any, values: ByName) -> Any:
            given = outputs(arrays, self.standardized(values)).named
            return self.objective.said(self.objective.scores(given))

        return lambda values: forward(arrays, values)

    @cached_property
    def scoring(self) -> Scoring:
        """What compiled functions compute its outputs by."""
        return scoring(self.spec, self.network)

    def answers(self, prepared: ByName) -> Any:
        """What the network says of inputs that are prepared; a function that JAX can compile."""
        return self.objective.said(self.objective.scores(self.network.outputs(prepared).named))


def load_run(run: StrPath, which: Which = "best") -> Trained:
    """The network of a run with the weights of its best or of its last epoch.

    Raises:
        UsageError: There is no such run, or it has no checkpoint yet.
        TrainingError: No checkpoint is whole.
    """
    run = Path(run)
    directory = RunDirectory.open(run, "training")
    spec = directory.read_spec()
    record = directory.read_split()
    if record is None:
        raise UsageError(f"{run} has no {SPLIT}: go on with it by `cnnkit train --resume {run}`")
    steps = steps_of(spec, multi_label=record.labels)
    state, checkpoint, problems = restored(directory, steps, which)
    params, stats = steps.evaluated(state)
    return Trained(
        path=run,
        spec=spec,
        network=nnx.merge(steps.graphdef, params, stats, copy=True),
        classes=record.classes or (),
        prepared_by=preprocessing_of(directory, spec, options_of(directory).data_dir),
        checkpoint=checkpoint,
        epoch=checkpoint.place[1],
        problems=problems,
        outputs={name: each.classes for name, each in (record.outputs or {}).items()},
    )


def _paths(inputs: object) -> list[str] | None:
    """What is given as paths, one or several; None of values."""
    if isinstance(inputs, str | os.PathLike):
        return [os.fspath(inputs)]
    if not isinstance(inputs, list | tuple) or not inputs:
        return None
    paths = [os.fspath(each) for each in inputs if isinstance(each, str | os.PathLike)]
    return paths if len(paths) == len(inputs) else None


def steps_of(
    spec: Spec, *, multi_label: bool | Mapping[str, bool], batch_size: int | None = None
) -> Steps:
    """The steps of a run's spec, to judge with; how many examples it had matters not."""
    recipe = recipe_of(spec)
    size = batch_size or (recipe.batch_size if isinstance(recipe.batch_size, int) else 1)
    return make_steps(spec, recipe, examples=size, batch_size=size, multi_label=multi_label)


def restored(run: RunDirectory, steps: Steps, which: Which) -> tuple[State, Checkpoint, list[str]]:
    """The state of the best or the last checkpoint that is whole, and what is wrong with others.

    Raises:
        UsageError: There is no checkpoint yet.
        TrainingError: None is whole.
    """
    checkpoints = Checkpoints(run.checkpoints)
    if not checkpoints.found():
        raise UsageError(f"{run.path} has no checkpoint yet")
    template = steps.template()
    last, problems = checkpoints.last()
    if last is None:
        raise TrainingError(f"no checkpoint of {run.path} is whole: {'; '.join(problems)}")
    wanted = [last]
    if which == "best" and (best := checkpoints.named(last.record.best)) is not None:
        wanted.insert(0, best)
    for checkpoint in wanted:
        try:
            return checkpoint.restore(template), checkpoint, problems
        except DamagedCheckpointError as error:
            problems.append(str(error))
    raise TrainingError(f"no checkpoint of {run.path} can be read: {'; '.join(problems)}")
