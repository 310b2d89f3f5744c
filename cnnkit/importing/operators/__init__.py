"""The operators of ONNX that can be said, family by family."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnnkit.importing.operators import (
    activation,
    convolution,
    elementwise,
    normalization,
    pooling,
    shaping,
)

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Operator

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        **activation.OPERATORS,
        **convolution.OPERATORS,
        **elementwise.OPERATORS,
        **normalization.OPERATORS,
        **pooling.OPERATORS,
        **shaping.OPERATORS,
    }
)

NEAR: Mapping[str, str] = MappingProxyType(
    {
        "Attention": "near is squeeze_excite, which weighs channels",
        "ConvInteger": "import the network before it was quantized",
        "DequantizeLinear": "import the network before it was quantized",
        "GRU": "near is a conv along the sequence",
        "If": "export the branch that is taken",
        "LSTM": "near is a conv along the sequence",
        "Loop": "export the model with its loop unrolled",
        "LpPool": "near are mean_pool and max_pool",
        "QLinearConv": "import the network before it was quantized",
        "QuantizeLinear": "import the network before it was quantized",
        "RNN": "near is a conv along the sequence",
        "Scan": "export the model with its loop unrolled",
    }
)
"""What comes near to operators that no kind says."""
