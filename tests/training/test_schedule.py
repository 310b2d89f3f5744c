"""Learning rates over the steps, by hand; and the range test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optax
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.schedule import SCHEDULES
from cnnkit.training.compute.schedule import find_rate, make_schedule, range_test_rates


def rates(written: Any, epochs: int, steps_per_epoch: int) -> list[float]:
    """The rate at each step of a training, and after the last one."""
    schedule = make_schedule(Train(learning_rate=written, epochs=epochs), steps_per_epoch)
    steps = np.arange(epochs * steps_per_epoch + 1)
    found: list[float] = np.broadcast_to(schedule(steps), steps.shape).tolist()
    return found


def test_a_number_is_constant() -> None:
    assert rates(0.5, 2, 2) == [0.5] * 5


def test_a_warm_up_is_a_straight_line_from_0() -> None:
    found = rates({"constant": {"peak": 0.4, "warmup": 0.5}}, 2, 8)
    assert found[:6] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.4])
    assert found[-1] == pytest.approx(0.4)


def test_cosine() -> None:
    found = rates({"cosine": {"peak": 1, "warmup": 1, "end": 0.2}}, 5, 2)
    assert found[:3] == pytest.approx([0, 0.5, 1])
    expected = [0.2 + 0.8 * (1 + math.cos(math.pi * n / 8)) / 2 for n in range(9)]
    assert found[2:] == pytest.approx(expected, abs=1e-6)


def test_a_whole_training_of_cosine_is_optaxs_own() -> None:
    ours = rates({"cosine": {"peak": 0.3, "warmup": 2}}, 10, 7)
    theirs = optax.warmup_cosine_decay_schedule(0, 0.3, 14, 70)
    assert ours == pytest.approx([float(theirs(n)) for n in range(71)], abs=1e-6)


def test_linear_and_polynomial() -> None:
    assert rates({"linear": {"peak": 1, "end": 0.5}}, 2, 2) == pytest.approx(
        [1, 0.875, 0.75, 0.625, 0.5]
    )
    squares = rates({"polynomial": {"peak": 1, "power": 2}}, 2, 2)
    assert squares == pytest.approx([1, 9 / 16, 1 / 4, 1 / 16, 0])


def test_exponential_is_its_factor_each_epoch() -> None:
    found = rates({"exponential": {"peak": 2, "factor": 0.25}}, 2, 2)
    assert found == pytest.approx([2, 1, 0.5, 0.25, 0.125])


def test_steps_at_epochs_and_every_few() -> None:
    at = rates({"step": {"peak": 1, "at": [1, 2.5], "factor": 0.1}}, 4, 2)
    assert at == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])
    every = rates({"step": {"peak": 1, "every": 2, "factor": 0.5}}, 5, 1)
    assert every == pytest.approx([1, 1, 0.5, 0.5, 0.25, 0.25])


def test_milestones_count_from_the_start_with_a_warm_up_too() -> None:
    found = rates({"step": {"peak": 1, "at": [2], "warmup": 1}}, 4, 2)
    assert found == pytest.approx([0, 0.5, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1])


def test_milestones_in_one_step_multiply() -> None:
    found = rates({"step": {"peak": 1, "at": [1.1, 1.2], "factor": 0.5}}, 3, 1)
    assert found == pytest.approx([1, 0.25, 0.25, 0.25])


def test_one_cycle_rises_and_falls_far_below_its_start() -> None:
    found = rates({"one_cycle": {"peak": 1, "rise": 0.3}}, 10, 10)
    assert found[0] == pytest.approx(1 / 25)
    assert max(found) == found[30] == pytest.approx(1)
    assert found[15] == pytest.approx((1 + 1 / 25) / 2)  # half-way up a half cosine
    assert found[65] == pytest.approx(0.5, abs=1e-4)
    assert found[-1] == pytest.approx(1 / 25 / 1e4)


def test_one_cycle_is_optaxs() -> None:
    theirs = optax.cosine_onecycle_schedule(100, 0.3)
    ours = rates({"one_cycle": 0.3}, 10, 10)
    assert ours == pytest.approx([float(theirs(n)) for n in range(101)], abs=1e-6)


@pytest.mark.parametrize("name", SCHEDULES.kinds)
@pytest.mark.parametrize("epochs", [1, 2])
def test_short_trainings_have_finite_rates(name: str, epochs: int) -> None:
    fields: dict[str, Any] = {"peak": 0.1}
    if name == "step":
        fields["every"] = 1
    if name != "one_cycle":
        fields["warmup"] = 2  # as long as the training, or longer
    found = rates({name: fields}, epochs, 1)
    assert all(0 <= rate <= 0.1 + 1e-6 for rate in found)


def test_a_rate_that_is_yet_to_be_found_has_no_schedule() -> None:
    with pytest.raises(ValueError, match="the learning rate is yet to be found"):
        make_schedule(Train(learning_rate="find"), 10)


def test_a_range_test_has_rates_of_equal_ratios() -> None:
    found = range_test_rates(8, 1e-6, 10)
    assert (found[0], found[-1]) == pytest.approx((1e-6, 10))
    assert np.diff(np.log10(found)) == pytest.approx(np.ones(7))


def test_the_rate_that_is_found_is_a_tenth_of_that_of_the_lowest_loss() -> None:
    found = range_test_rates(100)
    # Falls from 2.3 between 1e-4 and 0.5, then explodes.
    losses = [2.3 - 2 / (1 + (3e-3 / rate)) + max(rate - 0.3, 0) * 40 for rate in found]
    test = find_rate(found, losses)
    assert 0.1 < test.lowest < 0.7
    assert test.rate == pytest.approx(test.lowest / 10)
    assert test.diverged is not None
    assert test.diverged > test.lowest


def test_noise_is_smoothed() -> None:
    found = range_test_rates(100)
    random = np.random.default_rng(0)
    losses = [2.3 - 2 / (1 + (3e-3 / rate)) + max(rate - 0.3, 0) * 40 for rate in found]
    noisy = [loss + random.normal(0, 0.1) for loss in losses]
    assert find_rate(found, noisy).rate == pytest.approx(find_rate(found, losses).rate, rel=0.7)


def test_a_loss_that_is_no_number_ends_the_test() -> None:
    found = range_test_rates(20)
    test = find_rate(found, [2 - n / 10 for n in range(12)] + [math.nan] * 8)
    assert test.diverged == found[12]
    assert test.lowest == found[11]


def test_a_loss_that_never_diverges_is_lowest_at_the_end() -> None:
    found = range_test_rates(20)
    test = find_rate(found, [2 - n / 100 for n in range(20)])
    assert (test.lowest, test.diverged) == (found[-1], None)


@pytest.mark.parametrize("losses", [[math.nan] * 20, [float(2**n) for n in range(20)]])
def test_a_loss_that_never_falls_has_no_rate(losses: list[float]) -> None:
    with pytest.raises(ValueError, match="the loss fell at no learning rate of the range test"):
        find_rate(range_test_rates(20), losses)
