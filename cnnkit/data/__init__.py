"""Data sets: files in, checked arrays out; one file a format."""

from __future__ import annotations

from cnnkit.data.dataset import DEVICE_BUDGET, Dataset, Examples
from cnnkit.data.files import data_directory
from cnnkit.data.loading import load
from cnnkit.data.split import Splits, folds, split
from cnnkit.data.statistics import Statistics, statistics
from cnnkit.errors import DataError

__all__ = [
    "DEVICE_BUDGET",
    "DataError",
    "Dataset",
    "Examples",
    "Splits",
    "Statistics",
    "data_directory",
    "folds",
    "load",
    "split",
    "statistics",
]
