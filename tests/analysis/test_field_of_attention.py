"""What positions see through attention: windows by hand, and everything where there are none."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis.receptive_field import receptive_fields

MOVED = "{residual: {layers: [{attention: {heads: 2, window: 4, shift: 2}}]}}"
UNMOVED = "{residual: {layers: [{attention: {heads: 2, window: 4}}]}}"
FIRST = "{crop: {cells: [[0, 13], [0, 13]]}}"
TENTH = "{crop: {cells: [[9, 6], [9, 6]]}}"
READS_PART = "{attention: {heads: 1, context: part}}"


@pytest.mark.parametrize(
    ("layers", "most", "least"),
    [
        # At the border between two windows of 4 a kernel of 3 reads both, inside one alone.
        ("{attention: {heads: 2, window: 4}}, {conv: {filters: 4, kernel: 3, padding: 1}}", 8, 4),
        # Windows 2 to 5, 6 to 9 … of cells that see 3 see 6; windows 0 to 3, 4 to 7 … lie in two
        # of these, which see −3 to 6, 1 to 10 …
        (f"{{conv: {{filters: 4, kernel: 3, padding: 1}}}}, {MOVED}, {UNMOVED}", 10, 10),
        ("{attention: {heads: 2}}", 16, 16),
        ("{attention: {heads: 2, relative_bias: true}}", 16, 16),
        ("{save: map}, {max_pool: {size: 2}}, {attention: {heads: 1, context: map}}", 16, 16),
        # Cell 9 of both axes reads the first 3 cells of both.
        (f"{{save: map}}, {FIRST}, {{save: part}}, {{load: map}}, {TENTH}, {READS_PART}", 10, 10),
    ],
)
def test_how_much_a_position_sees(layers: str, most: int, least: int) -> None:
    analysis = cnnkit.analyze(cnnkit.load(f"input: 16x16x4\nlayers: [{layers}]\n"))
    assert analysis.findings == ()
    fields, _ = receptive_fields(analysis.graph)
    assert fields[-1] is not None
    assert {(field.size, field.smallest) for field in fields[-1]} == {(most, least)}
