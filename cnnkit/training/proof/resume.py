"""``--verify-resume``: processes are killed, and the run must end in the bits of one that was not.

``python -m cnnkit.training.proof.resume SPEC RUN OPTIONS`` is the process that is killed: it
begins the run, or goes on with it, and says when it trains.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.checking.admission import passing
from cnnkit.errors import TrainingError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.options import Options
from cnnkit.training.prepare.resolution import recipe_of, resolved
from cnnkit.training.results import TESTING
from cnnkit.training.run import resume, train
from cnnkit.training.store.checkpoint import Checkpoints
from cnnkit.training.store.directory import METRICS, SUMMARY
from cnnkit.training.store.files import write_atomic
from cnnkit.training.view.display import Display, Quiet
from cnnkit.training.view.progress import RunPlan

_BEGUN = "begun"
_TRAINED = "trained"
_EPOCHS = 12
_BATCHES = 8
_POLL = 0.001


@dataclass(frozen=True)
class Kill:
    """When a process is killed.

    Attributes:
        after: What is waited for first: its start, its first step, or that it saves.
        delay: The seconds after that.
    """

    after: str
    delay: float


def verify_resume(
    spec: Spec,
    options: Options,
    display: Display,
    *,
    kills: int = 8,
    seed: int = 0,
    epochs: int = _EPOCHS,
) -> bool:
    """Trains a network twice, once killed again and again; whether both ended in the same bits.

    The recipe is the spec's, on a few batches for a few epochs.

    Args:
        spec: The network and its recipe.
        options: Where the data are and what to run on.
        display: Whom to tell.
        kills: How often the second run is killed.
        seed: Of the moments.
        epochs: How many the recipe is cut to.

    Raises:
        TrainingError: A process failed for another reason.
    """
    with tempfile.TemporaryDirectory(prefix="cnnkit-") as folder:
        path = Path(folder)
        source, options = _shortened(spec, options, path, epochs)
        display.working("training without a break")
        began = time.monotonic()
        lasted = _reference(source, path / "whole", options)
        display.note(f"trained without a break in {time.monotonic() - began:.1f} s")
        moments = random.Random(seed)  # noqa: S311 - moments, not secrets
        done = 0
        for number in range(kills):
            kill = _moment(number, moments, 2 * lasted / kills)
            display.working(f"kill {number + 1} of {kills}")
            if not _killed(source, path / "killed", options, kill):
                break
            done += 1
        _run_child(source, path / "killed", options)
        differences = compare(path / "whole", path / "killed")
    for difference in differences:
        display.note(difference)
    if not differences:
        display.note(
            f"killed {done} times and resumed, the run ended in the same weights, metrics and best "
            f"checkpoint, bit for bit"
        )
    return not differences


def compare(whole: Path, other: Path) -> list[str]:
    """What differs between two finished runs, times left aside; empty where nothing does."""
    differences = []
    for name in (METRICS, SUMMARY):
        if _timeless(whole / name) != _timeless(other / name):
            differences.append(f"{name} differs")
    states = [_states(run) for run in (whole, other)]
    if states[0].keys() != states[1].keys():
        differences.append(f"the checkpoints are {sorted(states[0])} and {sorted(states[1])}")
    for name in sorted(states[0].keys() & states[1].keys()):
        ours, theirs = states[0][name], states[1][name]
        unequal = [
            leaf for leaf in ours if ours[leaf].tobytes() != theirs.get(leaf, np.zeros(0)).tobytes()
        ]
        if unequal:
            differences.append(
                f"{name}: {len(unequal)} of {len(ours)} arrays differ, first {unequal[0]}"
            )
    return differences


def _states(run: Path) -> dict[str, Mapping[str, Any]]:
    """The arrays of the last and the best checkpoint, by their names."""
    checkpoints = Checkpoints(run / "checkpoints")
    last, problems = checkpoints.last()
    if last is None or problems:
        raise TrainingError(f"{run} has no whole last checkpoint: {problems}")
    best = checkpoints.named(last.record.best)
    return {each.path.name: each.arrays() for each in (last, best) if each is not None}


def _timeless(path: Path) -> list[Any]:
    """The JSON values of a file, without what depends on the clock."""
    lines = path.read_text("utf-8")
    values = [json.loads(line) for line in lines.splitlines()] if path.name == METRICS else [
        json.loads(lines)
    ]  # fmt: skip
    return [
        {key: value for key, value in each.items() if key not in ("time", "seconds")}
        for each in values
    ]


def _shortened(spec: Spec, options: Options, folder: Path, epochs: int) -> tuple[Path, Options]:
    """A file of the same recipe on a few batches, saved often, and the options for it."""
    spec = resolved(spec)
    recipe = recipe_of(spec)
    size = recipe.batch_size if isinstance(recipe.batch_size, int) else 32
    checkpoint = recipe.checkpoint.model_copy(update={"interval": 0.1})
    short = recipe.model_copy(
        update={
            "epochs": min(recipe.epochs, epochs),
            "batch_size": size,
            "checkpoint": checkpoint,
            "time_limit": None,
        }
    )
    source = folder / "spec.json"
    text = json.dumps(passing(spec.model_copy(update={"train": short})).to_dict())
    write_atomic(source, text)
    return source, Options(options.data_dir, options.device, options.limit or _BATCHES * size)


def _moment(number: int, moments: random.Random, longest: float) -> Kill:
    """In turn: in the midst of training, in the midst of a save, soon after the start."""
    if number % 5 == 4:
        return Kill("start", moments.uniform(0.2, 2.0))
    if number % 2:
        return Kill("save", moments.uniform(0, 0.05))
    return Kill("step", moments.uniform(0, longest))


def _arguments(source: Path, run: Path, options: Options) -> list[str]:
    kept = json.dumps(options.to_dict())
    return [sys.executable, "-m", "cnnkit.training.proof.resume", str(source), str(run), kept]


def _reference(source: Path, run: Path, options: Options) -> float:
    """Trains without a break; the seconds from the first step to the last."""
    with subprocess.Popen(  # noqa: S603 - ourselves
        _arguments(source, run, options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        _next_line(child)
        began = time.monotonic()
        _next_line(child)
        lasted = time.monotonic() - began
        _, errors = child.communicate()
    if child.returncode:
        raise TrainingError(f"the run without a break failed: {errors.strip()}")
    return lasted


def _run_child(source: Path, run: Path, options: Options) -> None:
    """Lets the run come to its end."""
    done = subprocess.run(  # noqa: S603 - ourselves
        _arguments(source, run, options), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TrainingError(f"the resumed run failed: {done.stderr.strip()}")


def _killed(source: Path, run: Path, options: Options, kill: Kill) -> bool:
    """Starts or resumes the run and kills it at a moment; False where it had come to its end."""
    with subprocess.Popen(  # noqa: S603 - ourselves
        _arguments(source, run, options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        if kill.after != "start":
            _next_line(child)
        while kill.after == "save" and child.poll() is None and not _saves(run):
            time.sleep(_POLL)
        until = time.monotonic() + kill.delay
        while child.poll() is None and time.monotonic() < until:
            time.sleep(_POLL)
        child.kill()
        _, errors = child.communicate()
    if child.returncode > 0:
        raise TrainingError(f"the run that was to be killed failed: {errors.strip()}")
    return child.returncode != 0 or not (run / SUMMARY).is_file()


def _next_line(child: subprocess.Popen[str]) -> None:
    """Waits until the child says that it trains or has trained, or ends."""
    if child.stdout is not None:
        child.stdout.readline()


def _saves(run: Path) -> bool:
    return any((run / "checkpoints").glob(".pending-*"))


class _Announcing(Quiet):
    """Says when training begins and ends."""

    def working(self, text: str) -> None:
        """A line for the parent, when the last step is done."""
        if text == TESTING:
            print(_TRAINED, flush=True)

    def begin(self, plan: RunPlan, step: int) -> None:  # noqa: ARG002
        """A line for the parent."""
        print(_BEGUN, flush=True)


def _child(source: str, run: str, options: str) -> None:
    """Begins a run, or goes on with it."""
    told = Options.from_dict(json.loads(options))
    path = Path(run)
    if path.is_dir():
        resume(path, options=told, display=_Announcing())
    else:
        train(source, run_dir=path, options=told, display=_Announcing())


if __name__ == "__main__":
    _child(*sys.argv[1:])
