"""The figures of data sets that do not fit a screen."""

from __future__ import annotations

import numpy as np

from cnnkit.data import Dataset, Examples
from cnnkit.data.summary import summary
from cnnkit.presentation.lines import plain
from cnnkit.report.dataset import dataset_lines


def test_of_many_classes_and_channels_the_rest_is_summed_up() -> None:
    targets = np.arange(200, dtype=np.int32) % 50
    inputs = np.tile(np.arange(6, dtype=np.float32), (200, 1)) + (targets % 2)[:, None].astype(
        np.float32
    )
    names = tuple(f"class\x1b {number}" for number in range(50))
    text = plain(
        dataset_lines(summary(Dataset("made\x07", Examples(inputs, targets), None, names)))
    )
    lines = text.splitlines()
    assert lines[0] == r"made\x07  6  200 examples  5.5 KiB"
    assert lines[4] == r"class\x1b 0       4"
    assert lines[44].split() == ["…", "10", "more", "40"]
    assert lines[45].split() == ["all", "200"]
    # Each channel is a constant plus 0 or 1 in equal parts: deviation 1/2.
    assert lines[47:] == [
        "values     0 to 6 (float32)",
        "mean       0.5 to 5.5 over 6 channels",
        "deviation  0.5 to 0.5 over 6 channels",
    ]
    assert text.isprintable() or "\x1b" not in text
