"""What Optuna keeps to itself and a study of many processes needs, in one place.

A test calls each of them, so that a release of Optuna that has them no more is known at once.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial


def id_of_trial(trial: Trial | FrozenTrial) -> int:
    """The identity of a trial in its storage, by which its attributes are written."""
    return trial._trial_id


def id_of_study(study: Study) -> int:
    """The identity of a study in its storage."""
    return study._study_id


def storage_of(study: Study) -> BaseStorage:
    """Where a study is kept."""
    return study._storage


def stale_trials(storage: Any, study: int) -> Collection[int]:
    """The identities of the trials whose processes have not been heard of for too long.

    Args:
        storage: One with heartbeats.
        study: The identity of the study.
    """
    found: Collection[int] = storage._get_stale_trial_ids(study)
    return found
