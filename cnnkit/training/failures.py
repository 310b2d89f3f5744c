"""What gives out in a run, in the user's terms: memory, disk space, a layer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import jax

from cnnkit.errors import LayerError, SpecError, TrainingError
from cnnkit.spec.model.training import Train
from cnnkit.training import advice
from cnnkit.training.distributed.consensus import alone
from cnnkit.training.store.checkpoint import Checkpoints
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.files import DiskFullError

# What the transports of collectives say: gloo's, NCCL's and that of the coordination service.
_LOST = re.compile(r"Gloo|NCCL|[Cc]oordination|[Cc]onnection|heartbeat|DEADLINE_EXCEEDED")


@contextmanager
def not_left_empty(run: RunDirectory) -> Iterator[None]:
    """Removes the directory of a run whose network could not be built or compiled at all."""
    try:
        yield
    except (LayerError, SpecError):
        if not run.checkpoints.exists():
            shutil.rmtree(run.path, ignore_errors=True)
        raise


@contextmanager
def in_the_users_terms(
    run: RunDirectory, recipe: Train, devices: Sequence[jax.Device]
) -> Iterator[None]:
    """Says what gave out, memory or disk space, and how to go on."""
    try:
        with memory_in_the_users_terms(recipe, devices), loss_of_a_process(run):
            yield
    except DiskFullError as error:
        last, _ = Checkpoints(run.checkpoints).last()
        kept = "its beginning" if last is None else f"step {last.place[0]:,}"
        raise TrainingError(
            f"{error}, then go on with `cnnkit train --resume {run.path}`: all up to {kept} is kept"
        ) from error
    except OSError as error:
        run.lock.require_there()
        raise TrainingError(
            f"{error.filename or run.path}: {error.strerror or error}. Put that right, then go on "
            f"with `cnnkit train --resume {run.path}`"
        ) from error
    finally:
        _remove_remnant(run)


def _remove_remnant(run: RunDirectory) -> None:
    """Removes what a checkpoint under way has made anew at the place of a run that is gone."""
    made = [path.name for path in run.path.glob("*")] if run.path.is_dir() else []
    if made == [run.checkpoints.name] and not Checkpoints(run.checkpoints).found():
        shutil.rmtree(run.path, ignore_errors=True)


@contextmanager
def loss_of_a_process(run: RunDirectory) -> Iterator[None]:
    """Says that one of several processes is gone, and how to go on.

    Raises:
        TrainingError: One is.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if alone() or not _LOST.search(str(error)):
            raise
        raise TrainingError(
            f"another process of this training is gone: {str(error).splitlines()[0]}. All up to "
            f"the last checkpoint is kept: go on with `cnnkit train --resume {run.path}` in as "
            f"many processes as there are"
        ) from error


@contextmanager
def memory_in_the_users_terms(recipe: Train, devices: Sequence[jax.Device]) -> Iterator[None]:
    """Says that memory gave out, and how to do with less.

    Raises:
        TrainingError: It did.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error) and "Out of memory" not in str(error):
            raise
        size = int(recipe.batch_size)
        raise TrainingError(
            f"the memory of {devices[0].device_kind} does not suffice for `batch_size: {size}`. "
            f"{advice.out_of_memory(recipe, size, devices[0].platform)}"
        ) from error
