"""A softmax that is not the end."""

from __future__ import annotations

from collections.abc import Callable


def test_an_activation_of_a_hidden_layer(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - flatten
  - dense: {units: 64, activation: softmax}
  - dropout: {rate: 0.5}
  - dense: {units: 10, activation: softmax}
"""
    assert (
        found("softmax-inside", spec)
        == """\
4:36 layers.1
this softmax is not the end: the dense layer `layers.3` reads it
help: use an activation such as `relu` here, and softmax behind the last layer only
"""
    )


def test_twice_at_the_end(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 10
layers:
  - dense: {units: 10, activation: softmax}
  - softmax
"""
    assert (
        found("softmax-inside", spec)
        == """\
3:36 layers.0
this softmax is not the end: the softmax `layers.1` reads it
help: use an activation such as `relu` here, and softmax behind the last layer only
"""
    )


def test_further_on_through_a_join(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - residual: {layers: [softmax]}
  - conv: {filters: 2, kernel: 3}
"""
    assert (
        found("softmax-inside", spec)
        == """\
3:25 layers.0.layers.0
this softmax is not the end: the conv `layers.1` reads it
help: use an activation such as `relu` here, and softmax behind the last layer only
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - parallel:
      merge: multiply
      branches: [[], [{conv: {filters: 4, kernel: 1}}, softmax]]
  - conv: {filters: 10, kernel: 3}
  - softmax
  - linear
  - global_mean_pool
"""
    assert found("softmax-inside", spec) == ""
