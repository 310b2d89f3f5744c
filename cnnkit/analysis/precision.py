"""How many bytes a tensor and a weight take in each precision.

In a float the precision is that of all of them. ``int8`` and ``int4`` are precisions of inference
alone, for networks that are quantized before they are deployed:

- each element of a tensor, and of a kernel, takes 8 or 4 bits; of 4 bits two share a byte, and each
  tensor and kernel begins a byte of its own;
- what is not a kernel stays wide, 4 bytes an element: a bias is added to sums of 32 bits, as in
  TensorFlow Lite, CMSIS-NN and ONNX's ``QLinearConv``; so are the scales, shifts and running
  statistics of norms, until they are folded into the kernels before them;
- the scale and zero point of each tensor are left out.

Training in them is not defined: gradients and optimizers need floats.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from cnnkit.layers.base import Weight

Precision = Literal["float32", "bfloat16", "float16", "float64", "int8", "int4"]
Program = Literal["inference", "training"]
"""A forward pass that predicts; or a step of training, which is a forward and a backward pass."""

PRECISIONS: tuple[str, ...] = get_args(Precision)

_BITS: Final = {"float32": 32, "bfloat16": 16, "float16": 16, "float64": 64, "int8": 8, "int4": 4}
_WIDE: Final = 4
"""Bytes of what is not quantized."""


def is_quantized(precision: Precision) -> bool:
    """Whether it is a precision of inference alone."""
    return precision.startswith("int")


def tensor_bytes(elements: int, precision: Precision) -> int:
    """The bytes of a tensor of so many elements.

    >>> tensor_bytes(5, "int4")
    3
    """
    return -(-elements * _BITS[precision] // 8)


def weight_bytes(weight: Weight, precision: Precision) -> int:
    """The bytes of a weight, trained or not, at inference."""
    if is_quantized(precision) and not weight.name.endswith("kernel"):
        return _WIDE * weight.size
    return tensor_bytes(weight.size, precision)


def width_in_training(precision: Precision) -> int:
    """The bytes of a saved activation's element."""
    return _BITS[precision] // 8
