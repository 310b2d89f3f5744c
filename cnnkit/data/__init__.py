"""Data sets: files in, checked arrays out; one file a format.

Raises:
    MissingExtraError: On import, where a package is not installed that reads them.
"""

from __future__ import annotations

from importlib.util import find_spec

from cnnkit.errors import DataError, MissingExtraError

if _missing := [name for name in ("numpy", "PIL", "sklearn") if not find_spec(name)]:
    raise MissingExtraError(f"data sets need {_missing[0]}: pip install 'cnnkit[train]'")

from cnnkit.data.dataset import DEVICE_BUDGET, Dataset, Examples, Splits
from cnnkit.data.files import data_directory
from cnnkit.data.loading import load
from cnnkit.data.split import folds, split
from cnnkit.data.statistics import Statistics, statistics

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
