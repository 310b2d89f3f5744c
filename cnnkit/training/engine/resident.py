"""The engine of a data set that lies on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from cnnkit.training.compute.state import Feed, State, Totals
from cnnkit.training.engine.base import HELD_OUT, Asked, Engine, on_host
from cnnkit.training.prepare.material import SplitName, on_device, pool_of


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
            return on_host(self._compiled[name](state, self.feed, pool, indices))
        totals = jax.device_put(self.steps.no_totals(), self.sharding)
        for number in range(self._batches(name)):
            if asked():
                return None
            totals = self._compiled[name](state, self.feed, pool, indices, np.int32(number), totals)
        return on_host(totals)

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
