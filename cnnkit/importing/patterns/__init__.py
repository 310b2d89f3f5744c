"""Figures that models are written in, as the layers that they stand for; one file a pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cnnkit.importing.patterns.affine import fold_affine
from cnnkit.importing.patterns.attending import name_attention
from cnnkit.importing.patterns.concatenation import chain_concatenations
from cnnkit.importing.patterns.flattening import lift_flattens
from cnnkit.importing.patterns.gating import name_gated
from cnnkit.importing.patterns.merging import name_merged_cells
from cnnkit.importing.patterns.padding import join_padding
from cnnkit.importing.patterns.reaching import join_cropping, join_strides
from cnnkit.importing.patterns.recurrence import (
    end_sequences,
    join_directions,
    join_projections,
    turn_sequences,
)
from cnnkit.importing.patterns.reductions import join_reductions
from cnnkit.importing.patterns.response import name_response_norms
from cnnkit.importing.patterns.rounding import drop_rounding
from cnnkit.importing.patterns.sharing import share_weights

if TYPE_CHECKING:
    from cnnkit.importing.graph import OperationGraph

PATTERNS: tuple[Callable[[OperationGraph], None], ...] = (
    name_attention,
    turn_sequences,
    join_projections,
    end_sequences,
    join_directions,
    name_gated,
    name_response_norms,
    fold_affine,
    name_merged_cells,
    join_padding,
    join_cropping,
    join_strides,
    lift_flattens,
    join_reductions,
    chain_concatenations,
    drop_rounding,
    share_weights,
)
"""In the order in which they are looked for: each changes the graph in place."""
