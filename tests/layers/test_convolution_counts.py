"""The counts of the convolutions, against loops that do each multiplication."""

import itertools
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cnnkit.layers import layer_class
from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.shape import Shape, total


def build(kind: str, **fields: Any) -> Layer:
    return layer_class(kind).model_validate(fields)


def parameters(effect: Effect) -> int:
    return sum(weight.size for weight in effect.weights if weight.trainable)


def grid(*extents: int) -> list[tuple[int, ...]]:
    return list(itertools.product(*map(range, extents)))


@st.composite
def small(draw: st.DrawFn) -> tuple[dict[str, Any], Shape, int, int]:
    """Fields of a conv that fits, its input, and the groups and filters in a group."""
    rank = draw(st.integers(1, 2))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    extents = [cells + (0 if padding else draw(st.integers(0, 2))) for cells in kernel]
    groups, inside, outside = (draw(st.integers(1, 2)) for _ in range(3))
    fields = {"kernel": kernel, "stride": stride, "padding": padding, "rounding": "floor"}
    return fields, (*extents, groups * inside), groups, outside


def multiplications(
    fields: dict[str, Any], shape: Shape, groups: int, filters: int
) -> list[tuple[Any, ...]]:
    """(position, kernel cell, channel in its group, filter) of each, by laying the kernel."""
    *extents, channels = shape
    found = []
    padding, stride, kernel = fields["padding"], fields["stride"], fields["kernel"]
    starts = [
        [at for at in range(-padding, extent + padding)[::stride] if at + size <= extent + padding]
        for extent, size in zip(extents, kernel, strict=True)
    ]
    for position in itertools.product(*starts):
        for cell in grid(*kernel):
            for channel, filter_ in grid(channels, filters):
                if channel * groups // channels == filter_ * groups // filters:
                    found.append((position, cell, channel % (channels // groups), filter_))
    return found


@given(small())
def test_a_conv_counts_each_multiplication_and_each_weight(case: Any) -> None:
    fields, shape, groups, outside = case
    filters = groups * outside
    done = multiplications(fields, shape, groups, filters)
    effect = build("conv", filters=filters, groups=groups, bias=False, **fields).effect(shape)
    assert total(effect.macs) == len(done)
    assert total(effect.neurons) == len({(at, filter_) for at, _, _, filter_ in done})
    assert parameters(effect) == len({use[1:] for use in done})
    assert effect.output is not None
    assert math.prod(effect.output) == total(effect.neurons)


@given(small())
def test_a_locally_connected_layer_shares_no_weight(case: Any) -> None:
    fields, shape, groups, outside = case
    filters = groups * outside
    done = multiplications(fields, shape, groups, filters)
    layer = build("locally_connected", filters=filters, groups=groups, **fields)
    effect = layer.effect(shape)
    assert total(effect.macs) == len(done)
    assert parameters(effect) == len(set(done)) + total(effect.neurons)


@given(small(), st.integers(1, 3))
def test_a_depthwise_conv_has_a_group_for_each_channel(case: Any, multiplier: int) -> None:
    fields, shape, _, _ = case
    channels = shape[-1]
    done = multiplications(fields, shape, channels, channels * multiplier)
    layer = build("depthwise_conv", multiplier=multiplier, bias=False, **fields)
    effect = layer.effect(shape)
    assert total(effect.macs) == len(done)
    assert parameters(effect) == len({use[1:] for use in done})


@given(small())
def test_a_separable_conv_is_a_depthwise_and_a_pointwise_one(recorder: Any, case: Any) -> None:
    fields, shape, _, filters = case
    graph = recorder()
    layer = build("separable_conv", filters=filters, **fields)
    y = layer.trace(graph, graph.start(shape))
    depthwise, pointwise = graph.effects["depthwise"], graph.effects["pointwise"]
    whole = build("conv", filters=filters, **fields).effect(shape)
    assert y.shape == whole.output
    channels = shape[-1]
    assert total(depthwise.macs) == len(multiplications(fields, shape, channels, channels))
    assert total(pointwise.macs) == total(whole.neurons) * channels
    assert parameters(pointwise) == channels * filters + filters
    assert not any(weight.name == "bias" for weight in depthwise.weights)


@given(small())
def test_a_transposed_conv_multiplies_at_each_input_cell(case: Any) -> None:
    fields, shape, groups, outside = case
    *extents, channels = shape
    filters, kernel = groups * outside, fields["kernel"]
    layer = build(
        "transposed_conv", filters=filters, groups=groups, bias=False, kernel=kernel,
        stride=fields["stride"],
    )  # fmt: skip
    effect = layer.effect(shape)
    done = [
        (at, cell, channel, filter_)
        for at, cell in itertools.product(grid(*extents), grid(*kernel))
        for channel, filter_ in grid(channels, filters)
        if channel * groups // channels == filter_ * groups // filters
    ]
    assert total(effect.macs) == len(done)
    touched = {
        tuple(i * fields["stride"] + k for i, k in zip(at, cell, strict=True))
        for at, cell, _, _ in done
    }
    assert effect.output == (*(max(axis) + 1 for axis in zip(*touched, strict=True)), filters)
    assert effect.weights[0].shape == (*kernel, channels // groups, filters)
