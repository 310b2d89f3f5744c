"""Checkpoints: the whole state and the record of a run, proved by hashes.

``checkpoints/step-00001234-epoch-0005``, of a run that had done 1,234 steps and finished five
epochs, holds ``state`` (Orbax), ``record.json`` (the epochs so far) and
``manifest.json`` (the SHA-256 of every other file). It is written beside its place and renamed
at the end, so that a process which is killed leaves either all of it or none; what is damaged
later no longer fits its manifest, and the one before it is used. One process writes all of it here;
how several share it is in ``distributed.saving``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from cnnkit.training.store.arrays import named, read, read_like, write
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

STATE = "state"
"""The folder of the arrays in that of a checkpoint."""
_RECORD = "record.json"
_NAME = re.compile(r"step-(\d+)-epoch-(\d+)", re.ASCII)
_PENDING = ".pending-"
_FORMAT = 1
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

    @property
    def name(self) -> str:
        """That of the checkpoint."""
        return name_of(self.step, len(self.history))

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
        return read(self.path / STATE)

    def restore(self, template: T) -> T:
        """The state, as NumPy arrays in the structure of ``template``.

        Args:
            template: A pytree of arrays or ``jax.ShapeDtypeStruct``.

        Raises:
            DamagedCheckpointError: A file is not as it was written, or is of another network.
        """
        _ = self.record
        return self._read_like(template, lambda leaf, _: np.zeros(leaf.shape, leaf.dtype), template)

    def restore_parts(self, template: T, shardings: Any) -> T:
        """The state on devices of several processes, each of which reads what lies on its own.

        What the first of them has checked by the manifest the others do not check again.

        Args:
            template: A pytree of arrays or ``jax.ShapeDtypeStruct``.
            shardings: Where each of them is to lie, a tree of the same structure.

        Raises:
            DamagedCheckpointError: It is of another network, or cannot be read.
        """

        def lying(leaf: Any, sharding: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

        return self._read_like(template, lying, shardings)

    def _read_like(self, template: T, form: Callable[[Any, Any], Any], beside: Any) -> T:
        wanted = named(template)
        target = jax.tree.map(form, wanted, named(beside))
        try:
            arrays = read_like(self.path / STATE, target)
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
        arrays = {name: np.array(leaf) for name, leaf in named(jax.device_get(state)).items()}
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
        with self._begun(record) as pending:
            if pending is not None:
                require_space(pending, [array.nbytes for array in arrays.values()])
                write(arrays, pending / STATE, self.folder / record.name)

    @contextmanager
    def _begun(self, record: Record) -> Iterator[Path | None]:
        """A folder for the state of a checkpoint, which takes its place at the end.

        None where the checkpoint is there: of one step there is one state.
        """
        final = self.folder / record.name
        if self._lock is not None:
            self._lock.require_there()
        self.folder.mkdir(exist_ok=True)  # and not the run's, which may be gone
        if final.exists():
            if _is_whole(final):
                yield None
                return
            _remove(final)
        with told_of_full_disk(final), held_folder(self.folder) as folder:
            pending = pending_of(folder, record)
            try:
                shutil.rmtree(pending, ignore_errors=True)
                pending.mkdir()
                yield pending
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


def pending_of(folder: Path, record: Record) -> Path:
    """Where a checkpoint is written before it takes its place in a folder."""
    return folder / f"{_PENDING}{record.name}"


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
