"""Checkpoints: the whole state and the record of a run, written by Orbax, proved by hashes.

``checkpoints/step-00001234`` holds ``state`` (Orbax), ``record.json`` (the epochs so far) and
``manifest.json`` (the SHA-256 of every other file). It is written beside its place and renamed
at the end, so that a process which is killed leaves either all of it or none; what is damaged
later no longer fits its manifest, and the one before it is used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from cnnkit.errors import TrainingError
from cnnkit.training.files import sync_folder, told_of_full_disk, write_json

_STATE = "state"
_RECORD = "record.json"
_MANIFEST = "manifest.json"
_PREFIX = "step-"
_PENDING = ".pending-"
_CHUNK = 2**20
Record = dict[str, Any]
T = TypeVar("T")


class DamagedCheckpointError(TrainingError):
    """A checkpoint does not fit its manifest, or the network."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of a run.

    Attributes:
        path: Its folder.
    """

    path: Path

    @property
    def step(self) -> int:
        """The steps that had been done."""
        return int(self.path.name.removeprefix(_PREFIX))

    @cached_property
    def record(self) -> Record:
        """What was known of the run, checked by the manifest.

        Raises:
            DamagedCheckpointError: A file is not as it was written.
        """
        _verify(self.path)
        try:
            record: Record = json.loads((self.path / _RECORD).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DamagedCheckpointError(f"{self.path / _RECORD} cannot be read") from error
        return record

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
        return jax.tree.unflatten(jax.tree.structure(template), leaves)


class Checkpoints:
    """The checkpoints of one run, in a folder.

    Args:
        folder: Where they lie; made where it is missing.
        keep: How many of the last are kept; besides, the best ones that these name.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None

    def found(self) -> list[Checkpoint]:
        """What is there, the oldest first; none is checked yet."""
        if not self.folder.is_dir():
            return []
        paths = [path for path in self.folder.iterdir() if _is_checkpoint(path)]
        return sorted(map(Checkpoint, paths), key=lambda checkpoint: checkpoint.step)

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

    def discard_after(self, step: int) -> None:
        """Removes the checkpoints after a step: a run that goes on before it writes them anew."""
        for checkpoint in self.found():
            if checkpoint.step > step:
                _remove(checkpoint.path)

    def save(self, state: Any, record: Record) -> None:
        """Copies the state off the device, and writes it in the background.

        Waits for the checkpoint before it, if that is still being written.

        Args:
            state: A pytree of arrays.
            record: Plain data; has ``step``, and ``best``, the step of the best so far or None.

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
        import orbax.checkpoint as ocp

        final = self.folder / f"{_PREFIX}{record['step']:08d}"
        pending = self.folder / f"{_PENDING}{record['step']:08d}-{os.getpid()}"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with told_of_full_disk(final):
                shutil.rmtree(pending, ignore_errors=True)
                pending.mkdir()
                _checkpointer().save(
                    (pending / _STATE).absolute(), args=ocp.args.PyTreeSave(arrays)
                )
                write_json(pending / _RECORD, record)
                write_json(pending / _MANIFEST, {"sha256": _digests(pending)})
                _sync(pending)
                if final.exists():
                    _remove(final)
                pending.rename(final)
                sync_folder(self.folder)
        finally:
            shutil.rmtree(pending, ignore_errors=True)
        self._prune(record)

    def _prune(self, record: Record) -> None:
        """Removes all but the last ones, and the best ones that they name."""
        *old, _ = found = self.found()
        kept = {checkpoint.step for checkpoint in found[-self.keep :]}
        best = {record["best"]}
        for checkpoint in old:
            if checkpoint.step in kept:
                try:
                    best.add(json.loads((checkpoint.path / _RECORD).read_bytes())["best"])
                except (OSError, ValueError, KeyError):
                    continue  # a damaged one names none
        for checkpoint in old:
            if checkpoint.step not in kept | best:
                _remove(checkpoint.path)


def _checkpointer() -> Any:
    import orbax.checkpoint as ocp

    # Orbax logs each save on the root logger, in the middle of the display.
    logging.getLogger("absl").setLevel(logging.ERROR)
    return ocp.Checkpointer(ocp.PyTreeCheckpointHandler(use_ocdbt=True, use_zarr3=True))


def _named(tree: Any) -> dict[str, Any]:
    """The leaves by their paths: ``params.layers.0.kernel``."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _is_checkpoint(path: Path) -> bool:
    number = path.name.removeprefix(_PREFIX)
    return path.name.startswith(_PREFIX) and number.isascii() and number.isdecimal()


def _remove(checkpoint: Path) -> None:
    """Removes a checkpoint; renamed first, so that none is ever seen half removed."""
    doomed = checkpoint.with_name(f"{_PENDING}removed-{checkpoint.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    checkpoint.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(
        Path(parent) / name
        for parent, _, names in os.walk(folder)
        for name in names
        if not (name == _MANIFEST and Path(parent) == folder)
    )


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in _files(folder)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _verify(folder: Path) -> None:
    """Raises where a file is missing, new or changed."""
    try:
        written = json.loads((folder / _MANIFEST).read_bytes())["sha256"]
        if not isinstance(written, dict):
            raise TypeError(_MANIFEST)
        for path in _files(folder):
            if path.is_symlink():
                raise DamagedCheckpointError(f"{path} is a link, which no checkpoint holds")
        found = _digests(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpointError(f"{folder} has no readable {_MANIFEST}") from error
    for name in sorted(written.keys() | found.keys()):
        if name not in found:
            raise DamagedCheckpointError(f"{folder} is damaged: {name} is missing")
        if written.get(name) != found[name]:
            raise DamagedCheckpointError(f"{folder} is damaged: {name} is not as it was written")


def _sync(folder: Path) -> None:
    """Makes all files of a folder last through a loss of power."""
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for parent, _, _ in os.walk(folder):
        sync_folder(Path(parent))
