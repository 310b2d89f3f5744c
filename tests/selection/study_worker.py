"""Processes of a study: `study_worker.py URL SLOTS LOG GRACE SECONDS…`.

A process for each of the SECONDS, which its trials take. They are forked once all is imported, so
that they begin at the same moment; those behind one whose trials take `inf` begin after it. Where
they cannot share a lock, one that was silent for GRACE seconds counts as lost. LOG has a line for
each trial that begins, with its process, or ends.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path
from unittest.mock import patch

import sqlalchemy.orm  # noqa: F401 - Optuna imports it late
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from cnnkit.selection.search import database, heartbeats, workers
from cnnkit.selection.search.study import Study

_LONG = 3600


def main(url: str, slots: int, log: Path, seconds: float) -> None:
    """Runs trials until no slot is left."""
    study = Study(url, "shared", ["maximize"], {"spec": 1})
    study.slots.plan([{}] * slots)
    while True:
        trial = study.claims.claim(lambda number: RandomSampler(seed=number), NopPruner())
        if trial is None:
            if not study.slots.unfinished():
                break
            time.sleep(0.1)
            continue
        x = trial.suggest_float("x", 0, 1)
        with log.open("a") as file:
            file.write(f"begin {trial.number} {x} {os.getpid()}\n")
        time.sleep(min(seconds, _LONG))
        if study.finish(trial, [x], {}):
            with log.open("a") as file:
                file.write(f"end {trial.number} {x}\n")
    study.close()


if __name__ == "__main__":
    address, count, name, grace, *lengths = sys.argv[1:]
    path = Path(name)
    children = []
    for length in lengths:
        child = os.fork()
        if not child:
            with (
                patch.object(workers, "BEAT_SECONDS", 0.5),
                patch.object(database, "BEAT_SECONDS", 1),
                patch.object(database, "GRACE_SECONDS", int(grace)),
                patch.object(heartbeats, "GRACE_SECONDS", int(grace)),
            ):
                main(address, int(count), path, float(length))
            sys.exit()
        children.append(child)
        while float(length) == math.inf and not (path.exists() and path.read_text()):
            time.sleep(0.01)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
