"""Weights of others for specs of ours: which array of a file belongs to which layer.

PyTorch, Keras and Flax name arrays by their layer and their role in it, `conv1.weight`. The layers
of a file are laid beside those of the spec, family by family, in their order, and each must fit by
its shapes. Where order and shapes leave a choice, and names do not make it, nothing is assigned.
"""

from __future__ import annotations

from cnnkit.importing.foreign.arrays import read_arrays
from cnnkit.importing.foreign.assignment import Assigned, assign

__all__ = ["Assigned", "assign", "read_arrays"]
