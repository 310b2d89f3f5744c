"""A run from its spec to its summary: the story that ``cnnkit train`` tells."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from cnnkit.checking.admission import admitted
from cnnkit.data.inspection import constant, warnings_of
from cnnkit.folders import StrPath
from cnnkit.network import runtime
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.location import located, located_groups, located_weights
from cnnkit.spec.reading import load
from cnnkit.training.completion import Result, complete
from cnnkit.training.distributed.consensus import (
    agreed,
    alone,
    interruption_of_all,
    is_first,
    require_same_data_everywhere,
    together,
)
from cnnkit.training.distributed.differences import require_same_start
from cnnkit.training.distributed.launch import tell_launcher
from cnnkit.training.distributed.mesh import adapted, require_devices
from cnnkit.training.distributed.scratch import kept_by_the_first
from cnnkit.training.failures import not_left_empty
from cnnkit.training.interruption import Interruption
from cnnkit.training.lengthening import lengthen
from cnnkit.training.options import Options, options_of
from cnnkit.training.prepare.batch_size import fitted, largest_batch
from cnnkit.training.prepare.device import choose, own
from cnnkit.training.prepare.environment import environment, versions
from cnnkit.training.prepare.initial import Initial, initial, keep_initial, told_initial
from cnnkit.training.prepare.learning_rate import found_rate
from cnnkit.training.prepare.material import Material, prepare
from cnnkit.training.prepare.precision import chosen_precision
from cnnkit.training.prepare.provenance import keep_record, require_same_data
from cnnkit.training.prepare.resolution import outputs_of, recipe_of, resolved
from cnnkit.training.store.checkpoint import Checkpoint, Checkpoints
from cnnkit.training.store.directory import REPORT, RunDirectory
from cnnkit.training.store.kinds import SPLIT
from cnnkit.training.store.summary import Summary
from cnnkit.training.view.conclusion import conclusion
from cnnkit.training.view.display import Display, make_display
from cnnkit.training.view.page import write_page


def train(
    spec: Spec | str | os.PathLike[str] | Mapping[str, object],
    *,
    run_dir: StrPath | None = None,
    options: Options | None = None,
    display: Display | None = None,
) -> Result:
    """Trains a network from its first step.

    Args:
        spec: A spec, or what ``cnnkit.load`` takes; its section `train:` is the recipe.
        run_dir: The directory to keep the run in; by default `runs/NAME`, or the first free of
            `runs/NAME-2` and so on.
        options: Where the data are and what to run on.
        display: Whom to tell; by default a bar on a terminal, lines in a log.

    Raises:
        SpecError: `check` finds errors in the spec.
        UsageError: It has no recipe, files are missing, or the directory is there already.
        DataError: The data are damaged, or do not fit the network.
        TrainingError: The numbers, the memory or the disk space gave out.
    """
    spec = spec if isinstance(spec, Spec) else load(spec)
    groups = located_groups(spec)
    places = (*located(spec).notes, *groups.notes, *located_weights(spec).notes)
    written, spec = spec, resolved(spec)
    recipe = recipe_of(spec)
    options = options or Options()
    with interruption_of_all() as interruption, ExitStack() as resources:
        devices = choose(options.device)
        require_same_start(written, options)
        require_devices(written, recipe, devices)  # whose lines the user knows
        shown = resources.enter_context(_told(display))
        for note in places:
            shown.note(f"warning: {note}")
        with together():
            _set_up(shown)
            begun = told_initial(spec, shown)
            shown.working("reading the data")
            material = _prepare(spec, recipe, options, groups.place)
            if not isinstance(recipe.data, str):  # published data sets are known to be sound
                for warning in _warnings(material):
                    shown.note(f"warning: {warning}")
            recipe = chosen_precision(recipe, own(devices), shown, together=len(devices))
            recipe = largest_batch(spec, recipe, material, own(devices), shown)
            recipe = fitted(recipe, len(material.splits.train))
            recipe = found_rate(spec, recipe, material, own(devices), shown, begun)
        spec = _of_the_first(spec.model_copy(update={"train": recipe}))
        recipe = recipe_of(spec)
        record = material.record(recipe)
        require_same_data_everywhere(*record.digests)

        def new(path: Path | None) -> RunDirectory:
            made = environment(devices, options)
            return RunDirectory.create(path, spec.name or "run", spec.to_dict(), made)

        wanted = None if run_dir is None else Path(run_dir)
        with together():
            run = resources.enter_context(kept_by_the_first(lambda: new(wanted), new))
            resources.enter_context(run.lock)
        with not_left_empty(run):
            keep_initial(run, begun)
            keep_record(run, material, record)
            shown.note(f"run {run.path}")
            if is_first():
                tell_launcher(run.path)
            return complete(spec, recipe, material, run, devices, begun, shown, interruption)


def resume(
    run_dir: StrPath,
    *,
    epochs: int | None = None,
    options: Options | None = None,
    display: Display | None = None,
) -> Result:
    """Goes on with a run where its last whole checkpoint is; ends in the same bits.

    Args:
        run_dir: The directory of the run.
        epochs: How many it is to have in all, where that is more than it was begun with.
        options: In place of those that the run was begun with.
        display: Whom to tell; by default a bar on a terminal, lines in a log.

    Raises:
        SpecError: Its spec was changed, and `check` finds errors in it.
        UsageError: There is no such run, or another process is at it.
        DataError: The data are damaged, or are not those that the run was begun with.
        TrainingError: The numbers, the memory or the disk space gave out.
    """
    begun_as = RunDirectory.open(Path(run_dir), "training")
    options = options or options_of(begun_as)
    with interruption_of_all() as interruption, ExitStack() as resources:
        devices = choose(options.device)
        require_same_start(begun_as.read_spec(), options)
        shown = resources.enter_context(_told(display))
        with together():
            run = resources.enter_context(
                kept_by_the_first(lambda: begun_as, partial(_alike, begun_as))
            )
            resources.enter_context(run.lock)
            if epochs is not None and is_first():
                lengthen(run, epochs, shown)
        if agreed(run.finished and (run.path / SPLIT).exists()):
            return _finished(run, shown, interruption)
        _told_of_versions(run, shown)
        with together():
            spec = admitted(run.read_spec())
        spec = _of_the_first(spec)
        recipe = adapted(recipe_of(spec), devices, shown)
        last: Checkpoint | None = None
        with together():
            _set_up(shown)
            shown.working("reading the data")
            material = _prepare(spec, recipe, options)
            record = material.record(recipe)
            require_same_data(run, material, record)
            keep_record(run, material, record)
            checkpoints = Checkpoints(run.checkpoints)
            checkpoints.clean()
            last, problems = checkpoints.last()
            for problem in problems:
                shown.note(f"{problem}; the checkpoint before it is used")
        require_same_data_everywhere(*record.digests)
        begun: Initial | None = None
        if is_first():
            tell_launcher(run.path)
        place = agreed(None if last is None else [*last.place])
        if place is None:
            shown.note(f"resuming {run.path} from its beginning: it has no checkpoint yet")
            with together():
                begun = initial(spec)
                keep_initial(run, begun)
        else:
            step, epochs = place
            shown.note(f"resuming {run.path} at step {step:,}, after {epochs} epochs")
            checkpoints.discard_after((step, epochs))
        return complete(spec, recipe, material, run, devices, last or begun, shown, interruption)


def _alike(run: RunDirectory, path: Path) -> RunDirectory:
    """A directory at a path that goes with a run."""
    spec = run.read_spec()
    made = run.read_environment()
    return RunDirectory.create(path, spec.name or "run", spec.to_dict(), made)


def _of_the_first(spec: Spec) -> Spec:
    """The spec as the first process has it: what was measured for it may differ in the others."""
    return spec if alone() else load(agreed(spec.to_dict()))


def _finished(run: RunDirectory, display: Display, interruption: Interruption) -> Result:
    """The result of a run that had come to its end."""
    if not is_first():
        return Result(run.path, "epochs", {}, interruption)
    needed = ("epochs", "ending", "best_epoch", "test", "diagnosis")
    summary = run.read_summary(needed) or Summary()
    if not (run.path / REPORT).exists():  # it was killed between the last two files
        write_page(run)
    display.note(f"{run.path} is finished: {summary.epochs} epochs")
    for line in conclusion(summary, run.path):
        display.note(line)
    return Result(run.path, summary.ending or "epochs", summary.to_dict(), interruption)


def _warnings(material: Material) -> Iterator[str]:
    """What is suspicious about the data; of several inputs about each by itself."""
    if not material.inputs:
        yield from warnings_of(material.dataset, material.splits, material.statistics)
        return
    yield from material.dataset.notes
    for name, each in material.inputs.items():
        yield from (f"`{name}`: {text}" for text in constant(each.dataset, each.statistics))


def _prepare(spec: Spec, recipe: Train, options: Options, place: str = "") -> Material:
    return prepare(
        spec,
        recipe,
        outputs_of(spec),
        data_dir=options.data_dir,
        limit=options.limit,
        place=place,
    )


def _told_of_versions(run: RunDirectory, display: Display) -> None:
    """Says where the bits may differ because other software goes on with the run."""
    before = run.read_environment().versions
    changed = [
        f"{name} {before[name]} then, {now} now"
        for name, now in versions().items()
        if name in before and before[name] != now
    ]
    if changed:
        display.note(f"the run may not end in the same bits: {'; '.join(changed)}")


def _set_up(display: Display) -> None:
    for line in runtime.prepare():
        display.note(line)


@contextmanager
def _told(display: Display | None) -> Iterator[Display]:
    shown = (display or make_display()) if is_first() else make_display(quiet=True)
    try:
        yield shown
    finally:
        shown.close()
