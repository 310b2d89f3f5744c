"""More epochs for a run than it was begun with."""

from __future__ import annotations

from cnnkit.checking.admission import passing
from cnnkit.errors import UsageError
from cnnkit.spec.model.training.schedule import ConstantSchedule
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.store.directory import SUMMARY, RunDirectory
from cnnkit.training.store.summary import Summary
from cnnkit.training.view.display import Display

_OTHER_ENDINGS = {
    "early stopping": "more `patience`",
    "time limit": "a longer `time_limit`",
}


def lengthen(run: RunDirectory, epochs: int, display: Display) -> None:
    """Lets a run have so many epochs in all; one that was finished is no longer.

    The weights go on from the last epoch. A schedule spans all epochs, so that its rates are from
    here on those of a run of this length.

    Raises:
        UsageError: It has done as many, or what ended it would end it again.
    """
    spec = run.read_spec()
    recipe = recipe_of(spec)
    done = len(run.read_metrics())
    if epochs == recipe.epochs and not run.finished:
        return
    if epochs <= done:
        raise UsageError(f"{run.path} has done {done} epochs: `train.epochs` has to be more")
    summary = run.read_summary() or Summary()
    if wanted := _OTHER_ENDINGS.get(summary.ending or ""):
        raise UsageError(
            f"{run.path} was ended by its {summary.ending} after {done} epochs, and would be "
            f"again: begin a new run with {wanted}"
        )
    longer = recipe.model_copy(update={"epochs": epochs})
    run.write_spec(passing(spec.model_copy(update={"train": longer})).to_dict())
    (run.path / SUMMARY).unlink(missing_ok=True)
    if not isinstance(recipe.learning_rate, ConstantSchedule):
        display.note(
            f"the learning rate goes on as in a run of {epochs} epochs: `"
            f"{recipe.learning_rate.kind}` spans all of them"
        )
