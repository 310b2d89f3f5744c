"""A spec as a run keeps it: its variables put in, its paths whole, its recipe there."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cnnkit.errors import SpecError, UsageError
from cnnkit.network import build
from cnnkit.spec.model import Spec
from cnnkit.spec.reading import load
from cnnkit.spec.training import Train
from cnnkit.spec.training.location import located
from cnnkit.training.advice import RECIPE


def resolved(spec: Spec) -> Spec:
    """The spec that the run's `spec.yaml` will say.

    A layer that `when` left out is no longer there, so the paths of weights are those of this
    spec; the paths of data no longer depend on where the command runs.

    Raises:
        SpecError: The spec has findings of level error.
        UsageError: It says nothing of training.
    """
    if any(finding.level == "error" for finding in spec.origin.findings):
        raise SpecError(spec.origin.findings)
    recipe = recipe_of(spec)
    if recipe.data is not None:
        recipe = recipe.model_copy(update={"data": located(spec).data})
    return load(spec.model_copy(update={"train": recipe}).to_dict())


def recipe_of(spec: Spec) -> Train:
    """How a spec is trained.

    Raises:
        UsageError: It does not say.
    """
    if spec.train is None:
        name = spec.origin.file or spec.name or "the spec"
        raise UsageError(f"{name} has no `train:`, so it does not say what to learn: add\n{RECIPE}")
    return spec.train


def outputs_of(spec: Spec) -> int:
    """The scores that the network gives, K.

    Raises:
        SpecError: The spec has findings of level error.
        UsageError: It gives no vector.
    """
    shape = jax.eval_shape(lambda: build(spec, 0)(jnp.zeros((1, *spec.input)))).shape[1:]
    if len(shape) != 1:
        raise UsageError(
            f"the network gives {'x'.join(map(str, shape))}, and is trained on a vector of scores: "
            f"end it in `global_mean_pool`, or in `flatten` and `dense: {{units: 10}}`"
        )
    return int(shape[0])
