"""The Pydantic models of `train:`: strict, closed and frozen, as all sections are.

Here is what is said; `cnnkit.training` makes functions of it. Loaded only where a spec has
`train:`, and without any array library, since `check` and `schema` need it.
"""

from __future__ import annotations

from cnnkit.spec.model.training.augmentation import Augmentation
from cnnkit.spec.model.training.data import Arrays, Csv, Data, Images, Pictures
from cnnkit.spec.model.training.loss import Loss
from cnnkit.spec.model.training.optimizer import Optimizer
from cnnkit.spec.model.training.parallel import Parallelism
from cnnkit.spec.model.training.schedule import Schedule
from cnnkit.spec.model.training.split import SplitSettings
from cnnkit.spec.model.training.train import Checkpointing, EarlyStopping, Train

__all__ = [
    "Arrays",
    "Augmentation",
    "Checkpointing",
    "Csv",
    "Data",
    "EarlyStopping",
    "Images",
    "Loss",
    "Optimizer",
    "Parallelism",
    "Pictures",
    "Schedule",
    "SplitSettings",
    "Train",
]
