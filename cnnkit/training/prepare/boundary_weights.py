"""The weights of pixels between things that lie close together.

Source: Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image
segmentation", 2015, equation 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.spec.model.training.train import BoundaryWeights


def weight_map(mask: NDArray[Any], settings: BoundaryWeights) -> NDArray[np.float64]:
    """What is added to the weight of each pixel: w0·exp(−(d₁ + d₂)² / 2σ²) on the background.

    d₁ and d₂ are the distances to the nearest and to the second nearest thing, in pixels: the
    connected parts of each class but the first, the background. Where there are fewer than two it
    is 0, and so it is on the things themselves.

    Args:
        mask: The class of each pixel, ``[*spatial]``; below 0 of those that do not count.
        settings: w0 and σ.
    """
    from scipy.ndimage import distance_transform_edt, label  # few recipes have such weights

    nearest = np.full((2, *mask.shape), np.inf)
    for each in np.unique(mask[mask > 0]):
        things, count = label(mask == each)
        for number in range(1, count + 1):
            distance = distance_transform_edt(things != number)
            nearest = np.sort(np.concatenate([nearest, distance[None]]), axis=0)[:2]
    added = settings.w0 * np.exp(-(nearest.sum(0) ** 2) / (2 * settings.sigma**2))
    return np.where(mask == 0, added, 0)


def weight_maps(masks: NDArray[Any], settings: BoundaryWeights) -> NDArray[np.float16]:
    """Those of many masks ``[N, *spatial]``, with an axis of one channel, ``[N, *spatial, 1]``."""
    found = np.zeros((*masks.shape, 1), np.float16)
    for number, mask in enumerate(masks):
        found[number, ..., 0] = weight_map(mask, settings)
    return found
