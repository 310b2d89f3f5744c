"""What frameworks say beside a layer and we say elsewhere, or not at all: the advice for each.

Plain other names for a field of ours are in the ``field_aliases`` of the kinds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

_INCOMING: Final = "leave it out: a layer takes whatever comes in"
_LAST: Final = "leave it out: the channels are always the last axis"
_STATISTICS: Final = (
    "leave it out: the statistics are the batch's in training, the running ones elsewhere"
)
_DECAY: Final = (
    "it belongs to the optimizer: `train: {optimizer: {sgd: {weight_decay: 5e-4}}}`, for all layers"
)
_AFFINE: Final = "here it is `scale` and `shift`, each true or false"
_SPREAD: Final = "a convolution of a spread input is a `transposed_conv`, the dilation its `stride`"
_BIAS: Final = "`bias` is true, false, or a list of the values that the biases start from"
_SHARED: Final = (
    "a `conv` shares its weights over all positions, a `locally_connected` layer over none"
)

_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "in_channels",
                "in_features",
                "num_features",
                "num_channels",
                "normalized_shape",
                "input_shape",
                "input_dim",
                "input_size",
            ),
            _INCOMING,
        ),
        **dict.fromkeys(("data_format", "axis", "dim", "feature_axes", "channel_axis"), _LAST),
        **dict.fromkeys(
            ("track_running_stats", "use_running_average", "training", "axis_name"), _STATISTICS
        ),
        **dict.fromkeys(
            ("weight_decay", "kernel_regularizer", "bias_regularizer", "l2", "l1"), _DECAY
        ),
        **dict.fromkeys(("affine", "elementwise_affine"), _AFFINE),
        **dict.fromkeys(("bias_init", "bias_initializer"), _BIAS),
        **dict.fromkeys(("shared", "share_weights", "weight_sharing"), _SHARED),
        "lhs_dilation": _SPREAD,
        "input_dilation": _SPREAD,
        "ceil_mode": "here it is `rounding: ceil`",
        "causal": "here it is `padding: causal`",
        "inplace": "leave it out: what is overwritten is no matter of the network",
        "align_corners": "leave it out: the centres are always those of half pixels",
    }
)
"""The advice for each name; it is given where the fields that it names are there."""

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "affine": ("scale", "shift"),
        "elementwise_affine": ("scale", "shift"),
        "ceil_mode": ("rounding",),
        "causal": ("padding",),
        "bias_init": ("bias",),
        "bias_initializer": ("bias",),
        "shared": ("kernel",),
        "share_weights": ("kernel",),
        "weight_sharing": ("kernel",),
        "lhs_dilation": ("kernel",),
        "input_dilation": ("kernel",),
    }
)


def field_advice(field: str, known: Collection[str]) -> str | None:
    """What to write instead of a field that a layer with these fields has not; None if unknown."""
    if all(needed in known for needed in _NEEDED.get(field, ())):
        return _FIELDS.get(field)
    return None
