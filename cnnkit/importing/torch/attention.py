"""Products of two tensors, and attention in heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnnkit.importing.graph import RefusedError

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Made
    from cnnkit.importing.torch.call import Call

Function = Callable[["Call"], "Made"]


def _matmul(call: Call) -> Made:
    left, right = list(call.arguments.values())[:2]
    return call.onnx("MatMul", left, right)


def _attention(call: Call) -> Made:
    if call["enable_gqa"]:
        raise RefusedError("several of its heads share keys and values", "near is attention")
    if call["dropout_p"]:
        raise RefusedError("it drops at random", "call `eval()` of the module")
    given = [call[name] for name in ("query", "key", "value", "attn_mask")]
    return call.onnx("Attention", *given, is_causal=int(call["is_causal"]), scale=call["scale"])


ATTENTION: Mapping[str, Function] = MappingProxyType(
    {
        **dict.fromkeys(("bmm", "matmul"), _matmul),
        "scaled_dot_product_attention": _attention,
    }
)
"""By the names of ATen."""
