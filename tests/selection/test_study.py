"""A study shared by real processes: each slot is run to its end once, whoever is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("optuna")
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import Trial, TrialState

from cnnkit.errors import UsageError
from cnnkit.selection.search.claims import MOST_INTERRUPTIONS
from cnnkit.selection.search.marks import INTERRUPTED, REJECTED, SLOT
from cnnkit.selection.search.study import Study
from cnnkit.selection.search.twins import twin

WORKER = Path(__file__).with_name("study_worker.py")
SLOTS = 16


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'study.db'}"


@pytest.fixture
def study(url: str) -> Iterator[Study]:
    study = Study(url, "alone", ["maximize"], {"spec": 1})
    yield study
    study.close()


def claimed(study: Study) -> Trial:
    trial = study.claims.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    return trial


def start(url: str, log: Path, seconds: float, processes: int) -> subprocess.Popen[bytes]:
    arguments = [url, str(SLOTS), str(log), "120", *[str(seconds)] * processes]
    return subprocess.Popen([sys.executable, WORKER, *arguments], start_new_session=True)


def lines(log: Path, word: str) -> list[str]:
    written = log.read_text().splitlines() if log.exists() else []
    return [line for line in written if line.startswith(word)]


def test_four_processes_share_the_slots_and_one_of_them_is_killed(url: str, tmp_path: Path) -> None:
    log, doomed_log = tmp_path / "log", tmp_path / "doomed"
    doomed = start(url, doomed_log, 30, 1)
    deadline = time.monotonic() + 60
    while not lines(doomed_log, "begin") and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(doomed.pid, signal.SIGKILL)
    doomed.wait()
    assert start(url, log, 0.02, 4).wait(60) == 0

    study = Study(url, "shared", ["maximize"], {"spec": 1})
    trials = study.trials()
    study.close()
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert sorted(trial.user_attrs[SLOT] for trial in complete) == list(range(SLOTS))
    (lost,) = (trial for trial in trials if trial.state == TrialState.FAIL)
    assert lost.user_attrs[INTERRUPTED] == "its process ended before it did"
    (again,) = (trial for trial in trials if trial.user_attrs.get("instead_of") == lost.number)
    assert again.params == lost.params
    assert len(trials) == SLOTS + 1

    begun = Counter(line.split()[1] for line in lines(log, "begin"))
    assert begun == Counter(str(trial.number) for trial in complete)
    assert sorted(lines(log, "end")) == sorted(
        f"end {trial.number} {trial.params['x']}" for trial in complete
    )


def test_more_slots_are_added_to_those_that_are_there(study: Study) -> None:
    study.slots.plan([{}] * 2)
    study.slots.plan([{}] * 3)
    assert [trial.user_attrs[SLOT] for trial in study.trials()] == [0, 1, 2]
    assert study.slots.unfinished()


def test_slots_of_a_grid_have_their_choices_fixed(study: Study) -> None:
    study.slots.plan([{"x": 1.0}, {"x": 2.0}])
    drawn = [claimed(study).suggest_float("x", 0, 10) for _ in range(2)]
    assert drawn == [1.0, 2.0]
    assert study.claims.claim(lambda _: RandomSampler(), NopPruner()) is None


def test_a_slot_that_two_processes_planned_is_run_once(study: Study) -> None:
    for _ in range(2):
        study.optuna.enqueue_trial({}, user_attrs={SLOT: 0})
    assert study.finish(claimed(study), [1.0], {})
    assert study.claims.claim(lambda _: RandomSampler(), NopPruner()) is None
    assert not study.slots.unfinished()


def test_a_rejected_slot_is_drawn_anew(study: Study) -> None:
    study.slots.plan([{}])
    first = claimed(study)
    study.reject(first, "too large", again={})
    second = claimed(study)
    assert second.user_attrs[SLOT] == 0
    study.reject(second, "too large as well", again=None)
    assert [trial.user_attrs[REJECTED] for trial in study.trials()] == [
        "too large",
        "too large as well",
    ]
    assert not study.slots.unfinished()


def test_of_two_that_chose_the_same_the_first_goes_on(study: Study) -> None:
    study.slots.plan([{"x": 0.5}, {"x": 0.5}, {"x": 0.25}])
    first, second, third = (claimed(study) for _ in range(3))
    for trial in (first, second, third):
        trial.suggest_float("x", 0, 1)
    assert twin(second, study.trials, study.workers) == first.number
    study.reject(second, "the same", again=None)
    assert twin(first, study.trials, study.workers) is None
    assert twin(third, study.trials, study.workers) is None


def test_the_accepted_one_goes_on_even_where_its_number_is_higher(study: Study) -> None:
    study.slots.plan([{"x": 0.5}, {"x": 0.5}])
    first, second = claimed(study), claimed(study)
    second.suggest_float("x", 0, 1)
    assert twin(second, study.trials, study.workers) is None  # the first has not drawn yet
    first.suggest_float("x", 0, 1)
    assert twin(first, study.trials, study.workers) == second.number


def test_a_trial_that_another_process_took_over_is_not_finished_twice(study: Study) -> None:
    study.slots.plan([{}])
    trial = claimed(study)
    study.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    assert not study.finish(trial, [1.0], {"seconds": 3})
    assert study.trials()[0].state == TrialState.FAIL
    assert study.trials()[0].values is None


def test_a_trial_that_ends_its_processes_is_given_up(study: Study) -> None:
    study.slots.plan([{"x": 0.5}])
    for _ in range(MOST_INTERRUPTIONS):
        trial = claimed(study)
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("worker", "gone")
    assert study.claims.claim(lambda _: RandomSampler(), NopPruner()) is None
    states = [trial.state for trial in study.trials()]
    assert states == [TrialState.FAIL, TrialState.FAIL, TrialState.PRUNED]
    assert study.trials()[-1].user_attrs["failed"] == "its process ended in it 3 times"
    assert not study.slots.unfinished()
    study.slots.plan([{"x": 0.5}])
    assert not study.slots.unfinished()


def test_a_study_of_another_spec_is_refused(study: Study, url: str) -> None:
    with pytest.raises(UsageError) as error:
        Study(url, "alone", ["maximize"], {"spec": 2})
    assert str(error.value) == (
        "the study `alone` was begun with another spec: go on with what it was begun with, "
        "or give another --run-dir or --study"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url", "--storage no url: this is no URL: "),
        ("sqlite:////no/such/folder/study.db", "cannot be opened: unable to open database file"),
        ("nosuch://me:secret@host/db", r"--storage nosuch://me:\*\*\*@host/db: "),
    ],
)
def test_a_database_that_cannot_be_opened(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        Study(url, "x", ["maximize"], {})
    assert "secret" not in str(error.value)
    assert re.search(message, str(error.value))
