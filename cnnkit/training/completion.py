"""A run from its preparation, or a checkpoint, to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.schedule import make_schedule
from cnnkit.training.compute.state import State
from cnnkit.training.distributed.consensus import agreed
from cnnkit.training.distributed.mesh import tell_of_kernels, usable
from cnnkit.training.distributed.saving import checkpoints_of, placed_state
from cnnkit.training.engine import Engine, machine
from cnnkit.training.failures import in_the_users_terms
from cnnkit.training.interruption import Interruption
from cnnkit.training.loop import History, Session, train_epochs
from cnnkit.training.prepare.initial import Initial
from cnnkit.training.prepare.material import Material
from cnnkit.training.store.checkpoint import Checkpoint, Record
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.record import parse
from cnnkit.training.store.summary import Ending
from cnnkit.training.view.conclusion import conclusion
from cnnkit.training.view.display import Display
from cnnkit.training.view.notebook import shown as in_notebook
from cnnkit.training.view.tensorboard import Events


@dataclass(frozen=True)
class Result:
    """What became of a run.

    Attributes:
        path: Its directory.
        ending: Why it ended.
        summary: What ``summary.json`` holds; None where the user ended the run before.
        interruption: The signal by which the user did.
    """

    path: Path
    ending: Ending
    summary: Mapping[str, Any] | None
    interruption: Interruption

    def _repr_html_(self) -> str:
        """What the run came to, as a notebook shows it, with its curves."""
        summary = RunDirectory.open(self.path).read_summary()
        lines = (
            [f"{self.path}: {self.ending}"] if summary is None else conclusion(summary, self.path)
        )
        return in_notebook(lines, self.path)


def complete(
    spec: Spec,
    recipe: Train,
    material: Material,
    run: RunDirectory,
    devices: Sequence[jax.Device],
    begun: Checkpoint | Initial | None,
    display: Display,
    interruption: Interruption,
) -> Result:
    """From a checkpoint, the weights of another training, or nothing, to the end of the run."""
    devices = usable(devices, recipe, display)
    tell_of_kernels(devices, display)
    with in_the_users_terms(run, recipe, devices), ExitStack() as resources:
        weights = begun.arrays if isinstance(begun, Initial) else None
        engine = machine(spec, recipe, [material], devices, weights)
        checkpoints = checkpoints_of(run, recipe.checkpoint.keep, engine)
        resources.callback(checkpoints.close)
        session = Session(
            recipe,
            engine,
            run,
            checkpoints,
            display,
            interruption,
            jax.jit(
                make_schedule(recipe, engine.steps.steps_per_epoch(len(material.splits.train)))
            ),
        )
        display.working("compiling")
        with session.phases.phase("compile"):
            engine.begin_compiling(engine.placed_template())
            state, history = _restored(engine, begun, session)
            if weights is not None:  # from here on the run needs the other one's no longer
                session.save(state, history, whole=True)
            engine.compile(state)
        if not engine.deterministic:
            display.note(
                f"{devices[0].device_kind} has no deterministic form of a layer's operation: a "
                f"resumed run will come close, and not to the same bits"
            )
        run.write_metrics(history)
        session.events = resources.enter_context(Events(run, history, display))
        state, ending = train_epochs(session, state, history)
        summary = None
        if ending != "interrupted":
            from cnnkit.training.results import conclude  # Matplotlib, not before it is needed

            summary = conclude(session, state, history, ending)
    if summary is None:
        display.note(
            f"ended by {interruption.name} after step {int(state.step):,}; all of it is kept: "
            f"go on with `cnnkit train --resume {run.path}`"
        )
    kept = None if summary is None else summary.to_dict()
    return Result(run.path, ending, kept, interruption)


def _restored(
    engine: Engine, last: Checkpoint | Initial | None, session: Session
) -> tuple[State, History]:
    """The state and the epochs of a checkpoint; without one, those of the beginning."""
    found = last if isinstance(last, Checkpoint) else None
    known = agreed(None if found is None else found.record.to_dict())
    if known is None:
        return engine.start(), []
    record = parse(Record, json.dumps(known))
    session.elapsed = record.elapsed
    state = placed_state(engine, found)
    # A step that failed will fail again, and say so again.
    none = np.full(state.failed.shape, -1, state.failed.dtype)
    sound = replace(state, failed=jax.device_put(none, state.failed.sharding))
    return sound, list(record.history)
