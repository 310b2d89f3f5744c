"""The size of a batch: what fits the data, or with `auto` as much as memory allows."""

from __future__ import annotations

import os
from dataclasses import replace

import jax
import jax.numpy as jnp

from cnnkit.analysis import analyze
from cnnkit.errors import TrainingError
from cnnkit.presentation.numbers import memory
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.step import make_steps
from cnnkit.training.prepare.device import replicated
from cnnkit.training.prepare.feed import feed_of, pool_of_zeros
from cnnkit.training.prepare.material import Material
from cnnkit.training.view.display import Display

LARGEST = 1024
FEWEST_STEPS = 20
"""The steps that an epoch has at least: with fewer updates a network learns less, not faster."""
SMALLEST = 8
_PART_OF_MEMORY = 0.8
_PART_OF_RAM = 0.5  # which the system and other programs live in too


def largest_batch(
    spec: Spec, recipe: Train, material: Material, device: jax.Device, display: Display
) -> Train:
    """The recipe with the size of its batch, where that is left to the machine.

    It is the largest power of two that fits, up to ``LARGEST`` and to a ``FEWEST_STEPS``-th of
    the training examples.

    Raises:
        TrainingError: Not even one example fits.
    """
    if recipe.batch_size != "auto":
        return recipe
    display.working("looking for the size of a batch")
    free = free_memory(device)
    examples = len(material.splits.train)
    most = max(1, min(LARGEST, examples // FEWEST_STEPS))
    size = largest = 1 << (most.bit_length() - 1)
    while size and not (
        needed(spec, recipe, size) <= free and _runs(spec, recipe, size, material, device)
    ):
        size //= 2
    if not size:
        raise TrainingError(
            f"the memory of {device.device_kind}, {memory(free)}, does not suffice for one "
            f"example, which takes {memory(needed(spec, recipe, 1))} by the analysis; take a "
            f"smaller input or network"
        )
    bounded = size == largest < LARGEST
    why = f"; a larger one would leave an epoch fewer than {FEWEST_STEPS} steps" if bounded else ""
    display.note(
        f"batch size {size}: {memory(needed(spec, recipe, size))} by the analysis, of "
        f"{memory(free)}; a step of it was tried{why}"
    )
    return recipe.model_copy(update={"batch_size": size})


def fitted(recipe: Train, examples: int) -> Train:
    """The recipe with a batch that fits so many training examples.

    One that is said is no larger than they are. One that is not is the largest power of two, up to
    the default, that leaves an epoch ``FEWEST_STEPS`` steps, and ``SMALLEST`` at least: fewer make
    the statistics of a batch norm too rough.
    """
    size = recipe.batch_size
    if not isinstance(size, int):
        return recipe
    if recipe.fits_batch:
        steps = max(examples // FEWEST_STEPS, 1)
        size = max(min(size, 1 << (steps.bit_length() - 1)), SMALLEST)
    return recipe.model_copy(update={"batch_size": min(size, examples)})


def needed(spec: Spec, recipe: Train, size: int) -> int:
    """The bytes that training takes with a batch, by the analysis."""
    optimizer = recipe.optimizer.kind
    analysis = analyze(spec, batch=size, precision=recipe.compute_precision, optimizer=optimizer)
    return analysis.totals.training_memory or 0


def free_memory(device: jax.Device) -> int:
    """The bytes of a device that a run may take."""
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats and "bytes_limit" in stats:
        return int(_PART_OF_MEMORY * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    try:
        pages = os.sysconf("SC_AVPHYS_PAGES")
        return int(_PART_OF_RAM * pages * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):  # a system that does not say
        return 2**30


def _runs(spec: Spec, recipe: Train, size: int, material: Material, device: jax.Device) -> bool:
    """Whether a step on so many examples goes through."""
    any_rate = recipe.learning_rate.found(1e-3)  # where it is yet to be found
    steps = make_steps(
        spec,
        recipe.model_copy(update={"learning_rate": any_rate}),
        examples=size,
        batch_size=size,
        multi_label=material.multi_label(recipe),
    )
    sharding = replicated([device], None)
    pool = pool_of_zeros(material.lessons, size, sharding)
    feed = replace(
        feed_of([material], sharding, pool),
        train=jnp.arange(size, dtype=jnp.int32),
    )
    try:
        state = jax.jit(steps.init)(feed.seed)
        jax.block_until_ready(jax.jit(steps.update, donate_argnums=0)(state, feed, feed.train))
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            return False
        raise
    return True
