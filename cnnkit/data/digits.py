"""The digits that come with scikit-learn: 1,797 of 8x8x1, there without any network."""

from __future__ import annotations

import numpy as np

from cnnkit.data.dataset import Dataset, Examples

# The published pixels count 0..16; the same steps of 0..255 are what other images have.
_STEPS = 16


def digits() -> Dataset:
    """The test set of the UCI handwritten digits, without a split of its own."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8, 1) * (255 / _STEPS)).astype(np.uint8)
    return Dataset("digits", Examples(pixels, labels.astype(np.int32)), None, tuple("0123456789"))
