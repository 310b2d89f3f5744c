"""The stream: batches by their steps, wherever it starts."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from cnnkit.data import DataError, Examples
from cnnkit.data.dataset import Indices
from cnnkit.data.stream import stream
from tests.data.made import in_turn, random_images

EXAMPLES = Examples(random_images(50, 4, 4, 1), in_turn(50).astype(np.int32))


def chosen(step: int) -> Indices:
    return np.random.default_rng((7, step)).integers(0, 50, 8)


def test_a_batch_is_what_its_step_chooses() -> None:
    steps = []
    for batch in stream(EXAMPLES, chosen, start=0, stop=20):
        steps.append(batch.step)
        assert np.array_equal(batch.inputs, EXAMPLES.inputs[chosen(batch.step)])
        assert np.array_equal(batch.targets, EXAMPLES.targets[chosen(batch.step)])
        assert batch.inputs.dtype == np.uint8
    assert steps == list(range(20))


@pytest.mark.parametrize("start", [1, 13, 19])
def test_a_run_that_goes_on_sees_what_it_would_have_seen(start: int) -> None:
    whole = list(stream(EXAMPLES, chosen, start=0, stop=20))
    rest = list(stream(EXAMPLES, chosen, start=start, stop=20))
    assert [batch.step for batch in rest] == list(range(start, 20))
    for one, other in zip(whole[start:], rest, strict=True):
        assert np.array_equal(one.inputs, other.inputs)


def test_there_may_be_no_step() -> None:
    assert list(stream(EXAMPLES, chosen, start=5, stop=5)) == []


def test_a_fault_comes_back_as_it_is() -> None:
    def faulty(step: int) -> Indices:
        if step == 2:
            raise DataError("cat/1.png cannot be decoded")
        return chosen(step)

    batches = stream(EXAMPLES, faulty, start=0, stop=9)
    assert [next(batches).step, next(batches).step] == [0, 1]
    with pytest.raises(DataError) as caught:
        next(batches)
    assert str(caught.value) == "cat/1.png cannot be decoded"


def test_it_reads_ahead_of_its_use_and_ends_with_it() -> None:
    seen: set[int] = set()
    before = threading.active_count()

    def watched(step: int) -> Indices:
        seen.add(step)
        return chosen(step)

    batches = stream(EXAMPLES, watched, start=0, stop=10**6, ahead=3)
    assert next(batches).step == 0
    _until(lambda: seen == {0, 1, 2, 3})
    batches.close()  # type: ignore[attr-defined]
    _until(lambda: threading.active_count() <= before)
    assert seen == {0, 1, 2, 3}


def _until(holds: object, patience: float = 20) -> None:
    end = time.monotonic() + patience
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)
