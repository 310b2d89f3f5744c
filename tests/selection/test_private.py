"""What is taken of Optuna's private parts is there, and means what it is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("optuna")

import optuna
from optuna.storages import RDBStorage

from cnnkit.selection.search.private import id_of_study, id_of_trial, stale_trials, storage_of


@pytest.mark.filterwarnings("ignore")  # of heartbeats: they are an experiment, and for others
def test_identities_lead_to_what_they_are_of(tmp_path: Path) -> None:
    storage = RDBStorage(f"sqlite:///{tmp_path / 'study.db'}", heartbeat_interval=60)
    study = optuna.create_study(storage=storage, study_name="one")
    trial = study.ask()
    kept = storage_of(study)
    assert kept.get_study_name_from_id(id_of_study(study)) == "one"
    assert kept.get_trial(id_of_trial(trial)).number == trial.number
    assert list(stale_trials(storage, id_of_study(study))) == []
