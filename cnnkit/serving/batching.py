"""Inputs of several requests computed together: whatever waits when the last batch is done.

No input waits for others to come: one alone is computed alone. While it is, more arrive, and are
the next batch; so batches grow with the load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Outputs = NDArray[np.float32]
Compute = Callable[[NDArray[np.float32]], Any]
"""``inputs [n, *shape] -> outputs [n, K]``."""

_STEP: Final = 8


class Batcher:
    """Computes inputs in batches, one batch at a time, in a thread of its own.

    A compiled network takes batches of a fixed size: those of 1, 8, 64 … are filled with zeros up
    to the next of these sizes, which all are compiled before the first request.
    """

    def __init__(
        self,
        compute: Compute,
        shape: Sequence[int],
        largest: int,
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._compute = compute
        self._shape = tuple(shape)
        self._sizes = _sizes(largest)
        self._observe = observe
        self._waiting: deque[tuple[NDArray[np.float32], asyncio.Future[Outputs]]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compute")

    @property
    def waiting(self) -> int:
        """The inputs that no batch has yet."""
        return len(self._waiting)

    async def warm(self) -> None:
        """Compiles the network for each size."""
        for size in self._sizes:
            await self._run(np.zeros((size, *self._shape), np.float32))

    async def outputs(self, inputs: NDArray[np.float32]) -> Outputs:
        """What the network gives for the inputs ``[n, *shape]`` of a request."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outputs]] = [loop.create_future() for _ in inputs]
        self._waiting.extend(zip(inputs, futures, strict=True))
        self._arrived.set()
        try:
            return np.stack(await asyncio.gather(*futures))
        except asyncio.CancelledError:
            # A request that has ended keeps nothing in memory.
            self._waiting = deque(each for each in self._waiting if not each[1].done())
            raise

    async def work(self) -> None:
        """Computes what arrives, until it is cancelled."""
        while True:
            await self._arrived.wait()
            batch = self._next()
            if not batch:
                self._arrived.clear()
                continue
            self._observe(len(batch))
            size = next(size for size in self._sizes if size >= len(batch))
            inputs = np.zeros((size, *self._shape), np.float32)
            inputs[: len(batch)] = [values for values, _ in batch]
            try:
                found = await self._run(inputs)
            except Exception as error:  # the network's own, such as too little memory
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), output in zip(batch, found, strict=False):
                if not future.done():  # its request may have ended meanwhile
                    future.set_result(output)

    def close(self) -> None:
        """Ends the thread once the batch that it computes is done."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _next(self) -> list[tuple[NDArray[np.float32], asyncio.Future[Outputs]]]:
        """The next batch, of inputs that someone still waits for."""
        batch: list[tuple[NDArray[np.float32], asyncio.Future[Outputs]]] = []
        while self._waiting and len(batch) < self._sizes[-1]:
            values, future = self._waiting.popleft()
            if not future.done():
                batch.append((values, future))
        return batch

    async def _run(self, inputs: NDArray[np.float32]) -> Outputs:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: np.asarray(self._compute(inputs)))


def _sizes(largest: int) -> tuple[int, ...]:
    """The sizes that a network is compiled for.

    >>> _sizes(32)
    (1, 8, 32)
    """
    sizes, size = [], 1
    while size < largest:
        sizes.append(size)
        size *= _STEP
    return (*sizes, largest)
