"""Ends of a network that the loss cannot read."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def test_relu_before_the_loss(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10, activation: relu}
train: {data: digits, loss: categorical_cross_entropy}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
4:36 layers.1
relu before categorical_cross_entropy: it keeps the logits at 0 or above
help: leave out the last activation, so that the outputs can be any number
"""
    )


def test_sigmoid_of_many_classes(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 10}
  - sigmoid
train: {loss: categorical_cross_entropy}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
4:5 layers.1
sigmoid before categorical_cross_entropy: the 10 outputs do not add up to 1
help: `softmax`, where one class is right; `binary_cross_entropy`, where any number of them is
"""
    )


def test_one_output_under_a_categorical_loss(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 1}
train: {loss: categorical_cross_entropy}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
3:5 layers.0
categorical_cross_entropy of 1 output has nothing to learn: of one class the probability is always
1
help: give each class an output; for a yes or no take `binary_cross_entropy`, without softmax
"""
    )


def test_softmax_under_a_binary_loss(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 4, activation: softmax}
train: {loss: binary_cross_entropy}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
3:35 layers.0
softmax before binary_cross_entropy: its 4 outputs add up to 1, as one yes among noes
help: `categorical_cross_entropy`, where one class is right; `sigmoid`, where any number of them
is
"""
    )


def test_softmax_of_one_output(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 1}
  - softmax
train: {loss: mean_squared_error}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
4:5 layers.1
softmax of 1 output has nothing to learn: of one class the probability is always 1
help: give each class an output; for a yes or no take `binary_cross_entropy`, without softmax
"""
    )


def test_a_side_output_and_a_loss_with_fields(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - head:
      layers:
        - flatten
        - dense: {units: 3, activation: tanh}
  - flatten
  - dense: {units: 3, activation: hard_sigmoid}
  - reshape: {shape: [3, 1]}
train: {loss: {focal: {gamma: 2}}}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
8:35 layers.2
hard_sigmoid before focal: it reaches 0 and 1, whose logarithm is infinite
help: leave out the last activation, so that the outputs can be any number

6:41 layers.0.layers.1
tanh before focal: it keeps the logits between −1 and 1
help: leave out the last activation, so that the outputs can be any number
"""
    )


def test_fine_where_nothing_is_trained(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 4, activation: relu}
"""
    assert found("head-loss-mismatch", spec) == ""


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


def test_the_loss_that_is_left_out_is_the_categorical_one(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 10}
  - tanh
train: {data: digits}
"""
    assert (
        found("head-loss-mismatch", spec)
        == """\
4:5 layers.1
tanh before categorical_cross_entropy: it keeps the logits between −1 and 1
help: leave out the last activation, so that the outputs can be any number
"""
    )
