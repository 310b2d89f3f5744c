"""Ends of a network that the loss cannot read."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("end", "loss"),
    [
        ("softmax", "categorical_cross_entropy"),
        ("log_softmax", "categorical_cross_entropy"),
        ("linear", "categorical_cross_entropy"),
        ("leaky_relu", "categorical_cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
        ("linear", "binary_cross_entropy"),
        ("softmax", "mean_squared_error"),
        ("relu", "mean_squared_error"),
        ("softmax", "focal"),
        ("sigmoid", "focal"),
        ("relu", "no_such_loss"),
    ],
)
def test_they_fit(found: Callable[[str, str], str], end: str, loss: str) -> None:
    spec = f"""\
input: 10
layers:
  - dense: {{units: 4, activation: {end}}}
train: {{loss: {loss}}}
"""
    assert found("head-loss-mismatch", spec) == ""
