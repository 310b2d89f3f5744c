"""The explicit table: how a layer of each kind is built."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.layers.joining import Joined
from cnnkit.layers.learner import Learner
from cnnkit.network import (
    activation,
    attention,
    composition,
    conv_recurrence,
    convolution,
    dense,
    each,
    filtering,
    normalization,
    places,
    pooling,
    recurrence,
    regularization,
    shaping,
)
from cnnkit.network.operation import Builder, BuildSite, Computation, frozen

BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "conv": convolution.conv,
        "depthwise_conv": convolution.depthwise_conv,
        "transposed_conv": convolution.transposed_conv,
        "locally_connected": convolution.locally_connected,
        "dense": dense.dense,
        "max_pool": pooling.max_pool,
        "mean_pool": pooling.mean_pool,
        "global_max_pool": pooling.global_max_pool,
        "global_mean_pool": pooling.global_mean_pool,
        "adaptive_max_pool": pooling.adaptive_max_pool,
        "adaptive_mean_pool": pooling.adaptive_mean_pool,
        "lp_pool": filtering.lp_pool,
        "blur_pool": filtering.blur_pool,
        "reduce": pooling.reduced,
        **activation.BUILDERS,
        "batch_norm": normalization.batch_norm,
        "layer_norm": normalization.layer_norm,
        "group_norm": normalization.group_norm,
        "instance_norm": normalization.instance_norm,
        "rms_norm": normalization.rms_norm,
        "local_response_norm": normalization.local_response_norm,
        "global_response_norm": normalization.global_response_norm,
        "rescale": normalization.rescale,
        "dropout": regularization.dropout,
        "spatial_dropout": regularization.spatial_dropout,
        "drop_path": regularization.drop_path,
        "gaussian_noise": regularization.gaussian_noise,
        "flatten": shaping.reshape,
        "reshape": shaping.reshape,
        "pad": shaping.pad,
        "crop": shaping.crop,
        "upsample": shaping.upsample,
        "depth_to_space": shaping.depth_to_space,
        "space_to_depth": shaping.space_to_depth,
        "channel_shuffle": shaping.channel_shuffle,
        "channel_slice": shaping.channel_slice,
        "slice": shaping.slice_of,
        "transpose": shaping.transpose,
        "scale": shaping.scale,
        "lstm": recurrence.recurrent,
        "gru": recurrence.recurrent,
        "conv_lstm": conv_recurrence.conv_lstm,
        "position_embedding": attention.position_embedding,
        "class_token": attention.class_token,
        "embedding": attention.embedding,
        "max_unpool": places.max_unpool,
        "coordinates": places.coordinates,
    }
)
"""The builder of each kind that is an operation of the graph."""

PARTS: Mapping[str, Builder] = MappingProxyType(
    {
        "dot_product_attention": attention.dot_product_attention,
        "axis_to_batch": each.axis_to_batch,
        "batch_to_axis": each.batch_to_axis,
    }
)
"""The builder of each operation that kinds are made of, and that no spec writes."""

TRACED = frozenset(
    {"separable_conv", "residual", "parallel", "repeat", "squeeze_excite", "attention"}
    | {"save", "merge", "load", "head", "output", "shared", "each", "split"}
)
"""The kinds that the graph dissolves into others, and into joins."""


def operation(site: BuildSite[Any]) -> Computation:
    """The operation of a node."""
    if isinstance(site.layer, Joined):  # a join has no kind: no spec writes it
        return composition.joined(site)
    kind = site.layer.kind
    made = (PARTS if kind in PARTS else BUILDERS)[kind](site)
    learnt = not isinstance(site.layer, Learner) or site.layer.learnt
    return made if learnt else frozen(made)
