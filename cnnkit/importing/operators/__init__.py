"""The operators of ONNX that can be said, family by family."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnnkit.importing.operators import (
    activation,
    attention,
    convolution,
    elementwise,
    normalization,
    padding,
    pooling,
    recurrence,
    shaping,
)

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Operator

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        **activation.OPERATORS,
        **attention.OPERATORS,
        **convolution.OPERATORS,
        **elementwise.OPERATORS,
        **normalization.OPERATORS,
        **padding.OPERATORS,
        **pooling.OPERATORS,
        **recurrence.OPERATORS,
        **shaping.OPERATORS,
    }
)

NEAR: Mapping[str, str] = MappingProxyType(
    {
        "ConvInteger": "import the network before it was quantized",
        "DequantizeLinear": "import the network before it was quantized",
        "If": "export the branch that is taken",
        "Loop": "export the model with its loop unrolled",
        "QLinearConv": "import the network before it was quantized",
        "QuantizeLinear": "import the network before it was quantized",
        "RNN": "near are lstm and gru",
        "Scan": "export the model with its loop unrolled",
    }
)
"""What comes near to operators that no kind says."""
