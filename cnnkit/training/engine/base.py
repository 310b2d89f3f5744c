"""What the loop does to a state, and what may be seen of it.

An engine trains one run, or several side by side that differ in their examples and their seed: then
each array of the state has a first axis of runs, and each step of all of them is one call, by
``jax.vmap``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Sharding
from numpy.typing import NDArray

from cnnkit.data.dataset import ExampleArrays, Indices
from cnnkit.network import runtime
from cnnkit.network.kernels import on_platform
from cnnkit.training.compute.state import ExamplePool, Feed, MetricSums, State, Tree
from cnnkit.training.compute.step import Steps
from cnnkit.training.distributed.layout import SHARD
from cnnkit.training.prepare.device import compiler_options, host
from cnnkit.training.prepare.feed import on_device, pool_on, side_by_side
from cnnkit.training.prepare.material import Material, SplitName, recalls_in
from cnnkit.training.prepare.whitening import whitened

Compiled = Callable[..., Any]
Asked = Callable[[], bool]
HELD_OUT: tuple[SplitName, ...] = ("validation", "test")
FEED = Feed(pool=None, train=0, mean=0, deviation=0, class_weights=0, seed=0)  # type: ignore[arg-type]
"""Of a feed of several runs: they share the examples, and each has the rest for itself."""
STEP, LATER, ORDER = "step", "later step", "order"
"""The programs that train: one, and where frozen layers are trained later one of the time then; and
that of the order of an epoch."""
EVALUATED: tuple[SplitName, ...] = ("train", *HELD_OUT)


class Glance(NamedTuple):
    """What is to be seen of a state, in buffers of its own.

    Attributes:
        step: The steps done.
        failed: The step that failed, or −1.
        examples: How many the epoch's totals have counted.
        right: How many of them were right, −1 where there are no classes.
        loss: The sum of their losses.
    """

    step: Array
    failed: Array
    examples: Array
    right: Array
    loss: Array


class Engine(ABC):
    """What the loop does to a state.

    Args:
        steps: The functions of the recipe.
        materials: What they work on, one for each run; all of one data set and of splits of the
            same sizes.
        sharding: Where data lie, and of a state what is not cut.
        devices: What they run on.

    Attributes:
        devices: What they run on.
        deterministic: Whether all programs that are compiled give the same bits each time.
        recalls: The recall of a class that the best epoch is chosen by, if one is.
    """

    def __init__(
        self,
        steps: Steps,
        materials: Sequence[Material],
        sharding: Sharding,
        devices: Sequence[jax.Device],
    ) -> None:
        self.steps = steps
        self.sharding = sharding
        self.runs = len(materials)
        self.devices = devices
        self.options = compiler_options(devices)
        self.deterministic = True
        # XLA's convolutions are slow inside a loop on CPUs; see the module `step`.
        self.loops = devices[0].platform != "cpu"
        dataset, outputs = materials[0].dataset, steps.objective.outputs
        self.recalls = recalls_in([steps.train.monitor], dataset, outputs)
        self._order = jax.jit(self._mapped(steps.order, (FEED, None)), out_shardings=sharding)
        self._scores = jax.jit(steps.scores, out_shardings=sharding)
        self._judged = jax.jit(steps.judged, out_shardings=sharding)
        self._maps = jax.jit(steps.maps, out_shardings=sharding)
        self._glance = jax.jit(self._mapped(_glance, 0), out_shardings=sharding)
        self._compiled: dict[str, Future[Compiled]] = {}
        self._step = STEP
        self._begun: set[str] = set()
        self._load(materials[0])
        self.turn_to(materials)

    def turn_to(self, materials: Sequence[Material]) -> None:
        """Goes on with as many other runs of the same data set, their splits of the same sizes.

        What is compiled serves them too.
        """
        self.materials = tuple(materials)
        self.material = self.materials[0]
        self.feed = self._feed()

    def start(self) -> State:
        """The state before the first step."""
        # Not compiled: the weights are drawn by NumPy, and a program that calls back into Python
        # is in no cache of compiled ones.
        # One that is cut may not fit on a device as a whole.
        beside = None if self.lying is self.sharding else host()
        where = beside or self.sharding
        seeds = [jax.device_put(np.uint32(each.seed), where) for each in self.materials]
        with nullcontext() if beside is None else jax.default_device(beside):
            drawn = [
                jax.device_get(self.steps.init(seed, self._changed(each)))
                for seed, each in zip(seeds, self.materials, strict=True)
            ]
        return self.place(side_by_side(drawn))

    def _changed(self, material: Material) -> Callable[[Tree], Tree] | None:
        """What the weights that are drawn are changed by before all else, if by anything."""
        settings = self.steps.train.whiten
        return None if settings is None else partial(whitened, settings, material)

    def template(self) -> State:
        """The shapes of a state."""
        shapes = self.steps.template()
        if self.runs == 1:
            return shapes
        stacked: State = jax.tree.map(
            lambda each: jax.ShapeDtypeStruct((self.runs, *each.shape), each.dtype), shapes
        )
        return stacked

    def placed_template(self) -> State:
        """The shapes of a state, and where its arrays lie."""
        shapes = self.template()
        placed: State = jax.tree.map(
            lambda each, where: jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=where),
            shapes,
            jax.tree.broadcast(self.lying, shapes),
        )
        return placed

    def each(self, tree: Tree) -> list[Tree]:
        """A tree of all runs, on the host, as one for each."""
        if self.runs == 1:
            return [tree]
        return [jax.tree.map(lambda leaf, run=run: leaf[run], tree) for run in range(self.runs)]

    def place(self, state: State) -> State:
        """A state of NumPy arrays, on the device."""
        placed: State
        if isinstance(self.lying, Sharding):
            placed = jax.device_put(state, self.lying)
        else:  # each process has all of it, and lays down its parts
            placed = jax.tree.map(_laid, state, self.lying)
        return placed

    @cached_property
    def lying(self) -> Any:
        """Where each array of a state lies, as a prefix of its tree."""
        layout = self.steps.layout
        if layout.extent(SHARD) == 1:
            return self.sharding
        return layout.of_state(self.template(), runs=self.runs)

    def compile(
        self, state: State, splits: Sequence[SplitName] = EVALUATED, *, training: bool = True
    ) -> None:
        """Compiles what the loop calls; several programs at a time, one a core.

        Args:
            state: Of the shapes that all states have.
            splits: What is to be evaluated.
            training: Whether steps are to be trained too.
        """
        self.begin_compiling(state, splits, training=training)
        # All of them: what is compiled beside the first steps would cut up the memory that these
        # ask for again and again.
        for name in self._compiled:
            self.program(name)

    def begin_compiling(
        self, state: State, splits: Sequence[SplitName] = EVALUATED, *, training: bool = True
    ) -> None:
        """As ``compile``, which waits for the programs; until then they are compiled in threads.

        Args:
            state: As of ``compile``, or a ``placed_template``.
            splits: As of ``compile``.
            training: As of ``compile``.
        """
        if self._compiled:
            return
        threads, evaluated = ThreadPoolExecutor(), [name for name in splits if self._batches(name)]
        with on_platform(self.devices[0].platform):
            for name, lowered in self._training_programs(state) if training else ():
                self._compiled[name] = threads.submit(self._compile, lowered)
            for name, lowered in self._programs(state, evaluated):
                self._compiled[name] = threads.submit(self._compile, lowered)
        threads.shutdown(wait=False)

    def _training_programs(self, state: State) -> Iterator[tuple[str, Any]]:
        """What trains, that which takes longest to compile first."""
        yield STEP, self._training_program(self.steps, state)
        if self.steps.train.unfreeze is not None:
            yield LATER, self._training_program(self.steps.unfrozen(), state)
        yield ORDER, self._order.lower(self.feed, np.int32(0))

    def program(self, name: str) -> Compiled:
        """A program that was to be compiled, once it is."""
        return self._compiled[name].result()

    def _compile(self, lowered: Any) -> Compiled:
        """A program, the same each time where XLA can make it so."""
        try:
            compiled: Compiled = lowered.compile(compiler_options=self.options)
        except jax.errors.JaxRuntimeError as error:
            if not self.options or "RESOURCE_EXHAUSTED" in str(error):
                raise
            # An operation of which this device has no deterministic form.
            compiled = lowered.compile()
            self.deterministic = False
        return compiled

    def order(self, epoch: int) -> Any:
        """The training examples in the order of an epoch, from 0 on, which is trained next."""
        unfreeze = self.steps.train.unfreeze
        self._step = LATER if unfreeze is not None and epoch >= unfreeze.at else STEP
        ordered = self.program(ORDER) if ORDER in self._compiled else self._order
        return ordered(self.feed, np.int32(epoch))

    def epoch(self, state: State, number: int) -> State:
        """The state after the epoch of a number, from 1 on; the state before is given away."""
        order = self.order(number - 1)
        return self.advance(state, order, self._batches("train"))

    def failed(self, state: State) -> list[int | None]:
        """The step at which each run lost its numbers; None where it has not."""
        steps = np.atleast_1d(np.asarray(state.failed)).tolist()
        return [None if step < 0 else step for step in steps]

    def glance(self, state: State) -> Glance:
        """What is to be seen of a state even after it was given away."""
        glance: Glance = self._glance(state)
        return glance

    def advance(self, state: State, order: Any, count: int) -> State:
        """The state so many steps later, the one before given away. Does not wait for it."""
        if self._step in self._begun:
            return self._advance(state, order, count)
        runtime.give_back()  # what compiling needed
        after = self._advance(state, order, count)
        # Small things lie where the first steps had their memory, so that the next ones have theirs
        # elsewhere, and from then on in one place.
        runtime.give_back()
        self._begun.add(self._step)
        return after

    @abstractmethod
    def _advance(self, state: State, order: Any, count: int) -> State:
        """As ``advance``."""

    @abstractmethod
    def evaluate(self, state: State, name: SplitName, asked: Asked) -> MetricSums | None:
        """The totals of a split, on the host; None where the user asked to end before."""

    def maps(
        self, state: State, name: SplitName, part: str, places: Indices | None = None
    ) -> Iterator[tuple[Indices, NDArray[Any]]]:
        """What an output that is a map answers to examples of a split, some at a time; of one run.

        Args:
            state: The weights.
            name: The split.
            part: The name of the output; "" where it is alone.
            places: Which examples of it; by default all.

        Yields:
            The places of examples in the split, and what ``Steps.maps`` says of each.
        """
        table, indices = self.material.table(name), self.material.indices(name)
        size = self.steps.batch_size
        whole = np.arange(len(indices)) if places is None else places
        for start in range(0, len(whole), size):
            some = whole[start : start + size]
            # A batch that is not full is filled up, so that one program serves them all.
            filled = some[np.minimum(np.arange(size), len(some) - 1)]
            batch = self._inputs_of(table, indices[filled])
            found = self._maps(state, self.feed, batch)[part]
            yield some, np.asarray(found)[: len(some)]

    def scores(self, state: State, name: SplitName) -> dict[str, NDArray[np.float32]]:
        """The scores ``[N, K]`` of all examples of a split, on the host; of one run alone.

        They are those of each output by its name, of the one output by ""; of maps, which would be
        many, there are none.
        """
        if not self._scored:
            return {}
        table = self.material.table(name)
        given = []
        for chosen, _ in self._cut(name):
            batch = self._inputs_of(table, chosen)
            given.append(self._on_host(self._scores(state, self.feed, batch)))
        return self._joined(given, name)

    def judged(
        self, state: State, name: SplitName, asked: Asked
    ) -> tuple[MetricSums, dict[str, NDArray[np.float32]]] | None:
        """What ``evaluate`` and ``scores`` give, from one pass over a split."""
        if not self._scored:
            totals = self.evaluate(state, name, asked)
            return None if totals is None else (totals, {})
        table, sums, given = self.material.table(name), self._no_totals(), []
        for chosen, counted in self._cut(name):
            if asked():
                return None
            batch = self._batch_of(table, chosen)
            sums, scores = self._judged(state, self.feed, batch, counted, sums)
            given.append(self._on_host(scores))
        return on_host(sums), self._joined(given, name)

    def take_waiting(self) -> float | None:
        """The seconds that the device had nothing to do but wait for data since the last time.

        None where all data are on it.
        """
        return None

    def _inputs_of(self, table: ExampleArrays, chosen: Indices) -> Any:
        """The inputs of a batch, on the device."""
        return on_device(table.inputs_at(chosen), self.sharding)

    def _batch_of(self, table: ExampleArrays, chosen: Indices) -> ExamplePool:
        """A batch, on the device."""
        return pool_on(*table.at(chosen), self.sharding)

    @property
    def _scored(self) -> list[str]:
        """The outputs whose scores are kept: those of maps would be many."""
        return [part for part in self.steps.parts if part not in self.steps.objective.maps]

    def _cut(self, name: SplitName) -> Iterator[tuple[Indices, NDArray[np.bool_]]]:
        """The examples of each batch of a split, and which of them count.

        A batch that is not full is filled up, so that one program serves them all.
        """
        indices, size = self.material.indices(name), self.steps.batch_size
        for start in range(0, len(indices), size):
            positions = start + np.arange(size)
            counted = positions < len(indices)
            yield indices[np.minimum(positions, len(indices) - 1)], counted

    def _on_host(self, scores: Any) -> dict[str, NDArray[np.float32]]:
        each = scores if isinstance(scores, dict) else {"": scores}
        return {part: np.asarray(each[part], np.float32) for part in self._scored}

    def _joined(
        self, batches: Sequence[Mapping[str, NDArray[np.float32]]], name: SplitName
    ) -> dict[str, NDArray[np.float32]]:
        """The scores of all batches, without those that filled up the last one."""
        count = len(self.material.indices(name))
        return {
            part: np.concatenate([each[part] for each in batches])[:count]
            if batches
            else np.zeros((0, self.steps.parts[part].outputs), np.float32)
            for part in self._scored
        }

    def _mapped(self, function: Callable[..., Any], axes: Any) -> Callable[..., Any]:
        """A function over all runs; ``axes`` are those of its arguments, as of ``jax.vmap``."""
        return function if self.runs == 1 else jax.vmap(function, in_axes=axes)

    def _no_totals(self) -> MetricSums:
        """The totals of no examples, of each run."""
        form = jax.eval_shape(self.steps.no_totals)
        none = jax.tree.map(lambda total: np.zeros(total.shape, total.dtype), form)
        placed: MetricSums = jax.device_put(side_by_side([none] * self.runs), self.sharding)
        return placed

    @abstractmethod
    def _load(self, material: Material) -> None:
        """Takes the data set, which all runs share."""

    @abstractmethod
    def _feed(self) -> Feed:
        """The data on the device."""

    @abstractmethod
    def _programs(self, state: State, splits: Sequence[SplitName]) -> Iterator[tuple[str, Any]]:
        """The programs that evaluate splits, by their names, lowered for their shapes."""

    @abstractmethod
    def _training_program(self, steps: Steps, state: State) -> Any:
        """The program of the steps that train, lowered for its shapes."""

    def _batches(self, name: SplitName) -> int:
        return self.steps.steps_per_epoch(len(self.material.indices(name)))


def _laid(array: Any, sharding: Sharding) -> Array:
    whole = np.asarray(array)
    return jax.make_array_from_callback(whole.shape, sharding, whole.__getitem__)


def _glance(state: State) -> Glance:
    totals = state.totals
    of_classes = totals.confusion is not None and totals.confusion.ndim == 2
    right = jnp.trace(totals.confusion) if of_classes else jnp.int32(-1)
    return Glance(state.step, state.failed, totals.examples, right, totals.whole_loss)


def on_host(totals: MetricSums) -> MetricSums:
    """The totals as NumPy arrays, once they are there."""
    fetched: MetricSums = jax.device_get(totals)
    return fetched
