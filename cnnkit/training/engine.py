"""The steps of a run, compiled for its shapes, with the arrays that they read.

``Resident`` keeps all examples on the device and gathers each batch there; ``Streamed`` is given
each batch by the host. Both do the same to the same examples in the same order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Sharding

from cnnkit.data import Examples
from cnnkit.data.dataset import Indices
from cnnkit.data.stream import stream
from cnnkit.training.device import compiler_options
from cnnkit.training.material import Material, SplitName, on_device, pool_of, pool_on
from cnnkit.training.state import Feed, Pool, State, Totals
from cnnkit.training.step import Steps

Compiled = Callable[..., Any]
Asked = Callable[[], bool]
HELD_OUT: tuple[SplitName, ...] = ("validation", "test")


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
        material: What they work on.
        sharding: Where state and data lie.
        devices: What they run on.

    Attributes:
        deterministic: Whether all programs that are compiled give the same bits each time.
    """

    def __init__(
        self, steps: Steps, material: Material, sharding: Sharding, devices: Sequence[jax.Device]
    ) -> None:
        self.steps = steps
        self.material = material
        self.sharding = sharding
        self.options = compiler_options(devices)
        self.deterministic = True
        # XLA's convolutions are slow inside a loop on CPUs; see the module `step`.
        self.loops = devices[0].platform != "cpu"
        self.feed = self._feed()
        self._order = jax.jit(steps.order, out_shardings=sharding)
        self._glance = jax.jit(_glance, out_shardings=sharding)
        self._compiled: Mapping[str, Compiled] = {}

    def start(self) -> State:
        """The state before the first step."""
        # Not compiled: the weights are drawn by NumPy, and a program that calls back into Python
        # is in no cache of compiled ones.
        return self.place(jax.device_get(self.steps.init(self.feed.seed)))

    def template(self) -> State:
        """The shapes of a state."""
        shapes: State = jax.eval_shape(self.steps.init, self.feed.seed)
        return shapes

    def place(self, state: State) -> State:
        """A state of NumPy arrays, on the device."""
        placed: State = jax.device_put(state, self.sharding)
        return placed

    def compile(
        self, state: State, splits: Sequence[SplitName] = HELD_OUT, *, training: bool = True
    ) -> None:
        """Compiles what the loop calls; several programs at a time, one a core.

        Args:
            state: Of the shapes that all states have.
            splits: What is to be evaluated.
            training: Whether steps are to be trained too.
        """
        programs = self._programs(state, [name for name in splits if self._batches(name)])
        if training:
            programs["step"] = self._training_program(state)
        with ThreadPoolExecutor() as threads:
            compiled = threads.map(self._compile, programs.values())
            self._compiled = dict(zip(programs, compiled, strict=True))

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
        """The training examples in the order of an epoch."""
        return self._order(self.feed, np.int32(epoch))

    def glance(self, state: State) -> Glance:
        """What is to be seen of a state even after it was given away."""
        glance: Glance = self._glance(state)
        return glance

    @abstractmethod
    def advance(self, state: State, order: Any, count: int) -> State:
        """The state so many steps later, the one before given away. Does not wait for it."""

    @abstractmethod
    def evaluate(self, state: State, name: SplitName, asked: Asked) -> Totals | None:
        """The totals of a split, on the host; None where the user asked to end before."""

    @abstractmethod
    def _feed(self) -> Feed:
        """The data on the device."""

    @abstractmethod
    def _programs(self, state: State, splits: Sequence[SplitName]) -> dict[str, Any]:
        """The programs that evaluate splits, lowered for their shapes."""

    @abstractmethod
    def _training_program(self, state: State) -> Any:
        """The program that trains, lowered for its shapes."""

    def _batches(self, name: SplitName) -> int:
        return self.steps.steps_per_epoch(len(self.material.indices(name)))


class Resident(Engine):
    """All examples are on the device."""

    def advance(self, state: State, order: Any, count: int) -> State:
        """The state so many steps later, the one before given away. Does not wait for it."""
        if self.loops:
            advanced: State = self._compiled["step"](state, self.feed, order, np.int32(count))
            return advanced
        for _ in range(count):
            state = self._compiled["step"](state, self.feed, order)
        return state

    def evaluate(self, state: State, name: SplitName, asked: Asked) -> Totals | None:
        """The totals of a split, on the host; None where the user asked to end before."""
        pool, indices = self._pools[name], self._indices[name]
        if self.loops:
            return _on_host(self._compiled[name](state, self.feed, pool, indices))
        totals = jax.device_put(self.steps.no_totals(), self.sharding)
        for number in range(self._batches(name)):
            if asked():
                return None
            totals = self._compiled[name](state, self.feed, pool, indices, np.int32(number), totals)
        return _on_host(totals)

    def _feed(self) -> Feed:
        pool = pool_of(self.material.examples("train"), self.sharding)
        own_test = self.material.examples("test") is not self.material.examples("train")
        test = pool_of(self.material.examples("test"), self.sharding) if own_test else pool
        self._pools = {"train": pool, "validation": pool, "test": test}
        self._indices = {
            name: on_device(self.material.indices(name).astype(np.int32), self.sharding)
            for name in ("train", *HELD_OUT)
        }
        return self.material.feed(self.steps.train.seed, self.sharding, pool)

    def _programs(self, state: State, splits: Sequence[SplitName]) -> dict[str, Any]:
        totals = jax.device_put(self.steps.no_totals(), self.sharding)
        tail = () if self.loops else (np.int32(0), totals)
        judged = self.steps.evaluate if self.loops else self.steps.tally
        evaluate = jax.jit(judged, out_shardings=self.sharding)
        return {
            name: evaluate.lower(state, self.feed, self._pools[name], self._indices[name], *tail)
            for name in splits
        }

    def _training_program(self, state: State) -> Any:
        train = self.steps.advance if self.loops else self.steps.update
        count = (np.int32(1),) if self.loops else ()
        jitted = jax.jit(train, donate_argnums=0, out_shardings=self.sharding)
        return jitted.lower(state, self.feed, self._indices["train"], *count)


class Streamed(Engine):
    """The examples stay on the host, which reads batches ahead of their use."""

    def advance(self, state: State, order: Any, count: int) -> State:
        """The state so many steps later, the one before given away."""
        first = int(state.step)
        per_epoch = self.steps.steps_per_epoch(len(order))
        size, examples = self.steps.batch_size, self.material.examples("train")
        positions = np.arange(size)

        def chosen(step: int) -> Indices:
            indices: Indices = order[(step % per_epoch * size + positions) % len(order)]
            return indices

        for batch in stream(examples, chosen, start=first, stop=first + count):
            number = batch.step % per_epoch
            state = self._compiled["step"](
                state,
                self.feed,
                self._placed(batch.inputs, batch.targets),
                np.bool_(number == 0),
                number * size + positions < len(order),
            )
        return state

    def order(self, epoch: int) -> Any:
        """The training examples in the order of an epoch, on the host."""
        return np.asarray(super().order(epoch))

    def evaluate(self, state: State, name: SplitName, asked: Asked) -> Totals | None:
        """The totals of a split, on the host; None where the user asked to end before."""
        indices, size = self.material.indices(name), self.steps.batch_size
        positions = np.arange(size)

        def chosen(number: int) -> Indices:
            beyond: Indices = indices[np.minimum(number * size + positions, len(indices) - 1)]
            return beyond

        totals = jax.device_put(self.steps.no_totals(), self.sharding)
        examples = self.material.examples(name)
        for batch in stream(examples, chosen, start=0, stop=self._batches(name)):
            if asked():
                return None
            totals = self._compiled["evaluate"](
                state,
                self.feed,
                self._placed(batch.inputs, batch.targets),
                batch.step * size + positions < len(indices),
                totals,
            )
        return _on_host(totals)

    def _feed(self) -> Feed:
        return self.material.feed(self.steps.train.seed, self.sharding)

    def _programs(
        self,
        state: State,
        splits: Sequence[SplitName],  # noqa: ARG002 - of all splits the batches have one shape
    ) -> dict[str, Any]:
        batch = self._example(self.material.examples("test"))
        judge = jax.jit(self.steps.judge, out_shardings=self.sharding)
        totals = jax.device_put(self.steps.no_totals(), self.sharding)
        return {"evaluate": judge.lower(state, self.feed, batch, self._counted(), totals)}

    def _training_program(self, state: State) -> Any:
        batch = self._example(self.material.examples("train"))
        learn = jax.jit(self.steps.learn, donate_argnums=0, out_shardings=self.sharding)
        return learn.lower(state, self.feed, batch, np.bool_(False), self._counted())

    def _counted(self) -> Any:
        return np.ones(self.steps.batch_size, np.bool_)

    def _example(self, examples: Examples) -> Pool:
        size = self.steps.batch_size
        return self._placed(
            np.zeros((size, *examples.shape), examples.inputs.dtype),
            np.zeros((size, *examples.targets.shape[1:]), examples.targets.dtype),
        )

    def _placed(self, inputs: Any, targets: Any) -> Pool:
        return pool_on(inputs, targets, self.sharding)


def engine(
    steps: Steps, material: Material, sharding: Sharding, devices: Sequence[jax.Device]
) -> Engine:
    """The engine for a data set: it is streamed where it is too large for the device."""
    kind = Resident if material.dataset.fits_on_device() else Streamed
    return kind(steps, material, sharding, devices)


def _glance(state: State) -> Glance:
    totals = state.totals
    of_classes = totals.confusion.ndim == 2
    right = jnp.trace(totals.confusion) if of_classes else jnp.int32(-1)
    return Glance(state.step, state.failed, totals.examples, right, totals.loss)


def _on_host(totals: Totals) -> Totals:
    fetched: Totals = jax.device_get(totals)
    return fetched
