"""Pools that weigh their cells: by a norm, or by a blur."""

import torch


def blur_pool(x: torch.Tensor, weights, stride) -> torch.Tensor:
    """Weighted sums of neighbouring cells along each axis, at strides."""
    for axis, (row, apart) in enumerate(zip(weights, stride, strict=True), start=2):
        cells = x.unfold(axis, len(row), apart)
        x = (cells * x.new_tensor(row)).sum(dim=-1)
    return x
