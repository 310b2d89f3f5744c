"""The operations of the layers, each as fast as this machine has it.

Every function here equals the plain one of the same name in ``plain``, in value and gradient.
"""

from __future__ import annotations

from cnnkit.network.kernels.plain import convolve, max_pool, mean_pool, moments

__all__ = ["convolve", "max_pool", "mean_pool", "moments"]
