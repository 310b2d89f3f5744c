"""A search: trials drawn from the space of a spec, judged on the validation split alone.

What cannot be trained is never trained: each drawn network is read and analysed first, and one
that is invalid, exceeds the spec's `budget:` or was drawn before is rejected with the reason.
"""

from __future__ import annotations

import json
import random
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from cnnkit.analysis import analyze
from cnnkit.checking.admission import errors_of
from cnnkit.errors import TrainingError, UsageError
from cnnkit.selection.objective import objective, score_of
from cnnkit.selection.search.private import id_of_trial
from cnnkit.selection.search.row import TrialRecord
from cnnkit.selection.search.space import Chosen, Space
from cnnkit.selection.search.study import Direction, Study
from cnnkit.selection.search.twins import twin
from cnnkit.spec.model.search import Search, SearchSettings
from cnnkit.spec.model.spec import Spec
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.history import best, value

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

DEFAULT_TRIALS: Final = 30
MOST_COMBINATIONS: Final = 10_000
"""The combinations of a grid; more are searched by drawing."""
_MOST_REJECTED: Final = 200  # in a row: then nothing valid is likely to come
_WAIT_SECONDS: Final = 0.5
_OF_THE_SPEC: Final = ("expectation-failed", "over-budget")
"""What a spec expects is of the network as it is written, not of a trial's; budgets are judged with
those of the command line."""


@dataclass(frozen=True)
class Outcome:
    """What became of training a trial's network.

    Attributes:
        history: Its epochs.
        pruned: Whether it was ended because it lagged behind.
        failed: Why it could not go on, such as a loss that is no number.
    """

    history: Sequence[Epoch]
    pruned: bool = False
    failed: str | None = None


Stop = Callable[[Epoch], bool]
"""Told of each epoch; whether to end the trial."""


class Evaluate(Protocol):
    """Trains a network on the training split and judges it on the validation split."""

    def __call__(self, spec: Spec, stop: Stop) -> Outcome:
        """The outcome of a spec; ``stop`` is asked after each epoch."""
        ...


class SearchCallback(Protocol):
    """Who is told how the search goes on."""

    def begins(self, number: int, chosen: Chosen, spec: Spec) -> None:
        """A trial is trained."""

    def epoch(self, number: int, record: Epoch) -> None:
        """An epoch of it is over."""

    def ends(self, trial: FrozenTrial) -> None:
        """A trial is over, or was rejected."""

    def waits(self, running: int) -> None:
        """All that is left runs in other processes."""


class Judged(NamedTuple):
    """A network that may be trained, or why it may not."""

    spec: Spec | None
    totals: Mapping[str, int]
    reason: str | None


@dataclass
class TrialLoop:
    """A search in progress.

    Attributes:
        study: The trials.
        space: What they choose from.
        settings: How the search goes about it.
        evaluate: What trains a trial's network.
        watch: Who is told.
        budgets: Upper bounds on totals, beside those of the spec.
        epochs: How many a trial has, as far as the spec says.
        interrupted: Whether the user asked to end; the trial at hand is then run again by whoever
            goes on.
    """

    study: Study
    space: Space
    settings: SearchSettings
    evaluate: Evaluate
    watch: SearchCallback
    budgets: Mapping[str, int] = field(default_factory=dict)
    epochs: int = 1
    interrupted: Callable[[], bool] = bool

    def run(self) -> None:
        """Runs trials until no slot is left, those of other processes included.

        Raises:
            TrainingError: No drawn network could be trained.
            KeyboardInterrupt: The user asked to end.
        """
        self.study.slots.plan(slots(self.space, self.settings))
        rejected = 0
        while True:
            self._obey()
            trial = self.study.claims.claim(
                partial(sampler, self.settings), pruner(self.settings, self.epochs)
            )
            if trial is None:
                if not self.study.slots.unfinished():
                    return
                self.watch.waits(len(self.study.claims.running()))
                time.sleep(_WAIT_SECONDS)
                continue
            reason = self._trial(trial)
            rejected = rejected + 1 if reason else 0
            if rejected >= _MOST_REJECTED:
                raise TrainingError(
                    f"{rejected} networks in a row were rejected, the last because {reason}: "
                    "narrow `search:` to what can be trained, or raise the budget"
                )

    def _trial(self, trial: Trial) -> str | None:
        """Runs a trial; why it was rejected, if it was."""
        chosen = self.space.draw(trial)
        judged = self.judge(chosen)
        other = None if judged.reason else twin(trial, self.study.trials, self.study.workers)
        reason = judged.reason if other is None else f"it is the same as trial {other}"
        if reason is not None or judged.spec is None:
            again = self._instead()
            self.study.reject(trial, reason or "it has no input", again=again)
            self.watch.ends(self._frozen(trial))
            return reason
        self.watch.begins(trial.number, chosen, judged.spec)
        begun = time.monotonic()
        outcome = self.evaluate(judged.spec, self._stop(trial))
        at = best(outcome.history, score_of(self.settings.objectives))
        values = None
        if at is not None and not outcome.pruned:
            figures = {**judged.totals, **(at.validation or {})}
            known = [figures[name] for name in self.settings.objectives]
            whole = [float(each) for each in known if each is not None]
            values = whole if len(whole) == len(known) else None
        trained = TrialRecord(
            best_epoch=None if at is None else at.epoch,
            history=tuple(outcome.history),
            totals=judged.totals,
            seconds=round(time.monotonic() - begun, 3),
            failed=outcome.failed,
        )
        self.study.finish(trial, values, trained.attributes())
        self.watch.ends(self._frozen(trial))
        return None

    def judge(self, chosen: Chosen) -> Judged:
        """The network of some choices, unless it is invalid or exceeds a budget."""
        try:
            reading = self.space.read(chosen)
        except UsageError as error:
            return Judged(None, {}, str(error))
        if reading.spec is None:
            return Judged(None, {}, reading.findings[0].message)
        analysis = analyze(reading.spec)
        for finding in errors_of(reading.spec):
            if finding.rule not in _OF_THE_SPEC:
                return Judged(None, {}, finding.message)
        totals = analysis.budgeted
        own = reading.spec.budget.figures() if reading.spec.budget else {}
        for name, bound in {**own, **self.budgets}.items():
            if totals[name] > bound:
                reason = f"`{name}` is {totals[name]:,}, above the budget of {bound:,}"
                return Judged(None, totals, reason)
        return Judged(reading.spec, totals, None)

    def _stop(self, trial: Trial) -> Stop:
        prunes = self.settings.pruning and len(self.settings.objectives) == 1
        name = score_of(self.settings.objectives)

        def stop(record: Epoch) -> bool:
            self._obey()
            self.watch.epoch(trial.number, record)
            if not prunes:
                return False
            figure = value(record, name)
            if figure is None:
                return False
            trial.report(figure, record.epoch)
            return trial.should_prune()

        return stop

    def _obey(self) -> None:
        """Ends between two epochs: a process that ends while XLA computes does not end well."""
        if self.interrupted():
            raise KeyboardInterrupt

    def _instead(self) -> Mapping[str, Any] | None:
        """What a rejected slot tries next: something new, where that can be counted."""
        if self.settings.method == "grid":
            return None
        if self.space.combinations is None or self.space.combinations > MOST_COMBINATIONS:
            return {}
        tried = {_key(trial.params) for trial in self.study.trials()}
        fresh = [
            kept
            for kept in map(self.space.parameters, self.space.grid())
            if _key(kept) not in tried
        ]
        return random.Random(len(tried)).choice(fresh) if fresh else None  # noqa: S311

    def _frozen(self, trial: Trial) -> FrozenTrial:
        return self.study.storage.get_trial(id_of_trial(trial))


def slots(space: Space, settings: SearchSettings) -> Sequence[Mapping[str, Any]]:
    """What is fixed of each slot's choices: all of a grid's, nothing of those to be drawn.

    Raises:
        UsageError: The grid cannot be counted, or is too large.
    """
    if settings.method != "grid":
        wanted = settings.trials or DEFAULT_TRIALS
        few = space.combinations is not None and space.combinations <= wanted
        return [{}] * (sum(1 for _ in space.grid()) if few else wanted)
    if space.combinations is not None and space.combinations > MOST_COMBINATIONS:
        raise UsageError(
            f"the grid has {space.combinations:,} combinations, more than {MOST_COMBINATIONS:,}: "
            "list fewer values, or search by tpe or random"
        )
    return [space.parameters(chosen) for chosen in space.grid()][: settings.trials]


def directions(settings: SearchSettings) -> list[Direction]:
    """Which way each objective is better."""
    return ["maximize" if objective(n).rises else "minimize" for n in settings.objectives]


def sampler(settings: SearchSettings, number: int) -> BaseSampler:
    """What draws the trial of a number, from the seed, the number and the trials before."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import RandomSampler, TPESampler

    seed = (settings.seed * 1_000_003 + number) % 2**32
    if settings.method == "tpe":
        with warnings.catch_warnings():  # before Optuna 5 the option was an experiment
            warnings.simplefilter("ignore", ExperimentalWarning)
            # What other processes run counts as bad for now, so that they try something else.
            return TPESampler(seed=seed, n_startup_trials=10, constant_liar=True)
    return RandomSampler(seed=seed)


def pruner(settings: SearchSettings, epochs: int) -> BasePruner:
    """What says that a trial lags behind: half of those before, or all but a third of its rung.

    The first quarter of the epochs says little: a rate that warms up has hardly begun.
    """
    from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner

    if not settings.pruning or len(settings.objectives) > 1:
        return NopPruner()
    if settings.method == "halving":
        return SuccessiveHalvingPruner(min_resource=max(1, epochs // 9), reduction_factor=3)
    return MedianPruner(n_startup_trials=5, n_warmup_steps=max(2, epochs // 4))


def _key(parameters: Mapping[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True)


def space_of(spec: Spec) -> tuple[Space, Search]:
    """The space of a spec that was read from a text.

    Raises:
        UsageError: The spec has no `search:`, or no text to put choices into.
    """
    if spec.search is None or not spec.search.choices:
        raise UsageError(
            "the spec has no `search:`: add what to vary, such as "
            "`search: {variables.width: [8, 16], train.learning_rate: {log_uniform: [1e-4, 0.1]}}`"
        )
    if spec.origin.document is None:
        raise UsageError("a spec that was built in Python has no text to put choices into")
    settings = spec.search.settings_for(spec.train and recipe_of(spec))
    return (
        Space(spec.origin.document, spec.search, spec.origin.file),
        spec.search.model_copy(update={"settings": settings}),
    )
