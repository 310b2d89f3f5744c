"""The engine of a data set that is too large for the device."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import jax
import numpy as np

from cnnkit.data.dataset import ExampleArrays, Indices
from cnnkit.data.stream import Batch, imported_grain, stream
from cnnkit.training.compute.state import ExamplePool, Feed, MetricSums, State
from cnnkit.training.compute.step import Steps
from cnnkit.training.engine.base import Asked, Engine, on_host
from cnnkit.training.prepare.feed import BatchShare, feed_of
from cnnkit.training.prepare.material import Material, SplitName


class Streamed(Engine):
    """The examples stay on the host, which reads batches ahead of their use.

    Of several processes each reads those parts of a batch that its own devices work on.
    """

    _epoch: EpochReading | None = None

    def _advance(self, state: State, order: Any, count: int) -> State:
        size, per_epoch = self.steps.batch_size, self.steps.steps_per_epoch(len(order))
        positions = np.arange(size)
        if self._epoch is None or not self._epoch.goes_on(state, order):
            self._epoch = self._reading(int(state.step), order)
        for _ in range(count):
            batch = self._epoch.next(state)
            epoch, number = divmod(batch.step, per_epoch)
            state = self.program(self._step)(
                state,
                self.feed,
                self._share.pool(batch.inputs, batch.targets),
                np.bool_(number == 0),
                number * size + positions < len(order),
                np.int32(epoch),
            )
        self._epoch.reached(state)
        return state

    def order(self, epoch: int) -> Any:
        """The training examples in the order of an epoch, on the host."""
        return np.asarray(super().order(epoch))

    def take_waiting(self) -> float | None:
        """The seconds that the device had nothing to do but wait for data since the last time."""
        return 0.0 if self._epoch is None else self._epoch.take_waiting()

    def evaluate(self, state: State, name: SplitName, asked: Asked) -> MetricSums | None:
        """The totals of a split, on the host; None where the user asked to end before."""
        indices, size = self.material.indices(name), self.steps.batch_size
        positions = np.arange(size)

        def chosen(number: int) -> Indices:
            beyond: Indices = indices[np.minimum(number * size + positions, len(indices) - 1)]
            return self._share.of(beyond)

        totals = self._no_totals()
        examples = self.material.table(name)
        for batch in stream(examples, chosen, start=0, stop=self._batches(name)):
            if asked():
                return None
            totals = self.program("evaluate")(
                state,
                self.feed,
                self._share.pool(batch.inputs, batch.targets),
                batch.step * size + positions < len(indices),
                totals,
            )
        return on_host(totals)

    def _reading(self, first: int, order: Any) -> EpochReading:
        """The batches from a step to the end of its epoch."""
        size, per_epoch = self.steps.batch_size, self.steps.steps_per_epoch(len(order))
        positions = np.arange(size)

        def chosen(step: int) -> Indices:
            indices: Indices = order[(step % per_epoch * size + positions) % len(order)]
            return self._share.of(indices)

        end = (first // per_epoch + 1) * per_epoch
        return EpochReading(self.material.lessons, chosen, first, end, order)

    @cached_property
    def _share(self) -> BatchShare:
        return BatchShare(self.steps.layout.of_batch() or self.sharding, self.steps.batch_size)

    def _inputs_of(self, table: ExampleArrays, chosen: Indices) -> Any:
        return self._share.placed(table.inputs_at(self._share.of(chosen)))

    def _batch_of(self, table: ExampleArrays, chosen: Indices) -> ExamplePool:
        return self._share.pool(*table.at(self._share.of(chosen)))

    def _load(self, material: Material) -> None:  # noqa: ARG002 - they are read when needed
        """The examples are read as they are needed."""
        imported_grain()  # now, and not while the device waits for the first batch

    def _feed(self) -> Feed:
        return feed_of(self.materials, self.sharding)

    def _programs(
        self,
        state: State,
        splits: Sequence[SplitName],  # noqa: ARG002 - of all splits the batches have one shape
    ) -> Iterator[tuple[str, Any]]:
        batch = self._example(self.material.table("test"))
        judge = jax.jit(self.steps.judge, out_shardings=self.sharding)
        lowered = judge.lower(state, self.feed, batch, self._counted(), self._no_totals())
        yield "evaluate", lowered

    def _training_program(self, steps: Steps, state: State) -> Any:
        batch = self._example(self.material.lessons)
        learn = jax.jit(steps.learn, donate_argnums=0, out_shardings=self.lying)
        return learn.lower(state, self.feed, batch, np.bool_(False), self._counted(), np.int32(0))

    def _counted(self) -> Any:
        return np.ones(self.steps.batch_size, np.bool_)

    def _example(self, table: ExampleArrays) -> ExamplePool:
        return self._share.zeros(table)


class EpochReading:
    """The batches of an epoch from a step on, read ahead, and how long the device waited for them.

    Args:
        examples: What is chosen from.
        chosen: The examples of a step that are read here.
        first: The first step.
        end: The step before which the epoch ends.
        order: The order of the epoch.
    """

    def __init__(
        self, examples: ExampleArrays, chosen: Any, first: int, end: int, order: Any
    ) -> None:
        self._read: set[int] = set()
        self._step, self._order = first, order
        self._batches = stream(examples, chosen, start=first, stop=end, told=self._read.add)
        self._state: Any = lambda: None
        self._waited = 0.0

    def goes_on(self, state: State, order: Any) -> bool:
        """Whether the next batch is that of a state."""
        return self._state() is state and self._order is order

    def reached(self, state: State) -> None:
        """Notes the state whose batch is the next one, which is not kept alive."""
        self._state = weakref.ref(state)

    def next(self, state: State) -> Batch:
        """The next batch; where it is not read yet, the device comes to its end meanwhile."""
        if self._step in self._read:
            batch = next(self._batches)
        else:
            jax.block_until_ready(state.step)
            since = time.perf_counter()
            batch = next(self._batches)
            self._waited += time.perf_counter() - since
        self._read.discard(self._step)
        self._step += 1
        return batch

    def take_waiting(self) -> float:
        """The seconds that the device has waited since the last time."""
        waited, self._waited = self._waited, 0.0
        return round(waited, 4)
