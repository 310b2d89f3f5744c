"""The arrays of a checkpoint, written and read by Orbax.

One process writes arrays that it has on the host; or several write an array that lies on their
devices, each one its parts, while they go on.
"""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cnnkit.errors import TrainingError

_CLOSED = "Event loop is closed"


def named(tree: Any) -> dict[str, Any]:
    """The leaves by their paths: ``params.layers.0.kernel``."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def write(arrays: Mapping[str, Any], path: Path, final: Path) -> None:
    """Writes arrays of the host, to a path that is known to people as part of ``final``.

    Raises:
        OSError: They could not be written.
    """
    import orbax.checkpoint as ocp

    with as_os_error(final):
        checkpointer().save(path.absolute(), args=ocp.args.PyTreeSave(dict(arrays)))


class PartsWriter:
    """Writes arrays that lie on the devices of several processes; each process writes its parts.

    All of them have to begin together. Once that has returned, the arrays may be given away.

    Args:
        arrays: The arrays by name, each of them on devices of all processes.
        path: A folder that is not there yet, on a disk that all processes see.
        final: What people know the folder as a part of.
        key: What no other writing of these processes is called.

    Raises:
        OSError: The folder could not be made.
        JaxRuntimeError: Another process is gone.
    """

    def __init__(self, arrays: Mapping[str, jax.Array], path: Path, final: Path, key: str) -> None:
        import orbax.checkpoint as ocp

        self._final = final
        # Named one by one they wait for each other at the coordinator, and not by a collective,
        # which may stand in the midst of those of the steps.
        everyone = set(range(jax.process_count()))
        processes = ocp.options.MultiprocessingOptions(0, everyone, key)
        options = ocp.options.AsyncOptions(create_directories_asynchronously=False)
        self._checkpointer = ocp.AsyncCheckpointer(
            _handler(processes), async_options=options, multiprocessing_options=processes
        )
        with as_os_error(final):
            self._checkpointer.save(path.absolute(), args=ocp.args.PyTreeSave(dict(arrays)))

    def finish(self) -> None:
        """Returns once all processes have written their parts, and the first has joined them.

        Raises:
            OSError: The part of this process could not be written.
            TrainingError: Another process has not written its part in time.
            JaxRuntimeError: Another process is gone.
        """
        with as_os_error(self._final):
            try:
                self._checkpointer.wait_until_finished()
            except TimeoutError as error:
                raise TrainingError(
                    f"{self._final} is not whole: another process has not written its part of it"
                ) from error
            self._checkpointer.close()


def read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """All arrays of a folder, as NumPy has them, whoever wrote them."""
    import orbax.checkpoint as ocp

    metadata = _handler().metadata(path.absolute())
    whole = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), metadata.tree)
    arguments = ocp.args.PyTreeRestore(restore_args=whole)
    arrays = checkpointer().restore(path.absolute(), args=arguments)
    return {name: np.asarray(array) for name, array in arrays.items()}


def read_like(path: Path, target: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays of a folder in the form of others.

    Args:
        path: The folder.
        target: By name NumPy arrays; or ``jax.ShapeDtypeStruct`` with a sharding, by which each
            process reads what lies on its own devices.
    """
    import orbax.checkpoint as ocp

    form = dict(target)
    arguments = ocp.args.PyTreeRestore(
        item=form, restore_args=ocp.checkpoint_utils.construct_restore_args(form)
    )
    arrays: dict[str, Any] = checkpointer().restore(path.absolute(), args=arguments)
    return arrays


def checkpointer() -> Any:
    """Orbax's, by which this process writes and reads for itself."""
    import orbax.checkpoint as ocp

    # Of several processes Orbax would wait for the others.
    only = frozenset({jax.process_index()})
    processes = ocp.options.MultiprocessingOptions(min(only), only)
    return ocp.Checkpointer(_handler(processes), multiprocessing_options=processes)


def _handler(processes: Any = None) -> Any:
    import orbax.checkpoint as ocp

    # Orbax logs each save on the root logger, in the middle of the display; what fails is raised.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    return ocp.PyTreeCheckpointHandler(
        use_ocdbt=True,
        use_zarr3=True,
        multiprocessing_options=processes or ocp.options.MultiprocessingOptions(),
    )


@contextmanager
def as_os_error(final: Path) -> Iterator[None]:
    """What Orbax says in many types of a disk, as an error of ``final``; prints nothing.

    The first write that fails ends the save and closes its event loop; each write that is under
    way then ends with an error that nobody can catch, and of which Python prints a traceback. Some
    end after the save has: where it failed, they are passed over from then on.

    Raises:
        OSError: What was done within failed, and not because a process is gone.
    """
    before = sys.unraisablehook

    def hook(found: sys.UnraisableHookArgs) -> None:
        if not (found.exc_type is RuntimeError and str(found.exc_value) == _CLOSED):
            before(found)

    sys.unraisablehook = hook
    try:
        yield
    except (OSError, TrainingError, jax.errors.JaxRuntimeError):
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise OSError(errno.EIO, reason, str(final)) from error
    sys.unraisablehook = before
