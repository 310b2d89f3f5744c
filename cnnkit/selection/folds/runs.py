"""Runs of one recipe that differ in their examples and their seed: compiled once for all of them.

A group of runs is trained side by side, each step of all of them in one call by ``jax.vmap``; a
group of one is trained as it is. Runs whose splits differ in size by an example share their shapes
all the same: of a smaller training split the first example is seen once more an epoch, and of the
held-out split the filling is masked, so that every example counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from cnnkit.data import Dataset
from cnnkit.data.dataset import Indices
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.figures import figures
from cnnkit.training.compute.state import Feed, Pool, State, Totals
from cnnkit.training.compute.step import Steps, make_steps
from cnnkit.training.prepare.batch_size import fitted
from cnnkit.training.prepare.device import compiler_options
from cnnkit.training.prepare.material import class_weights, pool_of, standardization

_AXES = Feed(pool=None, train=0, mean=0, deviation=0, class_weights=0, seed=0)  # type: ignore[arg-type]
"""Of a feed of several runs: they share the examples, and each has the rest for itself."""


class Part(NamedTuple):
    """The examples of one run.

    Attributes:
        train: The indices of those it is trained on.
        held: The indices of those it is judged on.
        seed: What its random numbers come from.
    """

    train: Indices
    held: Indices
    seed: int


@dataclass(frozen=True)
class Figures:
    """What a run made of some examples.

    Attributes:
        examples: How many they were.
        metrics: ``loss``, and what the targets have, such as ``accuracy``; None for what is no
            number.
        confusion: Counts as ``metrics.update`` adds them up: of classes ``[K, K]``, true ones
            down and predicted ones across.
    """

    examples: int
    metrics: Mapping[str, float | None]
    confusion: NDArray[Any]


class Runs:
    """The compiled functions, and the examples on the device.

    Args:
        spec: The network.
        train: The recipe; its rate and its batch are known.
        dataset: Of whose training examples the parts are.
        parts: The largest of them set the shapes.
        device: Where they run.
    """

    def __init__(
        self,
        spec: Spec,
        train: Train,
        dataset: Dataset,
        parts: Sequence[Part],
        device: jax.Device,
    ) -> None:
        self.train = train
        self.dataset = dataset
        self.examples = max(len(part.train) for part in parts)
        self.held = max(len(part.held) for part in parts)
        batch = fitted(train, self.examples).known_batch
        self.steps: Steps = make_steps(spec, train, examples=self.examples, batch_size=batch)
        self.sharding = jax.sharding.SingleDeviceSharding(device)
        self.pool: Pool = pool_of(dataset.train, self.sharding)
        # XLA compiles a convolution inside a loop to slow code on CPUs; see `training.step`.
        self.loops = device.platform != "cpu"
        self.options = compiler_options([device])
        self._compiled: dict[object, Callable[..., Any]] = {}

    def group(self, parts: Sequence[Part]) -> Group:
        """Runs that are trained side by side, before their first step."""
        return Group(self, parts)

    def jitted(
        self, name: str, mapped: bool, function: Callable[..., Any], axes: Any, donate: int | None
    ) -> Callable[..., Any]:
        """A function, compiled once; over a group of several runs it is mapped."""
        key = (name, mapped)
        if key not in self._compiled:
            over = jax.vmap(function, in_axes=axes) if mapped else function
            given = () if donate is None else (donate,)
            self._compiled[key] = jax.jit(over, donate_argnums=given, compiler_options=self.options)
        return self._compiled[key]

    def judge(
        self, state: State, feed: Feed, held: Array, length: Array, number: Array, totals: Totals
    ) -> Totals:
        """The totals of one run with a batch of its held-out examples added."""
        steps = self.steps
        positions = number * steps.batch_size + jnp.arange(steps.batch_size, dtype=jnp.int32)
        chosen = held[jnp.minimum(positions, held.shape[0] - 1)]
        batch = Pool(feed.pool.inputs[chosen], feed.pool.targets[chosen])
        return steps.judge(state, feed, batch, positions < length, totals)

    def judge_all(
        self, state: State, feed: Feed, held: Array, length: Array, count: Array, totals: Totals
    ) -> Totals:
        """The totals of one run with so many batches added, in one call."""
        judged: Totals = lax.fori_loop(
            0,
            count,
            lambda number, now: self.judge(state, feed, held, length, number, now),
            totals,
        )
        return judged


class Group:
    """Runs side by side, and how far they are.

    Attributes:
        epochs: The epochs that they have been trained for.
        state: Their states, stacked where there are several.
    """

    def __init__(self, runs: Runs, parts: Sequence[Part]) -> None:
        self.runs = runs
        self.parts = tuple(parts)
        self.mapped = len(parts) > 1
        self.epochs = 0
        self.feed = self._feed()
        held = np.stack([_filled(part.held, runs.held) for part in parts])
        lengths = np.array([len(part.held) for part in parts], np.int32)
        self._held, self._lengths = self._placed((held, lengths))
        init = runs.jitted("init", self.mapped, runs.steps.init, 0, None)
        self.state: State = init(self.feed.seed)

    def epoch(self) -> list[Figures]:
        """Trains all runs for one epoch; their figures over it, as the training saw them."""
        runs = self.runs
        count = runs.steps.steps_per_epoch(runs.examples)
        order = runs.jitted("order", self.mapped, runs.steps.order, (_AXES, None), None)(
            self.feed, np.int32(self.epochs)
        )
        if runs.loops:
            advance = runs.jitted(
                "advance", self.mapped, runs.steps.advance, (0, _AXES, 0, None), 0
            )
            self.state = advance(self.state, self.feed, order, np.int32(count))
        else:
            update = runs.jitted("update", self.mapped, runs.steps.update, (0, _AXES, 0), 0)
            for _ in range(count):
                self.state = update(self.state, self.feed, order)
        self.epochs += 1
        return self._figures(self.state.totals)

    def judge(self) -> list[Figures]:
        """The figures of all runs over the examples that each was held out."""
        runs = self.runs
        count = runs.steps.steps_per_epoch(runs.held)
        axes = (0, _AXES, 0, 0, None, 0)
        totals = jax.tree.map(
            lambda leaf: (
                jnp.zeros((len(self.parts), *leaf.shape), leaf.dtype)
                if self.mapped
                else jnp.copy(leaf)
            ),
            runs.steps.no_totals(),
        )
        if runs.loops:
            judge = runs.jitted("judge_all", self.mapped, runs.judge_all, axes, 5)
            totals = judge(self.state, self.feed, self._held, self._lengths, count, totals)
        else:
            judge = runs.jitted("judge", self.mapped, runs.judge, axes, 5)
            for number in range(count):
                totals = judge(
                    self.state, self.feed, self._held, self._lengths, np.int32(number), totals
                )
        return self._figures(totals)

    def failed(self) -> list[int | None]:
        """The step at which each run lost its numbers; None where it has not."""
        steps = np.atleast_1d(np.asarray(self.state.failed))
        return [None if step < 0 else int(step) for step in steps]

    def _feed(self) -> Feed:
        """What the runs read; all but the examples on the device is of each run's own split."""
        runs, train, data = self.runs, self.runs.train, self.runs.dataset
        measured = [standardization(train, data.train, part.train) for part in self.parts]
        weights = [
            class_weights(train, data, part.train, runs.steps.classes) for part in self.parts
        ]
        own = Feed(
            pool=None,  # type: ignore[arg-type]
            train=np.stack([_filled(part.train, runs.examples) for part in self.parts]),  # type: ignore[arg-type]
            mean=np.stack([each.mean for each in measured]),  # type: ignore[arg-type]
            deviation=np.stack([each.deviation for each in measured]),  # type: ignore[arg-type]
            class_weights=np.stack(weights),  # type: ignore[arg-type]
            seed=np.array([part.seed for part in self.parts], np.uint32),  # type: ignore[arg-type]
        )
        placed: Feed = self._placed(own)
        return Feed(
            runs.pool,
            placed.train,
            placed.mean,
            placed.deviation,
            placed.class_weights,
            placed.seed,
        )

    def _placed(self, stacked: Any) -> Any:
        """Arrays of all runs on the device; of one run alone without the axis of the runs."""
        if not self.mapped:
            stacked = jax.tree.map(lambda leaf: leaf[0], stacked)
        return jax.device_put(stacked, self.runs.sharding)

    def _figures(self, totals: Totals) -> list[Figures]:
        host = jax.device_get(totals)
        if not self.mapped:
            host = jax.tree.map(lambda leaf: np.asarray(leaf)[None], host)
        return [
            of_totals(jax.tree.map(lambda leaf, run=run: leaf[run], host))
            for run in range(len(self.parts))
        ]


def of_totals(totals: Totals) -> Figures:
    """The figures of sums over examples, which are on the host."""
    return Figures(int(totals.examples), figures(totals), np.asarray(totals.confusion))


def _filled(indices: Indices, size: int) -> NDArray[np.int32]:
    """Indices, filled up to a size with the first of them."""
    filled = np.full(size, indices[0] if len(indices) else 0, np.int32)
    filled[: len(indices)] = indices
    return filled
