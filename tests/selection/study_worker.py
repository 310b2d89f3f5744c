"""Processes of a study, whose trials take a moment: `study_worker.py URL SLOTS LOG SECONDS COUNT`.

They are forked once all is imported, so that they begin at the same moment.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import sqlalchemy.orm  # noqa: F401 - Optuna imports it late
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from cnnkit.selection.search.study import Study


def main(url: str, slots: int, log: Path, seconds: float) -> None:
    study = Study(url, "shared", ["maximize"], {"spec": 1})
    study.slots.plan([{}] * slots)
    while True:
        trial = study.claims.claim(lambda number: RandomSampler(seed=number), NopPruner())
        if trial is None:
            if not study.slots.unfinished():
                break
            time.sleep(0.02)
            continue
        x = trial.suggest_float("x", 0, 1)
        with log.open("a") as file:
            file.write(f"begin {trial.number} {x}\n")
        time.sleep(seconds)
        if study.finish(trial, [x], {}):
            with log.open("a") as file:
                file.write(f"end {trial.number} {x}\n")
    study.close()


if __name__ == "__main__":
    children = []
    for _ in range(int(sys.argv[5])):
        child = os.fork()
        if not child:
            main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
            sys.exit()
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
