"""A trained network measured again, on its own test split or on other data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from cnnkit.checking.admission import admitted
from cnnkit.data import Dataset, Splits, load
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.training import Arrays, Csv, Data
from cnnkit.training.compute.step import Steps
from cnnkit.training.engine import engine
from cnnkit.training.options import Options
from cnnkit.training.prepare.device import choose, replicated
from cnnkit.training.prepare.material import Material, prepare
from cnnkit.training.prepare.recorded import preprocessing_of, require_same_data, trained_on
from cnnkit.training.prepare.resolution import outputs_of, recipe_of
from cnnkit.training.results import measured
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.looks import Look, RunLooks
from cnnkit.training.use.trained import Which, restored, steps_of

if TYPE_CHECKING:
    from cnnkit.training.use.weights import Weights


@dataclass(frozen=True)
class Evaluation:
    """What a run's network makes of some data.

    Attributes:
        data: What they are called.
        checkpoint: The checkpoint that the weights are of, or their file.
        epoch: The epochs that were finished then; 0 of a file.
        figures: The metrics, each class's, and the confusion matrix.
        problems: What was wrong with checkpoints that would have been taken.
        look: The number of the look at the run's own test split; None of other data.
        looks: All looks at it.
        warnings: What makes the figures worth less than they seem.
    """

    data: str
    checkpoint: str
    epoch: int
    figures: dict[str, Any]
    problems: tuple[str, ...]
    look: int | None = None
    looks: tuple[Look, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as JSON takes it."""
        return {
            "format": 1,
            "data": self.data,
            "checkpoint": self.checkpoint,
            "epoch": self.epoch,
            "test": self.figures,
            "look": self.look,
            "warnings": list(self.warnings),
        }


def evaluate(
    run: Path, options: Options, *, data: Data | None = None, which: Which = "best"
) -> Evaluation:
    """Measures the network of a run; every example counts once.

    This opens the seal of the run's test split, and is recorded as a look at it.

    Args:
        run: The directory of the run.
        options: Where the data are and what to run on.
        data: What to measure on: the test split that it has, or all of it; by default the run's
            own test split.
        which: Whose weights, those of the best or of the last epoch.

    Raises:
        SpecError: `check` finds errors in its spec.
        UsageError: There is no such run, no checkpoint, or no test split.
        DataError: The data do not fit the network.
        TrainingError: No checkpoint is whole.
    """
    directory = RunDirectory.open(run, "training")
    spec = admitted(directory.read_spec())
    record = directory.read_split() or {}
    recipe = recipe_of(spec)
    warnings: list[str] = []
    if data is None:
        material = prepare(
            spec, recipe, outputs_of(spec), data_dir=options.data_dir, limit=options.limit
        )
        require_same_data(directory, material, material.record(recipe))
        if not len(material.splits.test):
            raise UsageError(f"{run} held no test split back: name other data by --data")
    else:
        like = preprocessing_of(directory, spec, options.data_dir)
        dataset = load(
            _as_in_the_run(data, recipe.data),
            data_dir=options.data_dir,
            input_shape=spec.input,
            outputs=outputs_of(spec),
            loss=recipe.loss,
            like=like,
        )
        material = _all_of(dataset, record, outputs_of(spec), like)
        seen = trained_on(directory, material.examples("test"))
        warnings = [*dataset.notes, *([seen] if seen else [])]
    devices = choose(options.device)[:1]
    steps = steps_of(spec, multi_label=bool(record.get("multi_label")))
    state, checkpoint, problems = restored(directory, steps, which)
    name = checkpoint.path.name
    seal = RunLooks(directory) if data is None else None
    look = None if seal is None else seal.open(name)
    figures = _figures(steps, material, state, devices)
    if seal is not None:
        seal.close(name, figures)
    return Evaluation(
        material.dataset.name,
        name,
        checkpoint.place[1],
        figures,
        tuple(problems),
        look,
        tuple(seal.looks()) if seal else (),
        tuple(warnings),
    )


def evaluate_weights(
    weights: Weights, file: Path, options: Options, *, data: Data | None = None
) -> Evaluation:
    """Measures a network with the weights of a file; no run is there to record a look in.

    Args:
        weights: The network.
        file: Where its weights are from.
        options: Where the data are and what to run on.
        data: As in ``evaluate``; by default the test split of the spec's own data.

    Raises:
        SpecError: `check` finds errors in the spec.
        UsageError: The spec does not say how it is trained, the file not how inputs are prepared,
            or there is no test split.
        DataError: The data do not fit the network.
    """
    spec = admitted(weights.spec)
    recipe, outputs, like = recipe_of(spec), outputs_of(spec), weights.preprocessing
    if like is None:
        raise UsageError(
            f"{file} does not say how inputs are prepared, `cnnkit.preprocessing`: export a run"
        )
    notes: tuple[str, ...] = ()
    if data is None:
        own = prepare(spec, recipe, outputs, data_dir=options.data_dir, limit=options.limit)
        if not len(own.splits.test):
            raise UsageError(f"{own.dataset.name} has no test split: name other data by --data")
        material = replace(own, statistics=like.statistics, preprocessing=like)
    else:
        dataset = load(
            _as_in_the_run(data, recipe.data),
            data_dir=options.data_dir,
            input_shape=spec.input,
            outputs=outputs,
            loss=recipe.loss,
            like=like,
        )
        material = _all_of(dataset, {"classes": list(weights.classes)}, outputs, like)
        notes = tuple(dataset.notes)
    steps = steps_of(spec, multi_label=material.multi_label(recipe))
    _, params, stats = weights.network.parts()
    state = replace(
        steps.init(jnp.uint32(0)),
        params=params,
        stats=stats,
        optimizer=steps.optimizer.init(params),
        average=(params, stats) if recipe.ema else None,
    )
    figures = _figures(steps, material, state, choose(options.device)[:1])
    epoch = (weights.metrics or {}).get("epoch", 0)
    return Evaluation(material.dataset.name, file.name, epoch, figures, (), warnings=notes)


def _as_in_the_run(data: Data, of_run: Data | None) -> Data:
    """Other files, their columns and arrays called as those that the run learnt from."""
    if isinstance(data, Csv) and isinstance(of_run, Csv) and data.target is None:
        names = ("target", "drop", "file", "separator")
        return data.model_copy(update={name: getattr(of_run, name) for name in names})
    if isinstance(data, Arrays) and isinstance(of_run, Arrays) and data.inputs is None:
        return data.model_copy(update={"inputs": of_run.inputs, "targets": of_run.targets})
    return data


def _figures(steps: Steps, material: Material, state: Any, devices: Any) -> dict[str, Any]:
    machine = engine(steps, [material], replicated(devices, None), devices)
    placed = machine.place(state)
    machine.compile(placed, splits=("test",), training=False)
    totals = machine.evaluate(placed, "test", lambda: False)
    if totals is None:  # only who asks for it
        raise UsageError("the evaluation was ended")
    return measured(totals, material.dataset.classes)


def _all_of(
    dataset: Dataset, record: dict[str, Any], outputs: int, like: Preprocessing
) -> Material:
    """The test split of a data set, or all of it, standardised as the run's training split was."""
    classes = record.get("classes") or []
    if dataset.classes and list(dataset.classes) != classes:
        raise DataError(
            f"{dataset.name} has the classes {', '.join(dataset.classes[:10])}, and the run "
            f"{', '.join(classes[:10])}: they are told apart by their order and must be the same"
        )
    examples = dataset.test if dataset.test is not None else dataset.train
    everything, none = np.arange(len(examples)), np.arange(0)
    splits = Splits(everything[:1], none, everything, dataset.test is not None, False, 0)
    weights = np.ones(max(outputs, len(dataset.classes)), np.float32)
    return Material(dataset, splits, like.statistics, like, weights, seed=0)
