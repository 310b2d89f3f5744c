"""``--overfit-batch``: whether a network can learn one batch by heart, as any sound one can."""

from __future__ import annotations

from dataclasses import dataclass

import jax

from cnnkit.errors import TrainingError
from cnnkit.network import runtime
from cnnkit.presentation.numbers import percent
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.schedule import ConstantSchedule
from cnnkit.training import advice
from cnnkit.training.compute.figures import figures
from cnnkit.training.compute.state import State
from cnnkit.training.engine import Engine, machine
from cnnkit.training.options import Options
from cnnkit.training.prepare.batch_size import fitted
from cnnkit.training.prepare.device import choose
from cnnkit.training.prepare.initial import initial
from cnnkit.training.prepare.material import prepare
from cnnkit.training.prepare.precision import chosen_precision
from cnnkit.training.prepare.resolution import outputs_of, recipe_of, resolved
from cnnkit.training.view.display import Display
from cnnkit.training.view.progress import Progress, RunPlan

STEPS = 300
_EVERY = 10
_BATCH = 32
_LEARNT = 0.05  # the part of the first loss that is left of what was learnt by heart


@dataclass(frozen=True)
class Overfitted:
    """What became of one batch.

    Attributes:
        learnt: Whether it was learnt by heart.
        steps: The steps that this took, or that were tried.
        first: The loss at the beginning.
        last: The loss at the end.
        accuracy: The part of right answers at the end, None without classes.
    """

    learnt: bool
    steps: int
    first: float
    last: float
    accuracy: float | None


def overfit_batch(spec: Spec, options: Options, display: Display) -> bool:
    """Trains on one batch again and again, and says whether the network learns it.

    Augmentation, label smoothing, weight averages and weight decay are left out: they keep a
    network from learning by heart. Dropout stays, and is not there when the batch is judged.

    Raises:
        TrainingError: The loss or a gradient was no number.
    """
    found = overfit(spec, options, display)
    answers = (
        "" if found.accuracy is None else f", {percent(found.accuracy, 1)} of its answers right"
    )
    told = f"loss {found.first:.4f} at first, {found.last:.4f} after {found.steps} steps{answers}"
    if found.learnt:
        display.note(f"the network learns one batch by heart: {told}")
    else:
        display.note(
            f"the network does not learn one batch by heart: {told}. Try learning rates ten times "
            f"as high and as low ({_other_rates(spec)}), then look at the labels (`cnnkit data "
            f"show`) and at layers that lose what is to be learnt (`cnnkit check`)"
        )
    return found.learnt


def _other_rates(spec: Spec) -> str:
    rate = _plain(recipe_of(spec)).learning_rate.highest
    return " and ".join(
        f"`--set train.learning_rate={each:.3g}`" for each in (10 * rate, rate / 10)
    )


def overfit(spec: Spec, options: Options, display: Display) -> Overfitted:
    """Trains on one batch until it is known by heart, or for ``STEPS`` steps."""
    spec = resolved(spec)
    recipe = _plain(recipe_of(spec))
    device = choose(options.device)[0]
    runtime.prepare()
    recipe = chosen_precision(recipe, device, display)
    display.working("reading the data")
    size = int(recipe.batch_size)
    material = prepare(spec, recipe, outputs_of(spec), data_dir=options.data_dir, limit=size)
    recipe = fitted(recipe, len(material.splits.train))
    display.working("compiling")
    begun = initial(spec)
    weights = None if begun is None else begun.arrays
    return _learn(machine(spec, recipe, [material], [device], weights), recipe, display)


def _learn(engine: Engine, recipe: Train, display: Display) -> Overfitted:
    state = engine.start()
    engine.compile(state, splits=("train",))
    display.begin(RunPlan(1, STEPS, engine.steps.batch_size), 0)
    first = last = _judged(engine, state)
    accuracy = None
    for step in range(0, STEPS, _EVERY):
        for each in range(step, step + _EVERY):
            state = engine.advance(state, engine.order(each), 1)
        if int(jax.device_get(state.failed)) >= 0:
            raise TrainingError(
                f"step {int(state.failed) + 1} makes the loss or a weight infinite or no number. "
                + advice.not_a_number(recipe, recipe.learning_rate.highest, int(state.failed))
            )
        seen = _judged(engine, state)
        last, accuracy = seen, seen.get("accuracy")
        display.progress(Progress(step + _EVERY, last["loss"], accuracy, 0.0))
        if (accuracy is None or accuracy == 1) and last["loss"] < _LEARNT * first["loss"]:
            return Overfitted(True, step + _EVERY, first["loss"], last["loss"], accuracy)
    return Overfitted(False, STEPS, first["loss"], last["loss"], accuracy)


def _judged(engine: Engine, state: State) -> dict[str, float]:
    totals = engine.evaluate(state, "train", lambda: False)
    found = {} if totals is None else figures(totals)
    return {name: value for name, value in found.items() if value is not None}


def _plain(recipe: Train) -> Train:
    """The recipe without what keeps a network from learning by heart."""
    size = recipe.batch_size if isinstance(recipe.batch_size, int) else _BATCH
    rate = recipe.learning_rate.peak
    return recipe.model_copy(
        update={
            "batch_size": size,
            "epochs": STEPS,
            "augment": (),
            "label_smoothing": 0.0,
            "accumulate": 1,
            "ema": None,
            "lookahead": None,
            "optimizer": recipe.optimizer.model_copy(update={"weight_decay": 0.0}),
            "learning_rate": ConstantSchedule(peak=1e-2 if rate == "find" else rate).with_layers(
                recipe.learning_rate.layers
            ),
        }
    )
