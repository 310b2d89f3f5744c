"""The protocol: search on the validation split, retrain the best, read the test split once.

The best of the search is trained again on training and validation examples together, for the
number of epochs at which it was best, and only then is the test split read. That look is recorded
in the study, and so is any further one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnkit.checking.admission import passing
from cnnkit.errors import TrainingError, UsageError
from cnnkit.selection.search.looks import StudyLooks
from cnnkit.selection.search.results import Results, results
from cnnkit.selection.search.row import Row
from cnnkit.selection.search.space import Chosen
from cnnkit.selection.search.trials import TrialLoop
from cnnkit.selection.view.page import page
from cnnkit.spec.language.override import override
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import finish
from cnnkit.training.store.files import write_atomic, write_json

if TYPE_CHECKING:
    from cnnkit.selection.search.space import Space

RESULTS: Final = "results.json"
REPORT: Final = "report.html"
PARETO: Final = "pareto.png"

Retrain = Callable[[Spec, Path], Mapping[str, float]]
"""Trains a spec in a directory, or goes on with it there; the figures of the test split."""


@dataclass(frozen=True)
class Protocol:
    """A search, its directory, and what may look at the test split.

    Attributes:
        loop: The search.
        directory: Where its files are.
        name: What reports call the network.
        data: What they call the data set.
        seal: The looks at the test split.
    """

    loop: TrialLoop
    directory: Path
    name: str
    data: str
    seal: StudyLooks

    def results(self) -> Results:
        """What the search has found by now."""
        loop = self.loop
        return results(
            loop.study,
            loop.space,
            loop.settings,
            name=self.name,
            data=self.data,
            looks=self.seal.looks(),
        )

    def conclude(self, retrain: Retrain, *, again: bool, pick: int | None = None) -> Results:
        """Retrains the best and looks at the test split, unless that was done.

        Args:
            retrain: What trains it and reads the test split.
            again: Whether to look although another network was tested before.
            pick: The number of the trial to take instead of the best.

        Raises:
            TrainingError: No trial was trained to its end.
            UsageError: There is no such trial, or another network was tested before.
        """
        found = self.results()
        row = _picked(found, pick)
        looks = found.looks
        last = looks[-1] if looks else None
        if last is not None and last.trial == row.number and last.figures:
            return found
        number = None if last is None else last.number - 1
        if last is None or last.trial != row.number:
            if last is not None and not again:
                raise UsageError(
                    f"the test split was read for trial {last.trial}, and trial {row.number} is "
                    "to be tested now: chosen with knowledge of that figure, it is no longer "
                    "judged on unseen data. `--look-again` reads the split again, and every "
                    "later figure will say so"
                )
            number = self.seal.begin(row.number)
        figures = retrain(final(self.loop.space, row), self.directory / f"final-{row.number}")
        self.seal.end(number or 0, figures)
        return self.results()

    def write(self, shares: Mapping[str, float]) -> Results:
        """Writes what the search has found: as JSON, as a page, and its front as a picture."""
        from cnnkit.selection.view import pictures

        found = replace(self.results(), importance=shares)
        write_json(self.directory / RESULTS, _finite(found.to_dict()))
        write_atomic(self.directory / REPORT, page(found))
        objectives = found.settings.objectives
        if len(objectives) > 1 and found.complete:
            drawn = pictures.pareto(found, objectives[0], objectives[1])
            write_atomic(self.directory / PARETO, pictures.png(drawn))
        return found


def final(space: Space, row: Row) -> Spec:
    """The spec of the last training: the choices of a trial, all open examples, its best epochs.

    Raises:
        TrainingError: The choices no longer make a valid spec.
    """
    return specified(space, row.chosen, row.best_epoch or 1)


def specified(space: Space, chosen: Chosen, epochs: int) -> Spec:
    """A spec with choices put in, trained on training and validation examples for some epochs."""
    document = space.put(chosen)
    for line in (
        f"train.epochs={epochs}",
        "train.early_stopping=null",
        "train.split.validation=0",
    ):
        document = override(document, line)
    reading = finish(document, (), path=space.file)
    errors = [finding for finding in reading.findings if finding.level == "error"]
    if reading.spec is None or errors:
        raise TrainingError(f"the best trial makes no valid spec: {errors[0].message}")
    return passing(reading.spec)


def importance(found: Results, study: Any) -> dict[str, float]:
    """The part of the differences in the first objective that each path explains, by fANOVA.

    Paths that only some trials chose are left out; empty where there is too little to go by.
    Source: Hutter, Hoos and Leyton-Brown, An Efficient Approach for Assessing Hyperparameter
    Importance, ICML 2014.
    """
    import optuna

    name = found.settings.objectives[0]
    values = {row.values[name] for row in found.complete}
    if len(found.complete) < _FEWEST or len(values) < 2:
        return {}
    shares = optuna.importance.get_param_importances(
        study,
        evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
        target=lambda trial: trial.values[0],
    )
    return {path: float(share) for path, share in shares.items()}


_FEWEST: Final = 8
"""The complete trials from which importance is estimated."""


def _picked(found: Results, pick: int | None) -> Row:
    if pick is None:
        best = found.best
        if best is None:
            raise TrainingError("no trial was trained to its end, so there is no best one")
        return best
    row = next((row for row in found.complete if row.number == pick), None)
    if row is None:
        raise UsageError(f"--pick {pick}: no trial of this number was trained to its end")
    return row


def _finite(value: Any) -> Any:
    """JSON knows no numbers that are none."""
    return json.loads(json.dumps(value), parse_constant=lambda _: None)
