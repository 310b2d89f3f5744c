"""Inputs that wait are computed together, and nothing of a request that ended is kept."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("python_multipart", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

from cnnkit.serving.batching import Batcher

Inputs = NDArray[np.float32]


class Computing:
    """Doubles its inputs once it may, and keeps the sizes of the batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, inputs: Inputs) -> Inputs:
        self.sizes.append(len(inputs))
        self.begun.set()
        assert self.open.wait(60)
        return 2 * inputs


async def begun(
    batcher: Batcher, computing: Computing
) -> tuple[asyncio.Task[None], asyncio.Task[Inputs]]:
    """A batcher that works on a first input and cannot end it yet."""
    work = asyncio.create_task(batcher.work())
    first = asyncio.create_task(batcher.outputs(np.full((1, 1), 100, np.float32)))
    await asyncio.get_running_loop().run_in_executor(None, computing.begun.wait, 60)
    return work, first


async def ended(batcher: Batcher, work: asyncio.Task[None]) -> None:
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    batcher.close()


def test_what_arrives_during_a_batch_is_the_next_one() -> None:
    computing, observed = Computing(), list[int]()

    async def run() -> list[float]:
        batcher = Batcher(computing, (1,), 32, observed.append)
        work, first = await begun(batcher, computing)
        asked = [
            asyncio.create_task(batcher.outputs(np.array([[each], [each + 0.5]], np.float32)))
            for each in range(9)
        ]
        await asyncio.sleep(0)  # so that all of them wait
        assert batcher.waiting == 18
        computing.open.set()
        found = [await each for each in asked]
        assert (await first).tolist() == [[200]]
        await ended(batcher, work)
        return [float(value) for each in found for value in each[:, 0]]

    assert asyncio.run(run()) == [float(each) for each in range(18)]
    assert observed == [1, 18]
    assert computing.sizes == [1, 32]  # filled up to a size that is compiled


def test_a_batch_is_no_larger_than_the_limit() -> None:
    computing, observed = Computing(), list[int]()

    async def run() -> None:
        batcher = Batcher(computing, (1,), 4, observed.append)
        work, _ = await begun(batcher, computing)
        asked = asyncio.create_task(batcher.outputs(np.arange(10, dtype=np.float32)[:, None]))
        await asyncio.sleep(0)
        computing.open.set()
        assert (await asked)[:, 0].tolist() == [2 * each for each in range(10)]
        await ended(batcher, work)

    asyncio.run(run())
    assert observed == [1, 4, 4, 2]


def test_nothing_is_kept_of_a_request_that_ended() -> None:
    computing = Computing()

    async def run() -> None:
        batcher = Batcher(computing, (1,), 4)
        work, first = await begun(batcher, computing)
        asked = asyncio.create_task(batcher.outputs(np.ones((3, 1), np.float32)))
        await asyncio.sleep(0)
        assert batcher.waiting == 3
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert batcher.waiting == 0
        computing.open.set()
        assert (await first).tolist() == [[200]]
        await ended(batcher, work)

    asyncio.run(run())


def test_a_batch_that_fails_does_not_end_the_work() -> None:
    def compute(inputs: Inputs) -> Inputs:
        if inputs[0, 0] < 0:
            raise RuntimeError("out of memory")
        return inputs

    async def run() -> None:
        batcher = Batcher(compute, (1,), 4)
        work = asyncio.create_task(batcher.work())
        with pytest.raises(RuntimeError, match="out of memory"):
            await batcher.outputs(np.full((2, 1), -1, np.float32))
        assert (await batcher.outputs(np.full((1, 1), 7, np.float32))).tolist() == [[7]]
        await ended(batcher, work)

    asyncio.run(run())


def test_all_sizes_are_compiled_before_the_first_request() -> None:
    computing = Computing()
    computing.open.set()

    async def run() -> None:
        batcher = Batcher(computing, (1,), 20)
        await batcher.warm()
        batcher.close()

    asyncio.run(run())
    assert computing.sizes == [1, 8, 20]
