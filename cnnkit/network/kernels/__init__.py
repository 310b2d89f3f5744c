"""The operations of the layers, each as fast as this machine has it.

Every function here equals the plain one of the same name in ``plain``, in value and gradient.
``convolution`` says how a convolution is computed: by oneDNN (``onednn``, an optional extension
for CPUs), as a product of matrices (``pointwise``, and ``banded`` for few channels), as a sum of
shifted maps (``depthwise``), or as XLA's own (``lowered``).
"""

from __future__ import annotations

from cnnkit.network.kernels.bias import add_bias
from cnnkit.network.kernels.choice import by_platform, divisible_only, on_platform, plain_only
from cnnkit.network.kernels.convolution import convolve
from cnnkit.network.kernels.max_pool import max_pool
from cnnkit.network.kernels.mean_pool import mean_pool
from cnnkit.network.kernels.transposed import transposed_convolve

__all__ = [
    "add_bias",
    "by_platform",
    "convolve",
    "divisible_only",
    "max_pool",
    "mean_pool",
    "on_platform",
    "plain_only",
    "transposed_convolve",
]
