"""The functions that training consists of, each a pure function of explicit pytrees.

    steps = make_steps(spec, train, steps_per_epoch)
    state = steps.init(feed.seed)                          # weights and optimizer, from the seed
    order = steps.order(feed, epoch)                       # the examples of an epoch, shuffled
    state = steps.update(state, feed, order)               # one step
    state = steps.advance(state, feed, order, count)       # many steps in one call
    totals = steps.evaluate(state, feed, pool, indices)    # a split, every example counted once

What differs between runs is in ``State`` and ``Feed``, so each function can be jitted once and
serve many runs, and can be mapped over runs with ``jax.vmap``:

    feeds = Feed(pool=None, train=0, mean=0, deviation=0, class_weights=0, seed=0)
    update = jax.vmap(steps.update, in_axes=(0, feeds, 0))

Where layers are frozen for some epochs only, ``unfrozen()`` gives the steps of the epochs after
these, of the same state.

Randomness is ``fold_in(seed, step)`` for augmentation and dropout and ``fold_in(seed, epoch)`` for
the order; no generator is stored. All batches have one shape: an epoch has ``ceil(N / batch)``
steps, and the last one is filled up with examples from the beginning of the epoch's order, which
are trained on once more and are not counted twice in the totals.

``advance`` is a loop whose number of steps is an argument: one compilation serves any number, and
its numbers do not depend on how an epoch is cut into calls. On CPUs XLA compiles a convolution
inside a loop to a plain nest of loops, ten times slower and more, so there ``update`` is called
step by step (https://github.com/jax-ml/jax/issues/12868).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array, lax

from cnnkit.network import Network, build
from cnnkit.network.taken import Taken
from cnnkit.network.weights import Arrays, put_arrays
from cnnkit.spec.layer_patterns import frozen
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute import acceptance
from cnnkit.training.compute.accumulator import Accumulator
from cnnkit.training.compute.augmentation import Augment, make_augmentation, of_several
from cnnkit.training.compute.averaging import averaged
from cnnkit.training.compute.batches import Batches
from cnnkit.training.compute.inputs import scaled, standardized
from cnnkit.training.compute.loss import example_weights
from cnnkit.training.compute.maps import (
    MASKS,
    OF_VECTOR,
    PIXEL_WEIGHTS,
    Grid,
    aimed,
    on_grid,
    parted,
)
from cnnkit.training.compute.objective import ByName, Objective, objective_of
from cnnkit.training.compute.optimizer import (
    evaluation_params,
    frozen_weights,
    layer_of,
    make_optimizer,
)
from cnnkit.training.compute.state import ExamplePool, Feed, MetricSums, State, Tree
from cnnkit.training.distributed.layout import UNDIVIDED, Layout

_ORDER, _AUGMENT, _LAYERS = range(3)  # what a key is folded with, so that uses do not share one


@dataclass(frozen=True)
class Steps:
    """The functions of a recipe; the module's documentation shows their use.

    Attributes:
        graphdef: The network without its arrays.
        optimizer: What makes updates of gradients.
        objective: What is asked of the outputs.
        augment: ``(key, images, targets, epoch) -> (images, targets)``.
        train: The recipe.
        initial: The weights and statistics from a seed, and
        forms: their shapes.
        batch_size: The examples of a step.
        layout: How they are divided among devices.
        frozen: Which weights the steps keep as they are, a tree of booleans; None for none.
        settled: The frozen operations that keep their running statistics, too, by their paths.
        taken: What of the network is computed otherwise, where nothing is trained. It is of the
            weights of one state, and of no other.
    """

    graphdef: nnx.GraphDef[Network]
    optimizer: optax.GradientTransformation
    objective: Objective
    augment: Augment
    train: Train
    initial: Callable[[Array], tuple[Tree, Tree]]
    forms: tuple[Tree, Tree]
    batch_size: int
    layout: Layout = UNDIVIDED
    frozen: Tree | None = None
    settled: frozenset[str] = frozenset()
    taken: Mapping[int, Taken] = field(default_factory=dict)

    def unfrozen(self) -> Steps:
        """The steps that train all weights, of the same state."""
        return replace(self, frozen=None, settled=frozenset())

    @property
    def batches(self) -> Batches:
        """How examples are cut into batches."""
        return Batches(self.batch_size)

    @property
    def parts(self) -> Mapping[str, Accumulator]:
        """What is asked of each output by its name; of the one output by ""."""
        return {name: part.accumulator for name, part in self.objective.parts.items()}

    def init(self, seed: Array, change: Callable[[Tree], Tree] | None = None) -> State:
        """The state before the first step.

        Args:
            seed: What the weights are drawn by.
            change: What they are changed by before the optimizer and the means begin with them.
        """
        params, stats = self.initial(seed)
        params = params if change is None else change(params)
        # All that is not drawn by one program, not by one for each shape.
        state: State = jax.jit(self._begun)(params, stats)
        return state

    def template(self) -> State:
        """The shapes of a state."""
        shapes: State = jax.eval_shape(self._begun, *self.forms)
        return shapes

    def _begun(self, params: Tree, stats: Tree) -> State:
        zero = jnp.zeros((), jnp.int32)
        return State(
            step=zero,
            params=params,
            stats=stats,
            optimizer=self.optimizer.init(params),
            # Copies: a state is given away as a whole, and no buffer can be given away twice.
            average=jax.tree.map(jnp.copy, (params, stats)) if self.train.ema else None,
            totals=self.no_totals(),
            failed=zero - 1,
        )

    def no_totals(self) -> MetricSums:
        """The totals of no examples."""
        return self.objective.empty()

    def steps_per_epoch(self, examples: int) -> int:
        """The steps in which so many examples are all seen."""
        return self.batches.count(examples)

    def order(self, feed: Feed, epoch: Array | int) -> Array:
        """The indices of the training examples in the order of an epoch, int32 ``[N]``."""
        key = jax.random.fold_in(_key(feed.seed, _ORDER), epoch)
        return jax.random.permutation(key, feed.train)

    def update(self, state: State, feed: Feed, order: Array) -> State:
        """One step on the next batch of an epoch's order; a failed state stays as it is."""
        epoch, number = jnp.divmod(state.step, self.steps_per_epoch(order.shape[0]))
        indices, counted = self.batches.wrapped(order, number)
        return self.learn(state, feed, feed.pool.at(indices), number == 0, counted, epoch)

    def advance(self, state: State, feed: Feed, order: Array, count: Array | int) -> State:
        """So many steps in one call; they are of one epoch."""
        last: State = lax.fori_loop(0, count, lambda _, now: self.update(now, feed, order), state)
        return last

    def learn(
        self,
        state: State,
        feed: Feed,
        batch: ExamplePool,
        first: Array,
        counted: Array,
        epoch: Array | int = 0,
    ) -> State:
        """One step on a batch that is given.

        Args:
            state: The state before.
            feed: Of which the pool and the indices are not read.
            batch: ``[B, *spatial, C]``, and its targets.
            first: Whether the totals begin anew.
            counted: bool ``[B]``, which of the examples are counted in the totals.
            epoch: Which one it is of, from 0.
        """
        augment, layers = (
            jax.random.fold_in(_key(feed.seed, use), state.step) for use in (_AUGMENT, _LAYERS)
        )
        images, targets = self.augment(augment, scaled(batch.inputs), aimed(batch.targets), epoch)
        images, targets = self.layout.spread(standardized(images, feed), targets)
        targets, added = parted(targets)
        asked, only = self.objective.asked(targets), self.objective.only
        grid_of_output = OF_VECTOR if only is None else only.grid
        weights = self._weights(feed, asked, counted.shape, added, grid_of_output)

        def objective(params: Tree) -> tuple[Array, tuple[Tree, ByName]]:
            held = self.layout.whole(self._held(params))
            network = nnx.merge(self.graphdef, held, state.stats, copy=True)
            parts = self.layout.norm_parts
            given = network.outputs(
                images, train=True, key=layers, settled=self.settled, parts=parts
            )
            scores = self.objective.scores(given.named)
            total = self.objective.loss(scores, asked, weights)
            for (side, weight), grid in zip(given.sides, self.objective.side_grids, strict=True):
                aside = on_grid(targets, grid)
                of_side = self._weights(feed, aside, counted.shape, added, grid)
                total += weight * self.objective.loss(side, aside, of_side)
            stats: Tree = nnx.state(network, nnx.BatchStat)
            return total, (stats, scores)

        gradient = jax.value_and_grad(objective, has_aux=True)
        with self.layout.kernels():
            (loss, (stats, scores)), grads = gradient(state.params)
        updates, optimizer = self.optimizer.update(grads, state.optimizer, state.params)
        params = optax.apply_updates(state.params, updates)
        totals = jax.tree.map(lambda old: jnp.where(first, 0, old), state.totals)
        after = State(
            step=state.step + 1,
            params=params,
            stats=stats,
            optimizer=optimizer,
            average=averaged(self.train, state, params, stats),
            totals=self.objective.added(totals, scores, asked, counted),
            failed=state.failed,
        )
        whole = self.layout.mesh is None
        size = loss + acceptance.size(grads, params, whole=whole)
        running = state.failed < 0
        failed = replace(state, failed=jnp.where(running, state.step, state.failed))
        return acceptance.chosen(jnp.isfinite(size) & running, after, failed, whole=whole)

    def evaluate(self, state: State, feed: Feed, pool: ExamplePool, indices: Array) -> MetricSums:
        """The totals of a split, every example counted once; ``indices`` is int32 ``[N]``."""
        count = self.steps_per_epoch(indices.shape[0])
        totals: MetricSums = lax.fori_loop(
            0,
            count,
            lambda number, now: self.tally(state, feed, pool, indices, number, now),
            self.no_totals(),
        )
        return totals

    def tally(
        self,
        state: State,
        feed: Feed,
        pool: ExamplePool,
        indices: Array,
        number: Array | int,
        totals: MetricSums,
    ) -> MetricSums:
        """The totals with the batch of a number added; beyond the last example nothing counts."""
        chosen, counted = self.batches.clipped(indices, number)
        return self.judge(state, feed, pool.at(chosen), counted, totals)

    def judge(
        self, state: State, feed: Feed, batch: ExamplePool, counted: Array, totals: MetricSums
    ) -> MetricSums:
        """The totals with those of a batch added that ``counted``, bool ``[B]``, names."""
        return self.judged(state, feed, batch, counted, totals)[0]

    def judged(
        self, state: State, feed: Feed, batch: ExamplePool, counted: Array, totals: MetricSums
    ) -> tuple[MetricSums, ByName]:
        """The same totals, and the scores that they are of."""
        targets = self.objective.asked(aimed(parted(batch.targets)[0]))
        images = standardized(scaled(batch.inputs), feed)
        images, targets = self.layout.spread(images, targets)
        scores = self._scores(state, images)
        return self.objective.added(totals, scores, targets, counted), scores

    def scores(self, state: State, feed: Feed, inputs: ByName) -> ByName:
        """What the network gives for inputs ``[B, *spatial, C]``, before a softmax or sigmoid."""
        return self._scores(state, standardized(scaled(inputs), feed))

    def _scores(self, state: State, images: ByName) -> ByName:
        params, stats = self.evaluated(state)
        network: Network = nnx.merge(self.graphdef, self.layout.whole(params), stats)
        with self.layout.kernels():
            given = network.outputs(images, taken=self.taken)
        return self.objective.scores(given.named)

    def maps(self, state: State, feed: Feed, inputs: ByName) -> dict[str, Array]:
        """What outputs that are maps answer: the class of each pixel, int16, or its values."""
        return self.objective.mapped(self.scores(state, feed, inputs))

    def evaluated(self, state: State) -> tuple[Tree, Tree]:
        """The weights and statistics that the network is judged by: the averaged ones, if any."""
        if self.train.ema:
            means: tuple[Tree, Tree] = state.average
            return means
        return evaluation_params(self.train, state.optimizer, state.params), state.stats

    def _held(self, params: Tree) -> Tree:
        """The weights, those that are frozen as constants, whose gradient is not computed."""
        if self.frozen is None:
            return params
        return jax.tree.map(
            lambda frozen, each: lax.stop_gradient(each) if frozen else each, self.frozen, params
        )

    def _weights(
        self,
        feed: Feed,
        targets: ByName,
        shape: tuple[int, ...],
        added: Array | None,
        grid: Grid,
    ) -> Array:
        """The weight of the loss of each example, ``[N]``, or of each pixel.

        Args:
            feed: Where those of classes are.
            targets: What is asked for.
            shape: That of the weights where each example weighs 1.
            added: What is added to that of each pixel of the masks, ``[N, *spatial, 1]``.
            grid: Where the cells that are asked for lie on these.
        """
        weights = jnp.ones(shape)
        if self.train.class_weights is not None:
            weights = example_weights(feed.class_weights, targets)
        if added is None:
            return weights
        beside = on_grid(added, grid)[..., 0]
        return beside + weights.reshape(*weights.shape, *(1,) * (beside.ndim - weights.ndim))


def make_steps(
    spec: Spec,
    train: Train,
    *,
    examples: int,
    batch_size: int,
    multi_label: bool | Mapping[str, bool] = False,
    layout: Layout = UNDIVIDED,
    init: Arrays | None = None,
) -> Steps:
    """The steps of a recipe for a network.

    Args:
        spec: The network.
        train: The recipe; its rate is known, not yet to be found.
        examples: How many are trained on, from which the steps of an epoch follow.
        batch_size: The examples of a step, a multiple of the devices.
        multi_label: Whether each score is a yes or no of its own, with targets ``[N, K]``; of
            several outputs of each by its name.
        layout: How the steps are divided among devices.
        init: Weights and statistics to begin with, by their names; all others are drawn.

    Raises:
        SpecError: The spec has findings of level error.
    """
    dtype = jnp.bfloat16 if train.compute_precision == "bfloat16" else jnp.float32

    def initial(seed: Array) -> tuple[Tree, Tree]:
        network = build(spec, nnx.Rngs(jax.random.key(seed)), compute_dtype=dtype)
        if init is not None:
            put_arrays(network, init)
        _, params, *rest = nnx.split(network, nnx.Param, nnx.BatchStat)
        (stats,) = rest
        return params, stats

    abstract = nnx.eval_shape(lambda: build(spec, 0, compute_dtype=dtype))
    graphdef, params, *rest = nnx.split(abstract, nnx.Param, nnx.BatchStat)
    (stats,) = rest
    plan = abstract.plan
    objective = objective_of(abstract, spec, train, multi_label)
    only, maps = objective.only, objective.maps
    moved: bool | Sequence[str] = bool(maps) if only is not None else maps
    if train.boundary_weights is not None:
        moved = (MASKS, PIXEL_WEIGHTS)
    if len(plan.inputs) > 1:
        augment = of_several(train.augment, dict(plan.inputs), maps=moved)
    else:
        classes = None if only is None else only.accumulator.outputs
        augment = make_augmentation(train.augment, spec.input, classes, maps=moved)
    return Steps(
        graphdef=graphdef,
        optimizer=make_optimizer(train, math.ceil(examples / batch_size), params),
        objective=objective,
        augment=augment,
        train=train,
        initial=initial,
        forms=(params, stats),
        batch_size=batch_size,
        layout=layout,
        **_kept(train, params, stats),
    )


def _kept(train: Train, params: Tree, stats: Tree) -> dict[str, Any]:
    """What of the weights and the statistics a recipe freezes, as fields of ``Steps``.

    As in Keras: a batch norm that is frozen norms by its running statistics, as at inference, and
    leaves them as they are. Dropout of frozen layers drops, for it is no weight.
    """
    if train.freeze is None:
        return {}
    paths = [layer_of(path) for path, _ in jax.tree_util.tree_leaves_with_path(stats)]
    settled = frozen(train, paths) if train.freeze.statistics else frozenset()
    return {"frozen": frozen_weights(train, params), "settled": settled}


def _key(seed: Array, use: int) -> Array:
    return jax.random.fold_in(jax.random.key(seed), use)
