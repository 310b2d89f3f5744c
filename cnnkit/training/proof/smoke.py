"""``--smoke``: a whole run of a few steps, to see in seconds that all of it works."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from cnnkit.checking.admission import passing
from cnnkit.spec.model.spec import Spec
from cnnkit.training.completion import Result
from cnnkit.training.options import Options
from cnnkit.training.prepare.resolution import recipe_of, resolved
from cnnkit.training.run import train
from cnnkit.training.view.display import Display

_EPOCHS = 2
_BATCHES = 2
_AUTO = 32


def smoke(spec: Spec, run_dir: Path | None, options: Options, display: Display) -> Result:
    """Trains for two epochs of two batches, and judges by as many; kept only where asked for.

    Args:
        spec: The network and its recipe.
        run_dir: Where to keep the run; None throws it away.
        options: Where the data are and what to run on.
        display: Whom to tell.
    """
    spec = resolved(spec)
    recipe = recipe_of(spec)
    short = recipe.model_copy(update={"epochs": min(recipe.epochs, _EPOCHS)})
    size = recipe.batch_size if isinstance(recipe.batch_size, int) else _AUTO
    few = replace(options, limit=_BATCHES * size)
    spec = passing(spec.model_copy(update={"train": short}))
    if run_dir is not None:
        return train(spec, run_dir=run_dir, options=few, display=display)
    with tempfile.TemporaryDirectory(prefix="cnnkit-") as folder:
        result = train(spec, run_dir=Path(folder) / "smoke", options=few, display=display)
    display.note("all works; nothing of this trial is kept")
    return result
