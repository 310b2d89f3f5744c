"""`learning_rate: find`: a rate for the recipe, from a hundred steps at rising rates."""

from __future__ import annotations

import jax
import numpy as np

from cnnkit.errors import TrainingError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.schedule import ExponentialSchedule
from cnnkit.training import advice
from cnnkit.training.compute.schedule import find_rate, range_test_rates
from cnnkit.training.compute.step import make_steps
from cnnkit.training.engine import Engine, engine
from cnnkit.training.prepare.device import replicated
from cnnkit.training.prepare.initial import Initial
from cnnkit.training.prepare.material import Material
from cnnkit.training.view.display import Display

STEPS = 100


def found_rate(
    spec: Spec,
    recipe: Train,
    material: Material,
    device: jax.Device,
    display: Display,
    begun: Initial | None = None,
) -> Train:
    """The recipe with its rate found, where it is to be found; else as it is.

    Args:
        spec: The network.
        recipe: How it is trained.
        material: What it learns from.
        device: What it runs on.
        display: Whom to tell.
        begun: The weights of another training that it begins with.

    Raises:
        TrainingError: At no rate the loss fell.
    """
    if not recipe.learning_rate.finds:
        return recipe
    display.working("looking for a learning rate")
    rates = range_test_rates(STEPS)
    losses = _losses(_machine(spec, recipe, material, device, rates, begun))
    if not losses:
        raise TrainingError(
            f"`learning_rate: find`: the loss is no number at the first step, at a rate of "
            f"{rates[0]:.0e}. {advice.not_a_number(recipe, rates[0], 0)}"
        )
    try:
        found = find_rate(rates, losses)
    except ValueError as error:
        raise TrainingError(
            f"`learning_rate: find`: {error}, from {rates[0]:.0e} to {rates[-1]:.0e}; try "
            f"`--overfit-batch` to see whether the network can learn at all"
        ) from error
    beyond = "" if found.diverged else "; it never left that low, so a higher rate may do as well"
    display.note(
        f"learning rate {found.rate:.2g}: a tenth of {found.lowest:.2g}, where the loss of "
        f"{len(losses)} steps at rising rates was lowest{beyond}"
    )
    rate = float(f"{found.rate:.3g}")
    return recipe.model_copy(update={"learning_rate": recipe.learning_rate.found(rate)})


def _machine(
    spec: Spec,
    recipe: Train,
    material: Material,
    device: jax.Device,
    rates: list[float],
    begun: Initial | None,
) -> Engine:
    """The steps of the recipe, at a rate that rises by the same factor each step."""
    size = int(recipe.batch_size)
    # A factor above 1, which no recipe may say; it is that of a step, as an epoch has one.
    rising = ExponentialSchedule.model_construct(
        peak=rates[0], warmup=0.0, factor=rates[1] / rates[0]
    )
    rising = rising.with_layers(recipe.learning_rate.layers)
    rising_recipe = recipe.model_copy(
        # What is frozen for some epochs is frozen in the test.
        update={
            "learning_rate": rising,
            "accumulate": 1,
            "ema": None,
            "lookahead": None,
            "unfreeze": None,
        }
    )
    steps = make_steps(
        spec,
        rising_recipe,
        examples=size,
        batch_size=size,
        multi_label=material.multi_label(recipe),
        init=None if begun is None else begun.arrays,
    )
    return engine(steps, [material], replicated([device], None), [device])


def _losses(machine: Engine) -> list[float]:
    """The loss of each step, up to the first that is no number."""
    state = machine.start()
    machine.compile(state, splits=())
    per_epoch = machine.steps.steps_per_epoch(len(machine.material.splits.train))
    losses: list[float] = []
    total = count = 0.0
    for step in range(STEPS):
        if step % per_epoch == 0:
            order, total, count = machine.order(step // per_epoch), 0.0, 0.0
        state = machine.advance(state, order, 1)
        seen = jax.device_get(machine.glance(state))
        if seen.failed >= 0:
            break
        losses.append(float(np.float32(seen.loss - total) / (seen.examples - count)))
        total, count = seen.loss, seen.examples
    return losses
