"""The engine of a data set that is too large for the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from cnnkit.data.dataset import ExampleArrays, Indices
from cnnkit.data.stream import stream
from cnnkit.training.compute.state import ExamplePool, Feed, MetricSums, State
from cnnkit.training.compute.step import Steps
from cnnkit.training.engine.base import Asked, Engine, on_host
from cnnkit.training.prepare.feed import feed_of, pool_of_zeros, pool_on
from cnnkit.training.prepare.material import Material, SplitName


class Streamed(Engine):
    """The examples stay on the host, which reads batches ahead of their use."""

    def advance(self, state: State, order: Any, count: int) -> State:
        """The state so many steps later, the one before given away."""
        first = int(state.step)
        per_epoch = self.steps.steps_per_epoch(len(order))
        size, examples = self.steps.batch_size, self.material.lessons
        positions = np.arange(size)

        def chosen(step: int) -> Indices:
            indices: Indices = order[(step % per_epoch * size + positions) % len(order)]
            return indices

        for batch in stream(examples, chosen, start=first, stop=first + count):
            number = batch.step % per_epoch
            state = self._compiled[self._step](
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

    def evaluate(self, state: State, name: SplitName, asked: Asked) -> MetricSums | None:
        """The totals of a split, on the host; None where the user asked to end before."""
        indices, size = self.material.indices(name), self.steps.batch_size
        positions = np.arange(size)

        def chosen(number: int) -> Indices:
            beyond: Indices = indices[np.minimum(number * size + positions, len(indices) - 1)]
            return beyond

        totals = self._no_totals()
        examples = self.material.table(name)
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
        return on_host(totals)

    def _load(self, material: Material) -> None:
        """The examples are read as they are needed."""

    def _feed(self) -> Feed:
        return feed_of(self.materials, self.sharding)

    def _programs(
        self,
        state: State,
        splits: Sequence[SplitName],  # noqa: ARG002 - of all splits the batches have one shape
    ) -> dict[str, Any]:
        batch = self._example(self.material.table("test"))
        judge = jax.jit(self.steps.judge, out_shardings=self.sharding)
        return {
            "evaluate": judge.lower(state, self.feed, batch, self._counted(), self._no_totals())
        }

    def _training_program(self, steps: Steps, state: State) -> Any:
        batch = self._example(self.material.lessons)
        learn = jax.jit(steps.learn, donate_argnums=0, out_shardings=self.lying)
        return learn.lower(state, self.feed, batch, np.bool_(False), self._counted())

    def _counted(self) -> Any:
        return np.ones(self.steps.batch_size, np.bool_)

    def _example(self, table: ExampleArrays) -> ExamplePool:
        return pool_of_zeros(table, self.steps.batch_size, self.sharding)

    def _placed(self, inputs: Any, targets: Any) -> ExamplePool:
        return pool_on(inputs, targets, self.sharding)
