"""`nnx.MultiHeadAttention`, read whole: its projections and the attention between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnkit.importing.flax.equation import first
from cnnkit.importing.graph import Operation, RefusedError
from cnnkit.importing.operators.view import View, channels_last

if TYPE_CHECKING:
    from cnnkit.importing.flax.equation import Equation
    from cnnkit.importing.graph import Array

_NEAR = "near is attention: softmax(Q·Kᵀ/√d)·V of queries, keys and values in heads"


def attention(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    """An attention of a sequence over itself, or over another.

    Raises:
        RefusedError: It has what ours lacks, a mask among them.
    """
    _refuse_others(module, options)
    build, node = equation.build, equation.node("attention")
    views = [equation.view_at(place) for place in range(len(equation.inputs))]
    if any(len(view.extents) != 2 for view in views):
        raise RefusedError(
            f"it attends over one axis of {list(views[0].extents)}", f"{_NEAR}; flatten the map"
        )
    sources = [build.tensor(node, first(view)) for view in views]
    query, *others = sources
    if len(set(others)) > 1:
        raise RefusedError("its keys and values are of two tensors", _NEAR)
    channels = build.graph.shape(query)[-1]
    if module.out_features != channels:
        raise RefusedError(
            f"it gives {module.out_features} channels of {channels}", f"{_NEAR}, then a conv"
        )
    fields: dict[str, Any] = {"heads": module.num_heads}
    if module.qkv_features != channels:
        fields["units"] = module.qkv_features
    if not module.use_bias:
        fields["bias"] = False
    if module.dropout_rate:
        fields["dropout"] = float(module.dropout_rate)
    inputs = (query, *others[:1]) if others[:1] != [query] else (query,)
    made = Operation("attention", inputs, fields, {}, node.scope, node.label)
    made.parts = tuple(_arrays(getattr(module, name)) for name in ("query", "key", "value", "out"))
    made.origins = build.origins
    number = build.graph.add(made)
    return channels_last(number, build.graph.shape(number))


def _refuse_others(module: Any, options: Mapping[str, Any]) -> None:
    from flax import nnx

    asked = options.get("deterministic")
    drops = not (module.deterministic if asked is None else asked)
    if module.dropout_rate and drops:
        raise RefusedError("it drops at random", "call `eval()` of the module")
    found = {
        "it has a mask": options.get("mask") is not None or options.get("is_causal"),
        "it decodes step by step": _first(options.get("decode"), module.decode),
        "it norms its queries and keys": module.normalize_qk,
        "several of its heads share keys and values": module.num_kv_heads != module.num_heads,
        "its products are of a function of its own": (
            module.attention_fn is not nnx.dot_product_attention
        ),
    }
    for message, holds in found.items():
        if holds:
            raise RefusedError(message, _NEAR)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _arrays(projection: Any) -> dict[str, Array]:
    """A projection in heads as one of channels, [1, channels, units]."""
    import numpy as np

    kernel = np.asarray(projection.kernel[...], np.float32)
    rows = kernel.shape[0] if len(projection.in_features) == 1 else int(np.prod(kernel.shape[:-1]))
    arrays: dict[str, Array] = {"kernel": kernel.reshape(1, rows, -1)}
    if projection.bias is not None:
        arrays["bias"] = np.asarray(projection.bias[...], np.float32).reshape(-1)
    return arrays
