"""The engine of a data set that lies on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from cnnkit.data.dataset import Indices
from cnnkit.training.compute.state import Feed, MetricSums, State
from cnnkit.training.compute.step import Steps
from cnnkit.training.engine.base import FEED, HELD_OUT, Asked, Engine, on_host
from cnnkit.training.prepare.feed import feed_of, on_device, pool_of, side_by_side
from cnnkit.training.prepare.material import Material, SplitName


class Resident(Engine):
    """All examples are on the device."""

    def _advance(self, state: State, order: Any, count: int) -> State:
        if self.loops:
            advanced: State = self.program(self._step)(state, self.feed, order, np.int32(count))
            return advanced
        step = self.program(self._step)
        for _ in range(count):
            state = step(state, self.feed, order)
        return state

    def evaluate(self, state: State, name: SplitName, asked: Asked) -> MetricSums | None:
        """The totals of a split, on the host; None where the user asked to end before."""
        pool, indices = self._pools[name], self._indices[name]
        if self.loops:
            return on_host(self.program(name)(state, self.feed, pool, indices))
        totals = self._no_totals()
        for number in range(self._batches(name)):
            if asked():
                return None
            totals = self.program(name)(state, self.feed, pool, indices, np.int32(number), totals)
        return on_host(totals)

    def _load(self, material: Material) -> None:
        pool = pool_of(material.lessons, self.sharding)
        own_test = material.examples("test") is not material.examples("train")
        wanted = own_test and len(material.splits.test)
        test = pool_of(material.table("test"), self.sharding) if wanted else pool
        self._pools = {"train": pool, "validation": pool, "test": test}

    def _feed(self) -> Feed:
        self._indices = {
            name: on_device(side_by_side(self._of_all(name)), self.sharding)
            for name in ("train", *HELD_OUT)
        }
        return feed_of(self.materials, self.sharding, self._pools["train"])

    def _of_all(self, name: SplitName) -> list[Indices]:
        return [material.indices(name).astype(np.int32) for material in self.materials]

    def _programs(self, state: State, splits: Sequence[SplitName]) -> Iterator[tuple[str, Any]]:
        tail = () if self.loops else (np.int32(0), self._no_totals())
        judged = self.steps.evaluate if self.loops else self.steps.tally
        axes = (0, FEED, None, 0) if self.loops else (0, FEED, None, 0, None, 0)
        evaluate = jax.jit(self._mapped(judged, axes), out_shardings=self.sharding)
        for name in splits:
            pool, indices = self._pools[name], self._indices[name]
            yield name, evaluate.lower(state, self.feed, pool, indices, *tail)

    def _training_program(self, steps: Steps, state: State) -> Any:
        train = steps.advance if self.loops else steps.update
        count = (np.int32(1),) if self.loops else ()
        mapped = self._mapped(train, (0, FEED, 0, *(None for _ in count)))
        jitted = jax.jit(mapped, donate_argnums=0, out_shardings=self.lying)
        return jitted.lower(state, self.feed, self._indices["train"], *count)
