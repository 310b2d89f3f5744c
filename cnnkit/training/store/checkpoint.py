"""Checkpoints: the whole state and the record of a run, written by Orbax, proved by hashes.

``checkpoints/step-00001234-epoch-0005``, of a run that had done 1,234 steps and finished five
epochs, holds ``state`` (Orbax), ``record.json`` (the epochs so far) and
``manifest.json`` (the SHA-256 of every other file). It is written beside its place and renamed
at the end, so that a process which is killed leaves either all of it or none; what is damaged
later no longer fits its manifest, and the one before it is used.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.files import (
    held_folder,
    require_space,
    sync_folder,
    told_of_full_disk,
    write_json,
)
from cnnkit.training.store.lock import Lock
from cnnkit.training.store.manifest import DamagedCheckpointError, sync, verify, write_manifest
from cnnkit.training.store.record import DamagedRecordError, parse

_STATE = "state"
_RECORD = "record.json"
_NAME = re.compile(r"step-(\d+)-epoch-(\d+)", re.ASCII)
_PENDING = ".pending-"
_FORMAT = 1
_CLOSED = "Event loop is closed"
T = TypeVar("T")


@dataclass(frozen=True)
class Record:
    """What was known of a run at a checkpoint.

    Attributes:
        step: The steps that had been done.
        history: The epochs that were finished.
        best: The name of the best checkpoint so far; None without any.
        elapsed: The seconds that the run had trained.
    """

    step: int
    history: Sequence[RunEpoch]
    best: str | None
    elapsed: float

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON takes it."""
        return {
            "format": _FORMAT,
            "step": self.step,
            "history": [epoch.to_dict() for epoch in self.history],
            "best": self.best,
            "elapsed": self.elapsed,
        }

    @classmethod
    def read(cls, checkpoint: Path) -> Record:
        """The record of a checkpoint.

        Raises:
            DamagedCheckpointError: It cannot be read.
        """
        path = checkpoint / _RECORD
        try:
            return parse(cls, path.read_bytes())
        except (OSError, DamagedRecordError) as error:
            raise DamagedCheckpointError(f"{path} cannot be read") from error


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of a run.

    Attributes:
        path: Its folder.
    """

    path: Path

    @property
    def place(self) -> tuple[int, int]:
        """The steps that had been done, and the epochs that were finished."""
        match = _NAME.fullmatch(self.path.name)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    @cached_property
    def record(self) -> Record:
        """What was known of the run, checked by the manifest.

        Raises:
            DamagedCheckpointError: A file is not as it was written.
        """
        verify(self.path)
        return Record.read(self.path)

    def arrays(self) -> dict[str, Any]:
        """All arrays by their names: ``params.layers.0.kernel``.

        Raises:
            DamagedCheckpointError: A file is not as it was written.
        """
        _ = self.record
        arrays: dict[str, Any] = _checkpointer().restore((self.path / _STATE).absolute())
        return {name: np.asarray(array) for name, array in arrays.items()}

    def restore(self, template: T) -> T:
        """The state, as NumPy arrays in the structure of ``template``.

        Args:
            template: A pytree of arrays or ``jax.ShapeDtypeStruct``.

        Raises:
            DamagedCheckpointError: A file is not as it was written, or is of another network.
        """
        import orbax.checkpoint as ocp

        _ = self.record
        wanted = _named(template)
        target = {name: np.zeros(leaf.shape, leaf.dtype) for name, leaf in wanted.items()}
        try:
            arrays = _checkpointer().restore(
                (self.path / _STATE).absolute(),
                args=ocp.args.PyTreeRestore(
                    item=target,
                    restore_args=ocp.checkpoint_utils.construct_restore_args(target),
                ),
            )
        except Exception as error:  # whatever Orbax meets in files that are not its own
            raise DamagedCheckpointError(
                f"{self.path} is of another network: {str(error).splitlines()[0]}"
            ) from error
        for name, leaf in wanted.items():
            if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
                raise DamagedCheckpointError(
                    f"{self.path}: {name} is {arrays[name].dtype}{list(arrays[name].shape)}, "
                    f"and the network has {leaf.dtype}{list(leaf.shape)}"
                )
        leaves = [arrays[name] for name in wanted]
        state: T = jax.tree.unflatten(jax.tree.structure(template), leaves)
        return state


class Checkpoints:
    """The checkpoints of one run, in a folder.

    Args:
        folder: Where they lie; made where it is missing.
        keep: How many of the last are kept; besides, the best ones that these name.
        lock: That of the run, where it is trained: nothing is written once its folder is gone.
    """

    def __init__(self, folder: Path, keep: int = 2, lock: Lock | None = None) -> None:
        self.folder = folder
        self.keep = keep
        self._lock = lock
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None

    def found(self) -> list[Checkpoint]:
        """What is there, the oldest first; none is checked yet."""
        if not self.folder.is_dir():
            return []
        paths = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(map(Checkpoint, paths), key=lambda checkpoint: checkpoint.place)

    def named(self, name: str | None) -> Checkpoint | None:
        """The checkpoint of a name, if it is there."""
        found = [checkpoint for checkpoint in self.found() if checkpoint.path.name == name]
        return found[0] if found else None

    def clean(self) -> None:
        """Removes what a process that was killed had begun to write."""
        if self.folder.is_dir():
            for path in self.folder.glob(f"{_PENDING}*"):
                shutil.rmtree(path, ignore_errors=True)

    def last(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and what is wrong with those after it."""
        problems = []
        for checkpoint in reversed(self.found()):
            try:
                _ = checkpoint.record
            except DamagedCheckpointError as error:
                problems.append(str(error))
            else:
                return checkpoint, problems
        return None, problems

    def discard_after(self, place: tuple[int, int]) -> None:
        """Removes the checkpoints after a place: a run that goes on there writes them anew."""
        for checkpoint in self.found():
            if checkpoint.place > place:
                _remove(checkpoint.path)

    def save(self, state: Any, record: Record) -> None:
        """Copies the state off the device, and writes it in the background.

        Waits for the checkpoint before it, if that is still being written.

        Args:
            state: A pytree of arrays.
            record: What is known of the run.

        Raises:
            TrainingError: The one before could not be written.
        """
        self.wait()
        # The next call of the step function gives these buffers away.
        arrays = {name: np.array(leaf) for name, leaf in _named(jax.device_get(state)).items()}
        self._writing = self._writer.submit(self._write, arrays, record)

    def wait(self) -> None:
        """Returns when all that was begun is written.

        Raises:
            TrainingError: It could not be.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """Ends the writer; what it writes is finished first."""
        self._writer.shutdown()

    def _write(self, arrays: dict[str, Any], record: Record) -> None:
        final = self.folder / name_of(record.step, len(record.history))
        if self._lock is not None:
            self._lock.require_there()
        self.folder.mkdir(exist_ok=True)  # and not the run's, which may be gone
        if final.exists():
            if _is_whole(final):
                return  # of one step there is one state
            _remove(final)
        with told_of_full_disk(final), held_folder(self.folder) as folder:
            pending = folder / f"{_PENDING}{final.name}-{os.getpid()}"
            try:
                shutil.rmtree(pending, ignore_errors=True)
                pending.mkdir()
                require_space(pending, [array.nbytes for array in arrays.values()])
                _save(arrays, pending / _STATE, final)
                write_json(pending / _RECORD, record.to_dict())
                write_manifest(pending)
                sync(pending)
                pending.rename(folder / final.name)
                sync_folder(folder)
            finally:
                shutil.rmtree(pending, ignore_errors=True)
        self._prune(record)

    def _prune(self, record: Record) -> None:
        """Removes all but the last ones, and the best ones that they name."""
        found = self.found()
        kept = {checkpoint.path.name for checkpoint in found[-self.keep :]}
        named = {record.best}
        for name in kept:
            try:
                named.add(Record.read(self.folder / name).best)
            except DamagedCheckpointError:
                continue  # a damaged one names none
        for checkpoint in found:
            if checkpoint.path.name not in kept | named:
                _remove(checkpoint.path)


def name_of(step: int, epochs: int) -> str:
    """The name of the checkpoint after so many steps and finished epochs.

    >>> name_of(1234, 5)
    'step-00001234-epoch-0005'
    """
    return f"step-{step:08d}-epoch-{epochs:04d}"


def _checkpointer() -> Any:
    import orbax.checkpoint as ocp

    # Orbax logs each save on the root logger, in the middle of the display; what fails is raised.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    # One process reads and writes: of several Orbax would wait for the others.
    only = frozenset({jax.process_index()})
    processes = ocp.options.MultiprocessingOptions(min(only), only)
    handler = ocp.PyTreeCheckpointHandler(
        use_ocdbt=True, use_zarr3=True, multiprocessing_options=processes
    )
    return ocp.Checkpointer(handler, multiprocessing_options=processes)


def _save(arrays: dict[str, Any], path: Path, final: Path) -> None:
    """Writes arrays by Orbax, to a path that is known to people as part of ``final``."""
    import orbax.checkpoint as ocp

    try:
        with _without_tracebacks():
            _checkpointer().save(path.absolute(), args=ocp.args.PyTreeSave(arrays))
    except Exception as error:  # Orbax says of what a disk does in many types
        if isinstance(error, OSError):
            raise
        reason = str(error).partition("\n")[0]
        raise OSError(errno.EIO, reason, str(final)) from error


@contextmanager
def _without_tracebacks() -> Iterator[None]:
    """A save by Orbax that prints nothing where it fails.

    The first write that fails ends the save and closes its event loop; each write that is under
    way then ends with an error that nobody can catch, and of which Python prints a traceback. Some
    end after the save has: where it failed, they are passed over from then on.
    """
    before = sys.unraisablehook

    def hook(found: sys.UnraisableHookArgs) -> None:
        if not (found.exc_type is RuntimeError and str(found.exc_value) == _CLOSED):
            before(found)

    sys.unraisablehook = hook
    yield
    sys.unraisablehook = before


def _named(tree: Any) -> dict[str, Any]:
    """The leaves by their paths: ``params.layers.0.kernel``."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _is_whole(folder: Path) -> bool:
    try:
        verify(folder)
    except DamagedCheckpointError:
        return False
    return True


def _remove(checkpoint: Path) -> None:
    """Removes a checkpoint; renamed first, so that none is ever seen half removed."""
    doomed = checkpoint.with_name(f"{_PENDING}removed-{checkpoint.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    checkpoint.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
