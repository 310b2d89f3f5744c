"""The checkpoints of a training by several processes, each of which writes and reads its parts.

Where the first process has all of the state on its own devices or in a copy, it writes it alone.
Where arrays are cut along the devices of several, each writes what lies on its own (what all have,
one of them), while the next steps are computed; the first one makes a checkpoint of it, with its
record and manifest, once all have ended. So nothing is ever gathered. Any number of processes can
go on from it, with other parts.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
from jax.sharding import Sharding

from cnnkit.errors import TrainingError
from cnnkit.training.compute.state import State
from cnnkit.training.distributed.consensus import (
    agreed,
    alone,
    damage_told,
    is_first,
    shared_state,
    together,
)
from cnnkit.training.store.arrays import PartsWriter, named
from cnnkit.training.store.checkpoint import STATE, Checkpoint, Checkpoints, Record, pending_of
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.files import held_folder, require_space, told_of_full_disk

if TYPE_CHECKING:
    from cnnkit.training.engine import Engine


class JointCheckpoints(Checkpoints):
    """The checkpoints of a run of several processes, all of which have to ask for each.

    Args:
        folder: That of the first process.
        keep: As of ``Checkpoints``.
        lock: That of the first process; None in the others.
    """

    _parts_begun = 0

    def save(self, state: State, record: Record) -> None:
        """Takes what this process has to write off its devices, and writes it in the background.

        Raises:
            TrainingError: The one before could not be written, or a process has no room for this.
        """
        arrays = named(state)
        if not _is_cut(leaf.sharding for leaf in arrays.values()):
            if is_first():
                super().save(state, record)
            return
        self.wait()
        self._parts_begun += 1
        with ExitStack() as held:
            pending: Path | None = None
            with together(), told_of_full_disk(self.folder / record.name):
                if is_first():
                    pending = held.enter_context(self._begun(record))
            if not agreed(pending is not None):
                return
            with together(), told_of_full_disk(self.folder / record.name):
                pending = pending or held.enter_context(self._begun_by_the_first(record))
                require_space(pending, [_bytes_here(leaf) for leaf in arrays.values()])
            key = f"checkpoint-{self._parts_begun}"
            parts = PartsWriter(arrays, pending / STATE, self.folder / record.name, key)
            self._writing = self._writer.submit(_finish, parts, held.pop_all())

    def close(self) -> None:
        """Ends the writer; parts are not waited for, as a process that has failed writes none.

        Who ends well has waited for them.
        """
        self._writer.shutdown(wait=not self._parts_begun)

    @contextmanager
    def _begun_by_the_first(self, record: Record) -> Iterator[Path]:
        with told_of_full_disk(self.folder / record.name), held_folder(self.folder) as folder:
            yield pending_of(folder, record)


def checkpoints_of(run: RunDirectory, keep: int, engine: Engine) -> Checkpoints:
    """Where a run is kept by all of its processes.

    Raises:
        TrainingError: The state is cut, and they do not see the disk of the first one.
    """
    if alone():
        return Checkpoints(run.checkpoints, keep, run.lock)
    folder = Path(agreed(str(run.checkpoints.absolute())))
    if _is_cut(jax.tree.leaves(engine.lying)):
        _require_shared(folder)
    return JointCheckpoints(folder, keep, run.lock if is_first() else None)


def placed_state(engine: Engine, checkpoint: Checkpoint | None) -> State:
    """The state of a checkpoint that the first process has found, on the devices.

    It is proved by the first process alone, whose hashes are those of what all read.

    Raises:
        DamagedCheckpointError: A file is not as it was written, or is of another network.
    """
    found = checkpoint if is_first() else None
    if not _is_cut(jax.tree.leaves(engine.lying)):
        return engine.place(shared_state(engine.template(), found))
    with damage_told():
        if found is not None:
            _ = found.record
    path = Path(agreed("" if found is None else str(found.path.absolute())))
    with together():
        _require_seen(path)
        return Checkpoint(path).restore_parts(engine.template(), engine.lying)


def _finish(parts: PartsWriter, held: ExitStack) -> None:
    with held:
        parts.finish()


def _is_cut(shardings: Any) -> bool:
    """Whether of any array no process has all."""
    return any(
        not (lying.is_fully_addressable or lying.is_fully_replicated)
        for lying in shardings
        if isinstance(lying, Sharding)
    )


def _bytes_here(array: jax.Array) -> int:
    """What is to be written here of an array."""
    shards = array.addressable_shards
    return sum(shard.data.nbytes for shard in shards if not shard.replica_id)


def _require_shared(folder: Path) -> None:
    """Raises, in all processes, where one of them does not see a folder of the first."""
    token = folder / agreed(f".pending-{secrets.token_hex(8)}")
    with together():
        if is_first():
            token.mkdir(parents=True)
    try:
        with together():
            _require_seen(token)
    finally:
        if is_first():
            token.rmdir()
            with suppress(OSError):  # a run that goes on has checkpoints there
                folder.rmdir()


def _require_seen(path: Path) -> None:
    if not path.exists():
        raise TrainingError(
            f"process {jax.process_index()} does not see {path.parent}, to which each process "
            f"writes its part of the weights: give all of them a --run-dir on a disk that they "
            f"share"
        )
