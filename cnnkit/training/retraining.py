"""A finished run's recipe once more, on training and validation examples: the last training.

What the validation had to say is said: which recipe, and for how many epochs. Then its examples
are better learnt from, and the test split is opened.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cnnkit.checking.admission import passing
from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.spec.model.spec import Spec
from cnnkit.training.completion import Result
from cnnkit.training.options import Options
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.run import train
from cnnkit.training.store.data_record import DataRecord
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.view.display import Display


def retrain(
    run: StrPath,
    *,
    run_dir: StrPath | None = None,
    options: Options | None = None,
    display: Display | None = None,
) -> Result:
    """Trains a run's network anew on all but the test split, and measures it on that.

    Args:
        run: The directory of a finished run.
        run_dir: Where to keep the new one; by default beside it, with `-final` behind its name.
        options: Where the data are and what to run on.
        display: Whom to tell; by default a bar on a terminal, lines in a log.

    Raises:
        UsageError: The run is not finished, had no validation or has no test split.
        DataError: The data are damaged, or do not fit the network.
        TrainingError: The numbers, the memory or the disk space gave out.
    """
    directory = RunDirectory.open(Path(run), "training")
    summary = directory.read_summary(("best_epoch",))
    if summary is None:
        raise UsageError(f"{run} is not finished: go on with it by `cnnkit train --resume {run}`")
    split = directory.read_split() or DataRecord()
    for name, part in (("validation", split.validation), ("test", split.test)):
        if part is None or not part.examples:
            raise UsageError(f"{run} held no {name} split back: there is nothing to retrain for")
    target = run_dir or directory.path.resolve().with_name(f"{directory.path.resolve().name}-final")
    spec = for_all_epochs(directory.read_spec(), summary.best_epoch or summary.epochs)
    opening = replace(options or Options(), test=True)
    return train(spec, run_dir=target, options=opening, display=display)


def for_all_epochs(spec: Spec, epochs: int) -> Spec:
    """The spec trained on training and validation examples together, for some epochs."""
    recipe = recipe_of(spec)
    split = recipe.split.model_copy(update={"validation": 0})
    last = recipe.model_copy(update={"epochs": epochs, "early_stopping": None, "split": split})
    return passing(spec.model_copy(update={"train": last}).read_from(spec.origin))
