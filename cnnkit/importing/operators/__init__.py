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
        "Attention": "the kind is attention: `--partial` leaves a place for it",
        "Cast": "import a model that takes floats, such as `cnnkit export RUN --raw` writes",
        "ConvInteger": "import the network before it was quantized",
        "DequantizeLinear": "import the network before it was quantized",
        "GRU": "the kind is gru: `--partial` leaves a place for it",
        "If": "export the branch that is taken",
        "LSTM": "the kind is lstm: `--partial` leaves a place for it",
        "Loop": "export the model with its loop unrolled",
        "LpPool": "the kind is lp_pool: `--partial` leaves a place for it",
        "QLinearConv": "import the network before it was quantized",
        "QuantizeLinear": "import the network before it was quantized",
        "RNN": "near are lstm and gru",
        "Scan": "export the model with its loop unrolled",
    }
)
"""What comes near to operators that no kind says."""
