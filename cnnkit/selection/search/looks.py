"""The seal of the test split: each look at it is kept in the study's database, for good.

A look is recorded before it is taken, so that one that is interrupted counts as well. The looks
are trials of a study of their own beside the search's: a database adds those one after the other,
whoever looks, and none can be taken back from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cnnkit.selection.search.private import id_of_trial, storage_of
from cnnkit.selection.search.results import TrialLook

if TYPE_CHECKING:
    from cnnkit.selection.search.study import Study


class StudyLooks:
    """The looks at the test split of a study.

    Args:
        study: The search that the looks belong to.
    """

    def __init__(self, study: Study) -> None:
        import optuna

        self.study = optuna.create_study(
            storage=study.storage,
            study_name=f"{study.name} · looks at the test split",
            direction="maximize",
            load_if_exists=True,
        )

    def looks(self) -> list[TrialLook]:
        """All looks, the first of them first."""
        found = []
        for trial in self.study.get_trials(deepcopy=False):
            when = trial.datetime_start
            found.append(
                TrialLook(
                    trial.number + 1,
                    trial.user_attrs.get("trial"),
                    when.isoformat(timespec="seconds") if when else "",
                    trial.user_attrs.get("figures", {}),
                )
            )
        return found

    def begin(self, trial: int | None) -> int:
        """Breaks the seal for a trial's network; the number of the look."""
        look = self.study.ask()
        look.set_user_attr("trial", trial)
        return look.number

    def end(self, number: int, figures: Mapping[str, float]) -> None:
        """Keeps what a look saw."""
        look = self.study.get_trials(deepcopy=False)[number]
        storage_of(self.study).set_trial_user_attr(id_of_trial(look), "figures", dict(figures))
        self.study.tell(number, float(next(iter(figures.values()))))
