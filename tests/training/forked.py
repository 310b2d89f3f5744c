"""Real processes that train together and are killed; prints JSON of what became of them.

They are forked from one that has imported all of it and has not yet looked for any device, so that
dozens of them cost little. ``python -m tests.training.forked SOURCE RUN SESSIONS`` begins a run or
goes on with it, a session after another; each says, as JSON, how many processes it has and what is
done to one of them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict
from unittest.mock import patch

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"  # it compiles in half of the time
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads do not live through a fork

import orbax.checkpoint  # noqa: F401 - what the processes would load each by itself
from orbax.checkpoint._src.multihost import multihost

from cnnkit.training import results
from cnnkit.training.distributed.processes import Processes, joined
from cnnkit.training.engine.resident import Resident
from cnnkit.training.options import Options
from cnnkit.training.run import resume, train
from cnnkit.training.store.arrays import PartsWriter
from cnnkit.training.store.checkpoint import Checkpoints
from cnnkit.training.view.display import Quiet

LONGEST = 1200
"""The seconds after which a session is hung."""


class Session(TypedDict):
    """Processes that begin a run or go on with it.

    ``victim`` is the one to which ``signal`` is sent, by default SIGKILL: ``at`` its second save,
    while it is being written; or so many seconds after the first save.
    """

    processes: int
    victim: NotRequired[int]
    at: NotRequired[Literal["write"] | float]
    signal: NotRequired[int]


def main(source: str, run: str, sessions: str) -> None:
    """Runs the sessions, and prints for each the exit codes and the checkpoints that are there."""
    told = [session_of(Path(source), Path(run), each) for each in json.loads(sessions)]
    json.dump(told, sys.stdout)


def session_of(source: Path, run: Path, session: Session) -> dict[str, Any]:
    """What becomes of one session."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    sys.stdout.flush()
    started = []
    for index in range(session["processes"]):
        if not (pid := os.fork()):
            child(source, run, session, Processes(f"127.0.0.1:{port}", session["processes"], index))
        started.append(pid)
    at, left = session.get("at"), set(written(run))
    codes: dict[int, int] = {}
    until, begun, victim = time.monotonic() + LONGEST, None, session.get("victim", 0)
    while len(codes) < len(started):
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended:
            codes[started.index(ended)] = os.waitstatus_to_exitcode(status)
            if os.waitstatus_to_exitcode(status) in (0, 128 + signal.SIGTERM):
                continue
            for index, pid in enumerate(started):  # as `launch` does, in place of waiting for good
                if index not in codes:
                    os.kill(pid, signal.SIGKILL)
            continue
        if isinstance(at, float) and begun is None and set(written(run)) - left:
            begun = time.monotonic()
        due = begun is not None and isinstance(at, float) and time.monotonic() >= begun + at
        if due and victim not in codes:
            os.kill(started[victim], session.get("signal", signal.SIGKILL))
            at = None
        if time.monotonic() > until:
            raise TimeoutError([log(run, index).read_text() for index in range(len(started))])
        time.sleep(0.002)
    kept, problems = Checkpoints(run / "checkpoints").last()
    return {
        "codes": [codes[index] for index in range(len(started))],
        "errors": [log(run, index).read_text() for index in range(len(started))],
        "pending": sorted(each.name for each in (run / "checkpoints").glob(".pending*")),
        "place": kept and list(kept.place),
        "problems": problems,
    }


def written(run: Path) -> Iterator[int]:
    """The folders in which checkpoints are being written, or were when a process was killed."""
    for each in (run / "checkpoints").glob(".pending-step*"):
        with suppress(FileNotFoundError):
            yield each.stat().st_ino


def log(run: Path, index: int) -> Path:
    """What a process says."""
    return run.parent / f"{run.name}-{index}.log"


def child(source: Path, run: Path, session: Session, processes: Processes) -> None:
    """Trains as one of several, and ends."""
    code = 1
    with log(run, processes.index or 0).open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
        try:
            for each in ("save_curves", "save_confusion", "save_filters", "save_sheet"):
                patch.object(results, each).start()
            patch.object(results, "write_page").start()
            if session.get("at") == "write" and processes.index == session.get("victim"):
                die_within_a_save()
            with joined(processes if session["processes"] > 1 else None):
                options = Options(device="cpu")
                if (run / "environment.json").exists():
                    ended = resume(run, options=options, display=Quiet())
                else:
                    ended = train(source, run_dir=run, options=options, display=Quiet())
            code = ended.interruption.exit_code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def die_within_a_save() -> None:
    """Ends this process within its second checkpoint, once a step has been done since it was begun.

    A save that is not asynchronous would wait for that step, and the step for it.
    """
    advance, begin = Resident.advance, PartsWriter.__init__
    barrier = multihost.get_barrier_sync_fn
    begun: list[PartsWriter] = []
    stepped = threading.Event()

    def advancing(*arguments: Any) -> Any:
        state = advance(*arguments)
        if len(begun) == 2:
            stepped.set()
        return state

    def beginning(parts: PartsWriter, *arguments: Any) -> None:
        begin(parts, *arguments)
        begun.append(parts)

    def barrier_of(**processes: Any) -> Any:
        wait = barrier(**processes)

        def waiting(**given: Any) -> None:
            # Its part is written, and the first process is not told so.
            if given["key"].startswith("checkpoint-2_async_write_complete"):
                stepped.wait(LONGEST)
                os.kill(os.getpid(), signal.SIGKILL)
            wait(**given)

        return waiting

    patch.object(Resident, "advance", advancing).start()
    patch.object(PartsWriter, "__init__", beginning).start()
    patch.object(multihost, "get_barrier_sync_fn", barrier_of).start()


def moments(kills: int, seed: int) -> list[Session]:
    """Sessions of four and of two processes in turn, one of which is killed, and a last one."""
    drawn = random.Random(seed)  # noqa: S311 - moments, not secrets
    found: list[Session] = []
    for number in range(kills):
        count = 2 if number % 2 else 4
        at = drawn.choice((0.0, drawn.uniform(0, 0.1), drawn.uniform(0, 2)))
        found.append({"processes": count, "victim": drawn.randrange(count), "at": at})
    return [*found, {"processes": 2 if kills % 2 else 4}]


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
    main(*sys.argv[1:])
