"""Keras's activations by name, as our kinds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.errors import did_you_mean
from cnnkit.importing.graph import RefusedError

Fields = dict[str, Any]

_KINDS: Mapping[str, tuple[str, Fields]] = MappingProxyType(
    {
        **{
            name: (name, {})
            for name in (
                "celu", "elu", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid",
                "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax",
                "softplus", "softsign", "tanh", "glu",
            )
        },
        "hard_swish": ("hard_silu", {}),
        "hard_shrink": ("hard_shrink", {}),
        "soft_shrink": ("softshrink", {}),
        "tanh_shrink": ("tanhshrink", {}),
        "leaky_relu": ("leaky_relu", {"slope": 0.2}),
        "swish": ("silu", {}),
    }
)  # fmt: skip


def activation_of(given: Any, *, legacy: bool = False) -> tuple[str, Fields] | None:
    """The kind of an activation and its fields; None of one that changes nothing.

    Raises:
        RefusedError: None of our kinds does what it does.
    """
    name = given.get("config") if isinstance(given, dict) else given
    if isinstance(name, dict):
        name = given.get("class_name")
    if name in (None, "linear"):
        return None
    if legacy and name == "hard_sigmoid":
        raise RefusedError(
            "its hard_sigmoid is min(max(0, 0.2·x + 0.5), 1), as before Keras 3",
            "near is hard_sigmoid, min(max(0, x/6 + 0.5), 1)",
        )
    if name not in _KINDS:
        near = did_you_mean(str(name), _KINDS)
        advice = f"near is {_KINDS[near][0]}" if near else None
        raise RefusedError(f"no kind is its activation `{name}`", advice)
    return _KINDS[name]
