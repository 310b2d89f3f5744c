"""What all processes of a training must hold alike.

Each of them runs the same program on the same state, so whatever follows from numbers alone is the
same in all. What follows from a clock, a signal, a disk or a user is decided by the first process,
or by all together, and told to the others here. One process alone agrees with itself at once.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from numpy.typing import NDArray

from cnnkit.data.share import ALONE, Share
from cnnkit.errors import CnnkitError, TrainingError, UsageError
from cnnkit.training.interruption import Interruption
from cnnkit.training.store.checkpoint import Checkpoint
from cnnkit.training.store.manifest import DamagedCheckpointError

T = TypeVar("T")
_TOLD = "told_to_all"
"""What is set on a failure that all processes know of."""
_LONGEST = 2048
"""The bytes of a message that one process tells all others."""


def alone() -> bool:
    """Whether this is the only process."""
    return not jax.distributed.is_initialized()


def is_first() -> bool:
    """Whether this is the process that writes and shows what all of them come to."""
    return alone() or jax.process_index() == 0


def agreed(value: T) -> T:
    """What the first process has: plain data, as JSON takes them."""
    if alone():
        return value
    text = json.dumps(value).encode() if is_first() else b""
    length = int(_of_the_first(np.array([len(text)], np.int64))[0])
    sent = np.frombuffer(text.ljust(length), np.uint8)[:length]
    decided: T = json.loads(_of_the_first(sent).tobytes())
    return decided


def shared_state(template: T, checkpoint: Checkpoint | None) -> T:
    """The state of a checkpoint that the first process has, on the host, to the bit.

    Args:
        template: The shapes of a state.
        checkpoint: None in the other processes.

    Raises:
        DamagedCheckpointError: A file is not as it was written, or is of another network.
    """
    if alone() and checkpoint is not None:
        return checkpoint.restore(template)
    state = template
    with damage_told():
        if checkpoint is not None:
            state = checkpoint.restore(template)
    if checkpoint is None:
        state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), template)
    leaves, structure = jax.tree.flatten(state)
    # As bytes: what is sent is added to zeros, which would lose the sign of a zero.
    sent = [_of_the_first(np.frombuffer(leaf.tobytes(), np.uint8)) for leaf in leaves]
    found = [
        np.frombuffer(each.tobytes(), leaf.dtype).reshape(leaf.shape)
        for each, leaf in zip(sent, leaves, strict=True)
    ]
    whole: T = jax.tree.unflatten(structure, found)
    return whole


@contextmanager
def damage_told() -> Iterator[None]:
    """Damage that the first process meets, as an error of all.

    Raises:
        DamagedCheckpointError: It has met some.
    """
    problem = None
    try:
        yield
    except DamagedCheckpointError as error:
        problem = str(error)
    if (problem := agreed(problem)) is not None:
        raise DamagedCheckpointError(problem)


def whole_state(state: T) -> T:
    """A state that this process can read, all of it; all processes have to ask for it.

    What lies in parts on the devices of others is fetched, an array at a time.
    """
    if alone():
        return state
    whole: T = jax.tree.map(
        lambda leaf: (
            leaf
            if leaf.is_fully_addressable or leaf.is_fully_replicated
            else multihost_utils.process_allgather(leaf, tiled=True)
        ),
        state,
    )
    return whole


@contextmanager
def together() -> Iterator[None]:
    """What each process must come through by itself: where one fails, all end and say why.

    It may be within another such part: what all have been told they are not told again.

    Raises:
        TrainingError: Another process failed.
    """
    problem: CnnkitError | None = None
    try:
        yield
    except CnnkitError as error:
        if alone() or getattr(error, _TOLD, False):
            raise
        problem = error
    if alone():
        return
    own = str(problem or "").encode()[:_LONGEST].ljust(_LONGEST)
    told = _gathered(np.frombuffer(own, np.uint8))
    for index, each in enumerate(told):
        text = each.tobytes().decode(errors="ignore").strip()
        if problem is None and text:
            problem = TrainingError(f"process {index} failed, so all of them end: {text}")
    if problem is not None:
        setattr(problem, _TOLD, True)
        raise problem


def share_of_data() -> Share:
    """What of a data set this process reads, and how all of them put it together."""
    if alone():
        return ALONE
    return Share(jax.process_index(), jax.process_count(), _summed, together)


def require_same_data_everywhere(*digests: str | None) -> None:
    """Raises, in all processes, where one of them has read other data than the first.

    Args:
        digests: What the same data have the same of.

    Raises:
        UsageError: One has.
    """
    if alone():
        return
    known = [*digests]
    other = _gathered(np.array([agreed(known) != known], np.bool_)).reshape(-1)
    if other.any():
        who = ", ".join(str(index) for index in np.flatnonzero(other))
        problem = UsageError(
            f"process {who} reads other data than process 0: give all of them the same files, and "
            f"the same --data-dir"
        )
        setattr(problem, _TOLD, True)
        raise problem


class AgreedInterruption(Interruption):
    """A wish to end that any of several processes hears, and that all of them fulfil at once.

    Whoever has launched them passes SIGTERM on, and who sent it may have sent it to all of them: a
    second one is no other wish.
    """

    _at_once = (signal.SIGINT,)

    def __init__(self) -> None:
        super().__init__()
        self._heard: signal.Signals | None = None

    def agree(self) -> bool:
        """Whether to end, from here on, as all processes say together."""
        heard = _gathered(np.array([self._heard or 0], np.int32)).reshape(-1)
        if number := int(heard.max()):
            self.received = signal.Signals(number)
        return bool(self)

    def _hear(self, found: signal.Signals) -> None:
        self._heard = found


def interruption_of_all() -> Interruption:
    """What hears that a run is to end."""
    return Interruption() if alone() else AgreedInterruption()


def _of_the_first(array: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = np.asarray(multihost_utils.broadcast_one_to_all(array))
    return found


def _summed(array: NDArray[Any]) -> NDArray[Any]:
    """The sum of the arrays of all processes, in their order."""
    # As bytes: JAX would make floats of 64 bits such of 32.
    sent = np.frombuffer(array.tobytes(), np.uint8)
    each = [np.frombuffer(part.tobytes(), array.dtype) for part in _gathered(sent)]
    total: NDArray[Any] = np.sum(each, axis=0, dtype=array.dtype)
    return total.reshape(array.shape)


def _gathered(array: NDArray[Any]) -> NDArray[Any]:
    """The arrays of all processes, by their index."""
    found: NDArray[Any] = np.asarray(multihost_utils.process_allgather(array))
    return found
