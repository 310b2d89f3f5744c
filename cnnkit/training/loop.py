"""The epochs of a run, from a state to the state at their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from cnnkit.errors import TrainingError
from cnnkit.spec.model.training import Train
from cnnkit.training.advice import not_a_number
from cnnkit.training.compute.figures import figures
from cnnkit.training.compute.state import State
from cnnkit.training.distributed.consensus import agreed
from cnnkit.training.engine import Engine, Glance
from cnnkit.training.interruption import Interruption
from cnnkit.training.phases import Phases
from cnnkit.training.prepare.device import own, peak_bytes
from cnnkit.training.store.checkpoint import Checkpoints, Record, name_of
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.history import best, stops_early
from cnnkit.training.store.summary import Ending
from cnnkit.training.view.display import Display
from cnnkit.training.view.progress import Progress, RunPlan
from cnnkit.training.view.tensorboard import Events

History = list[RunEpoch]

# A call of the device is as many steps as fill this time: so often the display moves, and a
# Ctrl-C is obeyed.
_CALL = 0.25
_CHECKPOINT_INTERVAL = 60.0


@dataclass
class Pace:
    """How many steps a call has, and how fast they go.

    Attributes:
        count: The steps of the next call.
        images: The examples that were trained on.
        seconds: The time that this took.
        untaken: The examples since the last ``take``.
    """

    count: int = 1
    images: int = 0
    seconds: float = 0.0
    untaken: int = 0

    def took(self, steps: int, images: int, seconds: float) -> None:
        """Takes the time of a call into account."""
        self.images += images
        self.untaken += images
        self.seconds += seconds
        fitting = round(steps * _CALL / max(seconds, 1e-6))
        self.count = max(1, min(fitting, 2 * self.count))

    def take(self) -> int:
        """The examples since the last time."""
        taken, self.untaken = self.untaken, 0
        return taken

    @property
    def images_per_second(self) -> float:
        """The speed so far."""
        return self.images / max(self.seconds, 1e-9)


@dataclass
class Session:
    """What the loop works with.

    Attributes:
        train: The recipe.
        engine: The compiled steps on their data.
        run: Where the run is kept.
        checkpoints: Its checkpoints.
        display: What is told to the user.
        interruption: Whether the user asked to end.
        rate: The learning rate at a step.
        events: Where epochs are written for TensorBoard.
        phases: Where the time goes.
        elapsed: The seconds that earlier processes have trained.
    """

    train: Train
    engine: Engine
    run: RunDirectory
    checkpoints: Checkpoints
    display: Display
    interruption: Interruption
    rate: Callable[[int], Any]
    events: Events | None = None
    phases: Phases = field(default_factory=Phases)
    elapsed: float = 0.0
    pace: Pace = field(default_factory=Pace)
    begun: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch."""
        return self.engine.steps.steps_per_epoch(len(self.engine.material.splits.train))

    @property
    def trained(self) -> float:
        """The seconds that the run has trained, in all its processes."""
        return self.elapsed + time.monotonic() - self.begun

    @property
    def out_of_time(self) -> bool:
        """Whether the recipe's time limit is reached."""
        limit = self.train.time_limit
        return limit is not None and agreed(self.trained >= limit)

    @property
    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is so old that one is due within an epoch."""
        interval = self.train.checkpoint.interval or _CHECKPOINT_INTERVAL
        return agreed(time.monotonic() - self.saved >= interval)

    def save(self, state: State, history: History, *, whole: bool = False) -> None:
        """Begins a checkpoint; ``whole`` waits until it is there."""
        self.run.lock.require_there()
        found = best(history, self.train.monitor)
        with self.phases.phase("checkpoint"):
            self.checkpoints.save(
                state,
                Record(
                    step=int(state.step),
                    history=tuple(history),
                    best=None if found is None else name_of(found.step, found.epoch),
                    elapsed=round(self.trained, 3),
                ),
            )
            if whole:
                self.checkpoints.wait()
        self.saved = time.monotonic()


def train_epochs(session: Session, state: State, history: History) -> tuple[State, Ending]:
    """Trains until the recipe is fulfilled or the user asks to end; each epoch is recorded.

    Args:
        session: What the run works with.
        state: The state to go on from, in the middle of an epoch too; it is given away.
        history: The epochs that are done, to which new ones are added.

    Raises:
        TrainingError: The loss or a gradient was no number.
    """
    plan = RunPlan(
        session.train.epochs,
        session.steps_per_epoch,
        session.engine.steps.batch_size,
        session.train.monitor,
    )
    session.display.begin(plan, int(state.step))
    while (ending := _ending(session, history)) is None:
        state = _epoch(session, state, history)
        record = None if session.interruption else _record(session, state, history)
        if record is None:
            session.display.working("saving")
            session.save(state, history, whole=True)
            return state, "interrupted"
        history.append(record)
        is_best = best(history, session.train.monitor) is record
        session.display.epoch(record, best=is_best and record.validation is not None)
        session.run.lock.require_there()
        session.run.write_metrics(history)
        if session.events is not None:
            session.events.add(record)
        if is_best or _checkpoint_wanted(session, history):
            session.save(state, history)
    session.checkpoints.wait()
    return state, ending


def _ending(session: Session, history: History) -> Ending | None:
    """Why no epoch follows, if none does."""
    train = session.train
    if len(history) >= train.epochs:
        return "epochs"
    if stops_early(history, train.monitor, train.early_stopping):
        return "early stopping"
    if history and session.out_of_time:
        return "time limit"
    return None


def _checkpoint_wanted(session: Session, history: History) -> bool:
    every = session.train.checkpoint.every
    return len(history) % every == 0 or _ending(session, history) is not None


def _epoch(session: Session, state: State, history: History) -> State:
    """The state after the rest of an epoch, or where the user or the time ended it."""
    engine, pace = session.engine, session.pace
    with session.phases.phase("data"):
        order = engine.order(len(history))
    step, end = int(state.step), (len(history) + 1) * session.steps_per_epoch
    with session.phases.phase("device"):
        waiting: tuple[Glance, int] | None = None
        since = time.perf_counter()
        while step < end and not session.interruption.agree() and not session.out_of_time:
            count = agreed(min(pace.count, end - step))
            state = engine.advance(state, order, count)
            step += count
            # A call is looked at when the one after it is under way: the device never waits.
            waiting, seen = (engine.glance(state), count), waiting
            if seen is not None:
                since = _look(session, state, history, seen, since)
            if session.checkpoint_due:
                session.save(state, history)
        if waiting is not None:
            _look(session, state, history, waiting, since)
    return state


def _look(
    session: Session, state: State, history: History, seen: tuple[Glance, int], since: float
) -> float:
    """Waits for a call, shows what it did, and returns when it was done."""
    glance, count = jax.device_get(seen[0]), seen[1]
    now = time.perf_counter()
    session.pace.took(count, count * session.engine.steps.batch_size, now - since)
    if glance.failed >= 0:
        _give_up(session, state, history, int(glance.failed))
    examples = max(int(glance.examples), 1)
    session.display.progress(
        Progress(
            step=int(glance.step),
            loss=float(glance.loss) / examples,
            accuracy=None if glance.right < 0 else int(glance.right) / examples,
            images_per_second=session.pace.images_per_second,
        )
    )
    return now


def _give_up(session: Session, state: State, history: History, failed: int) -> None:
    """Keeps the last state that was sound, and says which step was not.

    Raises:
        TrainingError: Always.
    """
    session.save(state, history, whole=True)
    epoch, within = divmod(failed, session.steps_per_epoch)
    rate = float(session.rate(failed))
    raise TrainingError(
        f"step {failed + 1:,} (epoch {epoch + 1}, step {within + 1} of "
        f"{session.steps_per_epoch}) makes the loss or a weight infinite or no number, at a "
        f"learning rate of {rate:.3g}; the state before it is kept in "
        f"{session.checkpoints.folder}. " + not_a_number(session.train, rate, failed)
    )


def _record(session: Session, state: State, history: History) -> RunEpoch | None:
    """The figures of an epoch; None where the user asked to end before they were there."""
    engine = session.engine
    recalls = engine.recalls
    validation = None
    if len(engine.material.splits.validation):
        session.display.working("evaluating")
        with session.phases.phase("evaluation"):
            totals = engine.evaluate(state, "validation", lambda: bool(session.interruption))
        if totals is None:
            return None
        validation = figures(totals, recalls)
    seen = jax.device_get(state.totals)
    step = int(state.step)
    spent, images = session.phases.take(), session.pace.take()
    return RunEpoch(
        epoch=len(history) + 1,
        train=figures(seen, recalls),
        validation=validation,
        step=step,
        learning_rate=float(np.float32(session.rate(step - 1))),
        time={
            **spent,
            "images_per_second": _speed(images, spent["device"]),
            "peak_bytes": peak_bytes(own(engine.devices)),
            "waiting": engine.take_waiting(),
        },
    )


def _speed(images: int, seconds: float) -> float | None:
    """None where an earlier process has trained all of the epoch: here it was judged alone."""
    return round(images / max(seconds, 1e-9), 1) if images else None
