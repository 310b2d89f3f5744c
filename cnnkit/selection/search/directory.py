"""A search and its directory: begun, joined, or gone on with where it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import jax

from cnnkit.checking.admission import admitted
from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.network import runtime
from cnnkit.selection.objective import demand_of_task
from cnnkit.selection.recipe import recipe
from cnnkit.selection.search.database import secretless
from cnnkit.selection.search.evaluation import Evaluator, evaluator
from cnnkit.selection.search.looks import StudyLooks
from cnnkit.selection.search.protocol import Protocol, importance
from cnnkit.selection.search.results import Results
from cnnkit.selection.search.space import Space
from cnnkit.selection.search.study import Study
from cnnkit.selection.search.trials import TrialLoop, directions, slots, space_of
from cnnkit.selection.view.display import TrialDisplay
from cnnkit.spec.model.search import Search, SearchSettings
from cnnkit.spec.model.spec import Spec
from cnnkit.tasks.metric import metrics_in
from cnnkit.training import Options
from cnnkit.training.distributed.mesh import require_devices
from cnnkit.training.interruption import Interruption
from cnnkit.training.prepare.device import DeviceName, choose
from cnnkit.training.prepare.environment import environment
from cnnkit.training.prepare.initial import told_initial
from cnnkit.training.prepare.material import recalls_in
from cnnkit.training.prepare.resolution import outputs_of
from cnnkit.training.prepare.sealed import Sealed, sealed
from cnnkit.training.run import resume, train
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.summary import Summary
from cnnkit.training.view.display import make_display

DATABASE: Final = "study.db"


@dataclass(frozen=True)
class SearchOptions:
    """What a search is told beside its spec.

    Attributes:
        settings: What goes before the spec's `settings`.
        run_dir: Where it is kept; None for `runs/NAME-search`.
        storage: The URL of a database to share; None for one in the directory.
        study: The name of the study in the database; None for the network's.
        budgets: Upper bounds on totals, beside those of the spec.
        look_again: Whether the test split may be read once more.
        pick: The trial to retrain instead of the best.
        trials_only: Whether to leave the test split sealed.
        data_dir: Where published data sets lie.
        device: What to compute on.
        quiet: Whether nothing is shown while it goes on.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    run_dir: StrPath | None = None
    storage: str | None = None
    study: str | None = None
    budgets: Mapping[str, int] = field(default_factory=dict)
    look_again: bool = False
    pick: int | None = None
    trials_only: bool = False
    data_dir: StrPath | None = None
    device: DeviceName = "auto"
    quiet: bool = False


@dataclass(frozen=True)
class SearchContext:
    """What a search stands on, read from its spec.

    Attributes:
        spec: The spec.
        search: Its section `search:`.
        space: What trials choose from.
        settings: How the search goes about it.
        data: The examples that it may see.
        devices: What it computes on.
        run: Its directory.
        url: Its database.
        name: The name of its study.
        init: The hash of the weights that networks begin with, None where these are drawn.
    """

    spec: Spec
    search: Search
    space: Space
    settings: SearchSettings
    data: Sealed
    devices: Sequence[jax.Device]
    run: RunDirectory
    url: str
    name: str
    init: str | None = None

    def identity(self) -> dict[str, Any]:
        """What all processes that share the study must agree on."""
        choices = self.search.to_dict()
        choices.pop("settings", None)
        return {
            "spec": self.space.document.plain(),
            "search": choices,
            "objectives": list(self.settings.objectives),
            **({"folds": self.settings.folds} if self.settings.folds else {}),
            "data": self.data.splits.record(),
            **({"init": self.init} if self.init else {}),
        }

    def study(self, name: str, **more: Any) -> Study:
        """A study of this context."""
        identity = {**self.identity(), **more}
        return Study(self.url, name, directions(self.settings), identity)


def searched(spec: Spec, options: SearchOptions) -> tuple[Path, Results]:
    """Runs the trials that are left, then the protocol to its end.

    Raises:
        UsageError: The spec cannot be searched, or the directory or study is of another.
        DataError: The data are damaged, or do not fit the network.
        TrainingError: No network could be trained.
    """
    context = prepared(spec, options)
    study = context.study(context.name)
    try:
        evaluate = evaluator(
            context.data,
            context.spec,
            context.devices,
            options.data_dir,
            context.settings.objectives,
            context.settings.folds,
        )
        loop, watch = trial_loop(context, study, evaluate, options)
        protocol = Protocol(
            loop, context.run.path, context.name, context.data.dataset.name, StudyLooks(study)
        )
        with watch:
            try:
                run_obeying(loop)
            finally:
                _written(protocol, study)
        if not options.trials_only and context.data.sealed:
            _concluded(protocol, context, options, watch)
        return context.run.path, _written(protocol, study)
    finally:
        study.close()


def prepared(spec: Spec, options: SearchOptions) -> SearchContext:
    """The context of a search: data, device, directory and database.

    Raises:
        SpecError: `check` finds errors in the spec, or it is of more devices than are there.
    """
    space, search = space_of(admitted(spec))
    settings = search.settings.model_copy(update=dict(options.settings))
    settings = SearchSettings.model_validate(settings.model_dump())
    recipe_ = recipe(spec)
    demand_of_task(search, settings, recipe_)
    devices = choose(options.device)
    require_devices(spec, recipe_, devices)
    runtime.prepare()
    data = sealed(spec, recipe_, options.data_dir)
    asked = (*settings.objectives, recipe_.monitor)
    recalls_in(asked, data.dataset, outputs_of(spec))  # refuses an unknown class
    with closing(make_display(quiet=options.quiet)) as display:
        begun = told_initial(spec, display)
    run = _directory(spec, options)
    url = options.storage or f"sqlite:///{(run.path / DATABASE).absolute()}"
    name = options.study or spec.name or "network"
    init = None if begun is None else begun.source.sha256
    return SearchContext(spec, search, space, settings, data, devices, run, url, name, init)


def trial_loop(
    context: SearchContext, study: Study, evaluate: Evaluator, options: SearchOptions
) -> tuple[TrialLoop, TrialDisplay]:
    """The search of a study, and who is told of it."""
    count = len(slots(context.space, context.settings))
    watch = TrialDisplay(study, context.space, context.settings, count, quiet=options.quiet)
    done = sum(trial.state.is_finished() for trial in study.trials())
    if done:
        watch.note(f"going on with {context.run.path}: {done} trials are done")
    epochs = recipe(context.spec).epochs
    loop = TrialLoop(
        study, context.space, context.settings, evaluate, watch, options.budgets, epochs
    )
    return loop, watch


def run_obeying(loop: TrialLoop) -> None:
    """Runs a search until its end, or until the user asks to end it.

    Raises:
        KeyboardInterrupt: The user did; what is done is kept.
    """
    with Interruption() as interruption:
        loop.interrupted = lambda: bool(interruption)
        loop.run()


def _directory(spec: Spec, options: SearchOptions) -> RunDirectory:
    """The directory of the search, new or as other processes have made it."""
    name = spec.name or "network"
    path = Path(options.run_dir or Path("runs") / f"{name}-search")
    document = spec.origin.document
    plain = Options(data_dir=options.data_dir, device=options.device)
    if not path.is_dir() and document is not None:
        try:
            made = environment(choose(options.device), plain)
            if options.storage:
                known = secretless(options.storage)
                command = made.command or ()
                hidden = tuple(each.replace(options.storage, known) for each in command)
                made = replace(made, command=hidden)
            return RunDirectory.create(path, name, document.plain(), made)
        except UsageError:
            if not path.is_dir():  # else another process was faster
                raise
    return RunDirectory.open(path, "search")


def _concluded(
    protocol: Protocol, context: SearchContext, options: SearchOptions, watch: TrialDisplay
) -> None:
    """Retrains the best and reads the test split; where another process does, leaves it to it."""
    try:
        context.run.lock.take()
    except UsageError:
        watch.note("another process trains the best and reads the test split")
        return
    plain = Options(data_dir=options.data_dir, device=options.device, test=True)

    def retrain(spec: Spec, folder: Path) -> Mapping[str, float]:
        watch.note(f"training the best on training and validation examples, in {folder}")
        return retrained(spec, folder, plain, quiet=options.quiet)

    try:
        protocol.conclude(retrain, again=options.look_again, pick=options.pick)
    finally:
        context.run.lock.release()


def retrained(spec: Spec, folder: Path, options: Options, *, quiet: bool) -> dict[str, float]:
    """Trains a spec in a directory, or goes on there; the figures of the test split.

    Raises:
        KeyboardInterrupt: The user ended the training; all of it is kept.
    """
    run = RunDirectory(folder)
    found = run.read_summary()
    if found is None:
        display = make_display(quiet=quiet)
        if folder.is_dir():
            result = resume(folder, options=options, display=display)
        else:
            result = train(spec, run_dir=folder, options=options, display=display)
        if result.summary is None:
            raise KeyboardInterrupt
        found = run.read_summary() or Summary()
    test = found.test or {}
    return {each.name: test[each.name] for each in metrics_in(test) if test[each.name] is not None}


def _written(protocol: Protocol, study: Study) -> Results:
    found = protocol.results()
    return protocol.write(importance(found, study.optuna))
