"""The optimizer of a recipe, as an Optax gradient transformation: a pure pytree of state.

From the gradient to the step: clipping, weight decay where the method does not take it itself, the
method, the multiples of the rate of some layers, the return to slow weights, and around all of it
the accumulation over several batches. Of frozen weights nothing is kept; where they are trained
later, their part of the state waits as it was at first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import optax
from optax import contrib

from cnnkit.spec import layer_patterns
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training import optimizer as methods
from cnnkit.training.compute.lookahead import lookahead
from cnnkit.training.compute.schedule import make_schedule

Tree = Any
Mask = Any
"""What makes a tree of booleans of the weights, or None for all of them."""

TRAINED: Final = "trained"
FROZEN: Final = "frozen"
DECAYED: Final = "kernel"
"""How the names of weights that decay end; biases, scales and slopes do not (He et al., 2019)."""


def make_optimizer(
    train: Train, steps_per_epoch: int, params: Tree
) -> optax.GradientTransformation:
    """The transformation of gradients into updates.

    Args:
        train: The recipe; its learning rate is known, not yet to be found.
        steps_per_epoch: How many batches the training examples make.
        params: The weights, or their shapes; their names say which of them decay.
    """
    optimizer = train.optimizer
    schedule = make_schedule(train, steps_per_epoch)
    mask: Mask = None if optimizer.decay_biases_and_norms else kernels
    parts: list[optax.GradientTransformation] = []
    if optimizer.clip_value is not None:
        parts.append(optax.clip(optimizer.clip_value))
    if optimizer.clip_norm is not None:
        parts.append(optax.clip_by_global_norm(optimizer.clip_norm))
    if optimizer.weight_decay and not optimizer.decays_itself:
        parts.append(optax.add_decayed_weights(optimizer.weight_decay, mask))

    def method(begun: int = 0) -> optax.GradientTransformation:
        """The method, for weights that are trained from an update on."""
        # Of the steps that are accumulated an update has one, and counts itself alone.
        rate: optax.Schedule = lambda update: schedule((begun + update) * train.accumulate)  # noqa: E731
        return _METHODS[type(optimizer)](optimizer, rate, mask)

    labels = _labels(train, params)
    if train.unfreeze is not None:
        begun = train.unfreeze.at * steps_per_epoch // train.accumulate
        late = optax.conditionally_mask(method(begun), lambda update: update >= begun)
        parts.append(optax.partition({TRAINED: method(), FROZEN: late}, labels))
    else:
        parts.append(method())
    if train.learning_rate.layers:
        parts.append(_multiplied(train))
    if train.lookahead is not None:
        updates = max(train.epochs * steps_per_epoch // train.accumulate, 1)
        parts.append(lookahead(train.lookahead, updates))
    made = optax.chain(*parts)
    if train.accumulate > 1:
        made = optax.MultiSteps(made, train.accumulate).gradient_transformation()
    if labels is None or train.unfreeze is not None:
        return made
    return optax.partition({TRAINED: made, FROZEN: optax.set_to_zero()}, labels)


def frozen_weights(train: Train, params: Tree) -> Tree:
    """Which leaves of the weights a recipe freezes at first, as a tree of booleans."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: bool(layer_patterns.frozen(train, [layer_of(path)])), params
    )


def _labels(train: Train, params: Tree) -> Tree | None:
    """For each weight whether it is trained from the first step on; None where all are."""
    if train.freeze is None:
        return None
    frozen = frozen_weights(train, params)
    return jax.tree.map(lambda each: FROZEN if each else TRAINED, frozen)


def _multiplied(train: Train) -> optax.GradientTransformation:
    """Steps made longer or shorter by layer, which is to multiply the rate.

    In all methods but the schedule-free, which take none, a step is the rate times what does not
    depend on it.
    """

    def longer(path: tuple[Any, ...], update: Any) -> Any:
        return update * layer_patterns.multiple(train.learning_rate.layers, layer_of(path))

    def update(updates: Tree, params: Tree | None = None) -> Tree:  # noqa: ARG001 - Optax's form
        return jax.tree_util.tree_map_with_path(longer, updates)

    return optax.stateless(update)


def optimizer_of(name: str) -> optax.GradientTransformation:
    """The optimizer of a name as it is by default, for weights of any shape."""
    # Where all weights decay, no mask of them is needed.
    optimizer = {name: {"decay_biases_and_norms": True}}
    return make_optimizer(Train.model_validate({"optimizer": optimizer}), 1, {})


def kernels(params: Tree) -> Tree:
    """Which leaves of the weights are kernels, as a tree of booleans."""

    def is_kernel(path: tuple[Any, ...], _: Any) -> bool:
        return (name_of(path) or "").endswith(DECAYED)

    return jax.tree_util.tree_map_with_path(is_kernel, params)


def name_of(path: tuple[Any, ...]) -> str | None:
    """The name of a weight from its path in a tree: the last key of a mapping."""
    keys = _keys(path)
    return keys[-1] if keys else None


def layer_of(path: tuple[Any, ...]) -> str:
    """The path of the operation that a weight is of."""
    return ".".join(_keys(path)[:-1])


def _keys(path: tuple[Any, ...]) -> list[str]:
    return [str(part.key) for part in path if isinstance(part, jax.tree_util.DictKey)]


def evaluation_params(train: Train, state: Tree, params: Tree) -> Tree:
    """The weights that the network is judged by.

    A schedule-free method trains at one point and is judged at the average; all others have one.
    """
    if not isinstance(train.optimizer, methods.ScheduleFree):
        return params
    (found,) = [
        leaf
        for leaf in jax.tree.leaves(state, is_leaf=_is_schedule_free)
        if _is_schedule_free(leaf)
    ]
    if train.freeze is None:
        return contrib.schedule_free_eval_params(found, params)
    frozen = frozen_weights(train, params)
    trained = jax.tree.map(lambda out, each: optax.MaskedNode() if out else each, frozen, params)
    means = contrib.schedule_free_eval_params(found, trained)
    return jax.tree.map(lambda out, each, mean: each if out else mean, frozen, params, means)


def _is_schedule_free(state: object) -> bool:
    return isinstance(state, contrib.ScheduleFreeState)


def _sgd(o: methods.Sgd, rate: optax.Schedule, _mask: Mask) -> optax.GradientTransformation:
    return optax.sgd(rate, o.momentum or None, o.nesterov)


def _moments(method: Callable[..., optax.GradientTransformation]) -> Callable[..., Any]:
    """A method of Optax's with two decays."""

    def make(o: methods.MomentOptimizer, rate: optax.Schedule, _mask: Mask) -> Any:
        return method(rate, o.b1, o.b2, o.epsilon)

    return make


def _decoupled(method: Callable[..., optax.GradientTransformation]) -> Callable[..., Any]:
    """A method of Optax's with two decays that takes the weight decay itself."""

    def make(o: methods.MomentOptimizer, rate: optax.Schedule, mask: Mask) -> Any:
        return method(rate, o.b1, o.b2, o.epsilon, weight_decay=o.weight_decay, mask=mask)

    return make


def _radam(o: methods.Radam, rate: optax.Schedule, _mask: Mask) -> Any:
    return optax.radam(rate, o.b1, o.b2, o.epsilon, threshold=o.threshold)


def _rmsprop(o: methods.Rmsprop, rate: optax.Schedule, _mask: Mask) -> Any:
    return optax.rmsprop(
        rate,
        o.decay,
        o.epsilon,
        centered=o.centered,
        momentum=o.momentum or None,
        nesterov=o.nesterov,
    )


def _adagrad(o: methods.Adagrad, rate: optax.Schedule, _mask: Mask) -> Any:
    return optax.adagrad(rate, o.initial_accumulator_value, o.epsilon)


def _adadelta(o: methods.Adadelta, rate: optax.Schedule, _mask: Mask) -> Any:
    return optax.adadelta(rate, o.rho, o.epsilon)


def _lars(o: methods.Lars, rate: optax.Schedule, mask: Mask) -> Any:
    return optax.lars(
        rate,
        o.weight_decay,
        weight_decay_mask=True if mask is None else mask,
        trust_coefficient=o.trust_coefficient,
        trust_ratio_mask=kernels,  # as published: biases and norms take plain steps
        momentum=o.momentum,
        nesterov=o.nesterov,
    )


def _lion(o: methods.Lion, rate: optax.Schedule, mask: Mask) -> Any:
    return optax.lion(rate, o.b1, o.b2, weight_decay=o.weight_decay, mask=mask)


def _muon(o: methods.Muon, rate: optax.Schedule, _mask: Mask) -> Any:
    return contrib.muon(
        rate,
        ns_steps=o.ns_steps,
        beta=o.beta,
        nesterov=o.nesterov,
        weight_decay=o.weight_decay,
        adam_b1=o.adam_b1,
        adam_b2=o.adam_b2,
        adam_weight_decay=o.weight_decay if o.decay_biases_and_norms else 0.0,  # of no kernel
        muon_weight_dimension_numbers=_matrices,
    )


def _matrices(params: Tree) -> Tree:
    """Each kernel as a matrix from its window and inputs to its filters; None for the rest."""

    def matrix(path: tuple[Any, ...], leaf: Any) -> Any:
        if name_of(path) != DECAYED:
            return None
        last = leaf.ndim - 1
        return contrib.MuonDimensionNumbers(tuple(range(last)), last)

    return jax.tree_util.tree_map_with_path(matrix, params)


def _schedule_free_sgd(o: methods.ScheduleFreeSgd, rate: optax.Schedule, _mask: Mask) -> Any:
    return contrib.schedule_free(optax.sgd(rate), rate, b1=o.b1, weight_lr_power=o.weight_lr_power)


def _schedule_free_adamw(o: methods.ScheduleFreeAdamW, rate: optax.Schedule, mask: Mask) -> Any:
    # As Optax's own shortcut, which has no mask: AdamW without its momentum.
    adamw = optax.chain(
        optax.scale_by_rms(o.b2, o.epsilon, eps_in_sqrt=False, bias_correction=True),
        optax.add_decayed_weights(o.weight_decay, mask),
        optax.scale_by_learning_rate(rate),
    )
    return contrib.schedule_free(adamw, rate, b1=o.b1, weight_lr_power=o.weight_lr_power)


_METHODS: Final[Mapping[type[methods.Optimizer], Callable[..., optax.GradientTransformation]]] = {
    methods.Sgd: _sgd,
    methods.Momentum: _sgd,
    methods.Nesterov: _sgd,
    methods.Adam: _moments(optax.adam),
    methods.AdamW: _decoupled(optax.adamw),
    methods.Nadam: _moments(optax.nadam),
    methods.NadamW: _decoupled(optax.nadamw),
    methods.Adamax: _moments(optax.adamax),
    methods.Amsgrad: _moments(optax.amsgrad),
    methods.Radam: _radam,
    methods.Adabelief: _moments(optax.adabelief),
    methods.Yogi: _moments(optax.yogi),
    methods.Rmsprop: _rmsprop,
    methods.Adagrad: _adagrad,
    methods.Adadelta: _adadelta,
    methods.Lamb: _decoupled(optax.lamb),
    methods.Lars: _lars,
    methods.Lion: _lion,
    methods.Muon: _muon,
    methods.ScheduleFreeSgd: _schedule_free_sgd,
    methods.ScheduleFreeAdamW: _schedule_free_adamw,
}
