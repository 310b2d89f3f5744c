"""Linear layers in a row."""

from __future__ import annotations

from collections.abc import Callable


def test_two_convs(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same}
  - batch_norm
  - mean_pool: {size: 2}
  - name: second
    conv: {filters: 32, kernel: 3, padding: same}
"""
    assert (
        found("missing-nonlinearity", spec)
        == """\
7:5 layers.second
no activation stands between this conv and the conv `layers.0` before it: together they are one
linear layer
help: give `layers.0` an activation, such as `activation: relu`; or leave one of them out
"""
    )


def test_two_dense_layers(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - flatten
  - dense: {units: 64}
  - dropout: {rate: 0.5}
  - dense: {units: 10}
"""
    assert (
        found("missing-nonlinearity", spec)
        == """\
6:5 layers.3
no activation stands between this dense layer and the dense layer `layers.1` before it: together
they are one linear layer
help: give `layers.1` an activation, such as `activation: relu`; or leave one of them out
"""
    )


def test_separable_convs_are_seen_through_their_depthwise_half(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
layers:
  - separable_conv: {filters: 16, kernel: 3}
  - separable_conv: {filters: 32, kernel: 3}
"""
    assert (
        found("missing-nonlinearity", spec)
        == """\
4:5 layers.1
no activation stands between this separable_conv and the separable_conv `layers.0` before it:
together they are one linear layer
help: give `layers.0` an activation, such as `activation: relu`; or leave one of them out
"""
    )


def test_in_a_block(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
blocks:
  pair:
    layers:
      - conv: {filters: 16, kernel: 3, padding: same}
      - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
layers:
  - pair
  - pair
"""
    assert (
        found("missing-nonlinearity", spec)
        == """\
6:9 layers.0.pair.layers.1 used at 8:5
no activation stands between this conv and the conv `layers.0.pair.layers.0` before it: together
they are one linear layer
help: give `layers.0.pair.layers.0` an activation, such as `activation: relu`; or leave one of
them out
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x16
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - depthwise_conv: {kernel: 3}
  - conv: {filters: 32, kernel: 1}
  - relu
  - conv: {filters: 8, kernel: 1}
  - conv: {filters: 32, kernel: 3}
  - layer_norm
  - conv: {filters: 16, kernel: [1, 3]}
  - conv: {filters: 16, kernel: [3, 1], activation: relu}
  - residual: {layers: [{conv: {filters: 16, kernel: 1, activation: relu}}]}
  - conv: {filters: 16, kernel: 1}
  - max_pool: {size: 1, stride: 1}
  - conv: {filters: 16, kernel: 1, activation: {maxout: {pieces: 2}}}
  - conv: {filters: 16, kernel: 1}
"""
    assert found("missing-nonlinearity", spec) == ""


def test_fine_a_projection_of_mobilenet_that_keeps_the_channels(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x16
layers:
  - conv: {filters: 16, kernel: 1}
  - batch_norm
  - conv: {filters: 64, kernel: 1}
"""
    assert found("missing-nonlinearity", spec) == ""


def test_fine_where_the_first_is_read_by_something_else_too(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x16
layers:
  - conv: {filters: 16, kernel: 3, padding: same}
  - batch_norm
  - squeeze_excite: {units: 16}
  - relu
  - conv: {filters: 16, kernel: 3, padding: same}
  - residual:
      layers:
        - conv: {filters: 16, kernel: 3, padding: same}
        - relu
"""
    assert found("missing-nonlinearity", spec) == ""


def test_fine_a_map_that_is_enlarged_between_two_convs(found: Callable[[str, str], str]) -> None:
    """A sub-pixel convolution, and a decoder that enlarges by repetition."""
    for between in ("depth_to_space: {block: 2}", "upsample: {factor: 2}"):
        spec = f"""\
input: 32x32x16
layers:
  - conv: {{filters: 64, kernel: 3, padding: same}}
  - {between}
  - conv: {{filters: 3, kernel: 3, padding: same}}
"""
        assert found("missing-nonlinearity", spec) == ""
    spec = spec.replace(between, "pad: {padding: 1}")
    assert "together they are one linear layer" in found("missing-nonlinearity", spec).replace(
        "\n", " "
    )
