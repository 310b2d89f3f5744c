"""Adaptive pools read the windows [⌊i·D/O⌋, ⌈(i + 1)·D/O⌉), in the network and in its code."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import cnnkit
from tests.agreement.converted import Case, case_of, close
from tests.agreement.running import OUTPUTS

EXTENTS = (2, 5, 14, 21)
REDUCE: dict[str, Callable[..., Any]] = {"adaptive_max_pool": np.max, "adaptive_mean_pool": np.mean}


def counts(extent: int) -> range:
    """The outputs asked for, a few larger than the input among them."""
    return range(1, extent + 4)


@cache
def case(kind: str, extent: int) -> Case:
    """All outputs side by side; the second axis differs from the first."""
    branches = [[{kind: {"output": [count, 2]}}, "flatten"] for count in counts(extent)]
    layers = [{"parallel": {"branches": branches}}]
    return case_of(cnnkit.load({"input": [extent, 3, 2], "layers": layers}), backwards=False)


def windows(x: np.ndarray, axis: int, count: int, kind: str) -> np.ndarray:
    """The windows of an axis, reduced."""
    extent = x.shape[axis]
    bounds = [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]
    cells = [np.take(x, range(*bound), axis) for bound in bounds]
    return np.stack([REDUCE[kind](each, axis=axis) for each in cells], axis)


def expected(kind: str, extent: int) -> np.ndarray:
    """What NumPy computes, in float64."""
    x = case(kind, extent).x.astype("float64")
    halves = windows(x, 2, 2, kind)
    found = [windows(halves, 1, count, kind) for count in counts(extent)]
    return np.concatenate([each.reshape(len(x), -1) for each in found], axis=1)


def test_the_windows_by_hand() -> None:
    x = np.array([[1.0, 2, 3, 4, 5, 6, 7]])
    assert windows(x, 1, 3, "adaptive_mean_pool").tolist() == [[2, 4, 6]]  # 0–2, 2–4, 4–6
    assert windows(x, 1, 2, "adaptive_max_pool").tolist() == [[4, 7]]  # 0–3, 3–6
    assert windows(x[:, :2], 1, 3, "adaptive_mean_pool").tolist() == [[1, 1.5, 2]]


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("kind", REDUCE)
def test_the_network(kind: str, extent: int) -> None:
    close(case(kind, extent).output, expected(kind, extent))


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("kind", REDUCE)
@pytest.mark.parametrize("target", OUTPUTS)
def test_the_code(target: str, kind: str, extent: int) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    close(OUTPUTS[target](case(kind, extent)), expected(kind, extent))
