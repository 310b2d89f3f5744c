"""A trained network measured again, on its own test split or on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from cnnkit.checking.admission import admitted
from cnnkit.data import Dataset, Splits, load
from cnnkit.data.packed import unpacked
from cnnkit.data.preprocessing import Preparation, Preprocessing
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Packed
from cnnkit.tasks.task import Task
from cnnkit.training.compute.objective import ONLY
from cnnkit.training.compute.step import Steps
from cnnkit.training.engine import Engine, engine
from cnnkit.training.measurement import answers_of, measured_of_all, names_of
from cnnkit.training.options import Options
from cnnkit.training.prepare.device import choose, replicated
from cnnkit.training.prepare.material import Material, SplitName, prepare
from cnnkit.training.prepare.provenance import preprocessing_of, require_same_data, trained_on
from cnnkit.training.prepare.resolution import Scores, extents_of, inputs_of, outputs_of, recipe_of
from cnnkit.training.ranked import borders_of
from cnnkit.training.store.data_record import DataRecord
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.looks import Look, RunLooks
from cnnkit.training.store.wrong import wrong_answers
from cnnkit.training.use.judgement import Judgement, Scored, Wanted, judgement
from cnnkit.training.use.scoring import inference
from cnnkit.training.use.trained import Which, restored, steps_of
from cnnkit.training.view.conclusion import judgement_lines, measured_lines
from cnnkit.training.view.notebook import shown

if TYPE_CHECKING:
    from cnnkit.training.use.weights import Weights

NOTHING = Wanted()
SAME: Mapping[str, str] = MappingProxyType({})


NOT_JUDGED: Mapping[str, None] = MappingProxyType({"calibration": None, "threshold": None})


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
        judgement: What the scores say beyond the figures; None of values.
    """

    data: str
    checkpoint: str
    epoch: int
    figures: dict[str, Any]
    problems: tuple[str, ...]
    look: int | None = None
    looks: tuple[Look, ...] = ()
    warnings: tuple[str, ...] = ()
    judgement: Judgement | None = None

    def _repr_html_(self) -> str:
        """The figures as a notebook shows them."""
        said = judgement_lines(self.judgement) if self.judgement else ()
        return shown([*measured_lines(self.data, self.figures, self.epoch), *said])

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
            **(self.judgement.to_dict() if self.judgement else NOT_JUDGED),
        }


def evaluate(
    run: Path,
    options: Options,
    *,
    data: Data | None = None,
    which: Which = "best",
    renamed: Mapping[str, str] = SAME,
    wanted: Wanted = NOTHING,
) -> Evaluation:
    """Measures the network of a run; every example counts once.

    This opens the seal of the run's test split, and is recorded as a look at it.

    Args:
        run: The directory of the run.
        options: Where the data are and what to run on.
        data: What to measure on: the test split that it has, or all of it; by default the run's
            own test split.
        which: Whose weights, those of the best or of the last epoch.
        renamed: What the other data call a class of the network, where it is not the same.
        wanted: What is chosen on the run's validation split, to be judged with.

    Raises:
        SpecError: `check` finds errors in its spec.
        UsageError: There is no such run, no checkpoint, or no test split.
        DataError: The data do not fit the network.
        TrainingError: No checkpoint is whole.
    """
    directory = RunDirectory.open(run, "training")
    spec = admitted(directory.read_spec())
    record = directory.read_split() or DataRecord()
    recipe = recipe_of(spec)
    warnings: list[str] = []
    own = None
    if data is None or wanted.anything:
        own = prepare(
            spec, recipe, outputs_of(spec), data_dir=options.data_dir, limit=options.limit
        )
        require_same_data(directory, own, own.record(recipe))
        _require_validation(own, wanted, str(run))
    if data is None and own is not None:
        material = own
        if not len(material.splits.test):
            raise UsageError(f"{run} held no test split back: name other data by --data")
    elif data is not None:
        like = preprocessing_of(directory, spec, options.data_dir)
        dataset = load(
            _as_in_the_run(data, recipe.data),
            data_dir=options.data_dir,
            input_shape=inputs_of(spec),
            outputs=outputs_of(spec),
            extents=extents_of(spec),
            loss=recipe.loss,
            target=recipe.target,
            like=like,
            classes=() if record.outputs else record.classes or (),
            renamed=renamed,
        )
        material = _all_of(dataset, record.classes or (), outputs_of(spec), like)
        seen = trained_on(directory, material.examples("test"))
        warnings = [*dataset.notes, *([seen] if seen else [])]
    devices = choose(options.device)[:1]
    steps = steps_of(spec, multi_label=record.labels)
    state, checkpoint, problems = restored(directory, steps, which)
    name = checkpoint.path.name
    wanted.require(*_targets(steps, material))
    seal = RunLooks(directory) if data is None else None
    look = None if seal is None else seal.open(name)
    figures, judged = _judged(spec, steps, material, own, state, devices, wanted)
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
        judged,
    )


def evaluate_weights(
    weights: Weights,
    file: Path,
    options: Options,
    *,
    data: Data | None = None,
    renamed: Mapping[str, str] = SAME,
    wanted: Wanted = NOTHING,
) -> Evaluation:
    """Measures a network with the weights of a file; no run is there to record a look in.

    Args:
        weights: The network.
        file: Where its weights are from.
        options: Where the data are and what to run on.
        data: As in ``evaluate``; by default the test split of the spec's own data.
        renamed: As in ``evaluate``.
        wanted: What is chosen on the validation split of the spec's own data.

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
    own = None
    if data is None or wanted.anything:
        own = prepare(spec, recipe, outputs, data_dir=options.data_dir, limit=options.limit)
        own = _standardized(own, like)
        _require_validation(own, wanted, own.dataset.name)
    if data is None and own is not None:
        if not len(own.splits.test):
            raise UsageError(f"{own.dataset.name} has no test split: name other data by --data")
        material = own
    elif data is not None:
        dataset = load(
            _as_in_the_run(data, recipe.data),
            data_dir=options.data_dir,
            input_shape=inputs_of(spec),
            outputs=outputs,
            extents=extents_of(spec),
            loss=recipe.loss,
            target=recipe.target,
            like=like,
            classes=() if weights.outputs else weights.classes,
            renamed=renamed,
        )
        material = _all_of(dataset, weights.classes, outputs, like)
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
    wanted.require(*_targets(steps, material))
    devices = choose(options.device)[:1]
    figures, judged = _judged(spec, steps, material, own, state, devices, wanted)
    epoch = (weights.metrics or {}).get("epoch", 0)
    name = material.dataset.name
    return Evaluation(name, file.name, epoch, figures, (), warnings=notes, judgement=judged)


def _require_validation(own: Material, wanted: Wanted, name: str) -> None:
    if wanted.anything and not len(own.splits.validation):
        raise UsageError(
            f"{name} held no validation split back, on which a temperature or a threshold is chosen"
        )


def _as_in_the_run(data: Data, of_run: Data | None) -> Data:
    """Other files, their columns and arrays called as those that the run learnt from.

    Of a folder, where the run learnt from masks or pairs, the folders in it of these.
    """
    if not isinstance(data, Packed):
        of_run = unpacked(of_run)
    if isinstance(data, Csv) and isinstance(of_run, Csv) and data.target is None:
        names = ("target", "drop", "file", "separator")
        return data.model_copy(update={name: getattr(of_run, name) for name in names})
    if isinstance(data, Images) and isinstance(of_run, Images):
        root = Path(str(data.images))
        if isinstance(of_run.images, Mapping):
            if isinstance(data.images, Mapping):
                return data
            folders = {name: str(root / name) for name in of_run.images}
            return data.model_copy(update={"images": folders})
        beside = "masks" if of_run.masks is not None else "targets"
        if (folder := getattr(of_run, beside)) is not None:
            inside = {"images": of_run.images, beside: folder}
            return of_run.model_copy(
                update={name: _below(root, folder) for name, folder in inside.items()}
            )
        return data
    if isinstance(data, Arrays) and isinstance(of_run, Arrays) and data.inputs is None:
        of_arrays = ("inputs", "targets", "ignore")
        return data.model_copy(update={name: getattr(of_run, name) for name in of_arrays})
    return data


def _below(root: Path, folder: str | Mapping[str, str]) -> str | dict[str, str]:
    """A folder of the same name in another, or one for each output."""
    if isinstance(folder, Mapping):
        return {name: str(root / Path(each).name) for name, each in folder.items()}
    return str(root / Path(folder).name)


def _judged(
    spec: Spec,
    steps: Steps,
    material: Material,
    own: Material | None,
    state: Any,
    devices: Any,
    wanted: Wanted,
) -> tuple[dict[str, Any], Judgement | None]:
    """The figures of the test split of a material, and what else its scores say.

    Args:
        spec: The network.
        steps: Those of the network.
        material: What is judged.
        own: The data that the network learnt from, where something is chosen on them.
        state: The weights.
        devices: What it is computed on.
        wanted: What is chosen on the validation split.
    """
    params, stats = steps.evaluated(state)
    fused = inference(spec, nnx.merge(steps.graphdef, params, stats, copy=True))
    if fused is not None:
        steps = replace(steps, taken=fused.taken(fused.numbers))
    machine = engine(steps, [material], replicated(devices, None), devices)
    placed = machine.place(state)
    machine.compile(placed, splits=("test",), training=False)
    totals = machine.evaluate(placed, "test", lambda: False)
    if totals is None:  # only who asks for it
        raise UsageError("the evaluation was ended")
    found = _scored(machine, placed, "test")
    every = {part: each.answers if each else None for part, each in found.items()}
    maps = borders_of(machine, placed, "test")
    figures = measured_of_all(totals, material, {**every, **maps})
    test, part = found.get(ONLY), steps.parts.get(ONLY)
    if test is None or part is None or part.train.loss.compares > 1:
        return figures, None
    if not test.answers.sound:
        if wanted.anything:
            raise DataError("the network gives what is no number, so that nothing can be chosen")
        return figures, None
    validation = None
    if wanted.anything and own is not None:
        if own is not material:
            machine = engine(steps, [own], replicated(devices, None), devices)
        validation = _scored(machine, placed, "validation")[ONLY]
    names = [row["name"] for row in figures["classes"]]
    wrong = wrong_answers(material, "test", test.answers, names)
    return figures, judgement(part, names, test, validation, wanted, wrong)


def _targets(steps: Steps, material: Material) -> tuple[tuple[str, ...], Task]:
    """The names of a network's classes or labels, and what its targets are."""
    if (only := steps.objective.only) is not None and only.of_maps:
        return (), "segmentation" if steps.train.loss.of_classes else "images"
    part = steps.parts.get(ONLY)
    if part is None or not part.train.loss.of_classes or part.train.loss.compares > 1:
        return (), "values"
    task: Task = "labels" if part.multi_label else "classes"
    count = part.outputs if part.multi_label else max(part.outputs, 2)
    return names_of(material.dataset.classes, count), task


def _scored(machine: Engine, state: Any, name: SplitName) -> dict[str, Scored | None]:
    """The scores of a split, of each output by its name, where they are of classes."""
    found: dict[str, Scored | None] = {}
    for part, scores in machine.scores(state, name).items():
        answers = answers_of(machine, part, scores, name)
        found[part] = None if answers is None else Scored(scores, answers)
    return found


def _standardized(material: Material, like: Preparation) -> Material:
    """A material whose inputs are standardized as a record says."""
    if isinstance(like, Preprocessing):
        return replace(material, statistics=like.statistics, preprocessing=like)
    inputs = {name: _standardized(one, like[name]) for name, one in material.inputs.items()}
    return replace(material, inputs=inputs)


def _all_of(
    dataset: Dataset, classes: Sequence[str], outputs: Scores, like: Preparation
) -> Material:
    """The test split of a data set, or all of it, standardised as the run's training split was."""
    if dataset.classes and not dataset.outputs and list(dataset.classes) != list(classes):
        raise DataError(
            f"{dataset.name} has the classes {', '.join(dataset.classes[:10])}, and the run "
            f"{', '.join(classes[:10])}: they are told apart by their order and must be the same"
        )
    examples = dataset.test if dataset.test is not None else dataset.train
    everything, none = np.arange(len(examples)), np.arange(0)
    splits = Splits(everything[:1], none, everything, dataset.test is not None, False, 0)
    count = outputs if isinstance(outputs, int) else 1
    weights = np.ones(max(count, len(dataset.classes)), np.float32)
    first = like if isinstance(like, Preprocessing) else next(iter(like.values()))
    inputs = {
        name: Material(each, splits, like[name].statistics, like[name], weights, seed=0)
        for name, each in dataset.inputs.items()
        if not isinstance(like, Preprocessing)
    }
    return Material(dataset, splits, first.statistics, first, weights, seed=0, inputs=inputs)
