"""Borders between classes, held to pairs of cells that are compared one by one."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.boundary import Borders, tolerance


def border(mask: Any, label: int) -> list[tuple[int, ...]]:
    """The cells of a class with a neighbour along an axis that is of another one."""
    found = []
    for cell in zip(*np.nonzero(mask == label), strict=True):
        for axis, step in product(range(mask.ndim), (-1, 1)):
            beside = list(cell)
            beside[axis] += step
            if 0 <= beside[axis] < mask.shape[axis] and mask[tuple(beside)] != label:
                found.append(tuple(int(each) for each in cell))
                break
    return found


def by_pairs(true: Any, said: Any, classes: int, near: float) -> Any:
    nearest = distance_transform_edt(true == IGNORED, return_distances=False, return_indices=True)
    true, said = true[tuple(nearest)], said[tuple(nearest)]
    counts = np.zeros((classes, 2, 2), int)
    for label in range(classes):
        both = border(true, label), border(said, label)
        for place, (own, other) in enumerate((both, both[::-1])):
            met = [cell for cell in own if any(math.dist(cell, each) <= near for each in other)]
            counts[label, place] = len(met), len(own)
    return counts


@pytest.mark.parametrize("extents", [(9, 11), (150, 4), (5, 4, 6), (40,)])
def test_the_counts_are_those_of_pairs_of_cells(extents: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    near = math.ceil(0.0075 * math.sqrt(sum(extent**2 for extent in extents)))
    true, said = random.integers(0, 3, (2, 2, *extents)).astype(np.int16)
    # Of whole regions, not of noise in which each cell is a border.
    true[0], said[0] = 0, 0
    true[0, 2:], said[0, 3:] = 1, 1
    left_out = random.random(true.shape) < 0.1
    for corner in product((0, -1), repeat=len(extents)):
        left_out[(slice(None), *corner)] = False  # what counts lies everywhere
    true[left_out] = IGNORED
    found = Borders.of(zip(true, said, strict=True), 4)
    expected = sum(by_pairs(*pair, 4, near) for pair in zip(true, said, strict=True))
    np.testing.assert_array_equal(found.counts, expected)
    assert tolerance(extents) == near


def test_f1_by_hand() -> None:
    """A bar of rows 2 and 3 of 8x4, said to be of rows 3, 4 and 5; one cell may lie between.

    Its border is two rows, and of what is said rows 3 and 5: rows 2 and 3 have row 3 near; of the
    latter row 3 is met and row 5 not. Recall 1, precision 1/2, F1 2/3. Of the ground rows 1 and 4
    are the border, and 2 and 6 are said: row 1 has 2 near, row 4 has none, so recall 1/2; of what
    is said row 2 is met, precision 1/2, F1 1/2.
    """
    true, said = np.zeros((2, 8, 4), np.int16)
    true[2:4], said[3:6] = 1, 1
    found = Borders.of([(true, said)], 3)
    assert found.f1[:2] == pytest.approx((1 / 2, 2 / 3))
    assert math.isnan(found.f1[2])
    assert found.mean_f1 == pytest.approx(7 / 12)


def test_borders_that_are_missed_or_nowhere() -> None:
    one, none = np.zeros((2, 4, 4), np.int16)
    one[1:3, 1:3] = 1
    assert Borders.of([(one, one)], 2).mean_f1 == 1
    assert Borders.of([(one, none)], 2).mean_f1 == 0
    assert Borders.of([(none, one)], 2).mean_f1 == 0
    assert math.isnan(Borders.of([(none, none)], 2).mean_f1)
    assert math.isnan(Borders.of([(np.full_like(one, IGNORED), one)], 2).mean_f1)


def test_a_border_runs_in_the_midst_of_what_does_not_count() -> None:
    """A bar of rows 3 and 4 of 10x4 with a rim of one row on each side.

    The rim of row 2 is as near to the ground as to the bar: row 1 or 2 is the ground's border,
    and so is it in the other map, as both take the rim from the same cells.
    """
    true = np.zeros((10, 4), np.int16)
    true[3:5] = 1
    true[[2, 5]] = IGNORED
    exact, wide, none = (np.zeros_like(true) for _ in range(3))
    exact[3:5], wide[2:6] = 1, 1
    for said in (exact, wide):  # what is said of the rim changes nothing
        assert Borders.of([(true, said)], 2).f1 == (1, 1)
    assert Borders.of([(true, none)], 2).f1 == (0, 0)


def test_a_rim_of_two_rows_is_shared() -> None:
    """Rows 0 to 2 of ground, 3 and 4 that do not count, 5 to 7 of another class.

    Row 3 is ground and row 4 is not, so that these are the borders, 4 cells each. Where row 2 is
    said to be of the other class, row 3 is too: the borders are rows 1 and 2, two cells off.
    """
    true = np.zeros((8, 4), np.int16)
    true[3:5], true[5:] = IGNORED, 1
    said = np.where(true == IGNORED, 2, true)
    assert Borders.of([(true, said)], 3).counts.tolist() == [
        [[4, 4], [4, 4]],
        [[4, 4], [4, 4]],
        [[0, 0], [0, 0]],
    ]
    said[2] = 1
    assert Borders.of([(true, said)], 3).counts.tolist() == [
        [[0, 4], [0, 4]],
        [[0, 4], [0, 4]],
        [[0, 0], [0, 0]],
    ]


def test_about_all_that_counts_there_is_no_border() -> None:
    """What a tile shares with its neighbours is theirs."""
    true, said = np.zeros((2, 8, 8), np.int16)
    true[:, 4:], said[:, 5:] = 1, 1
    alone = Borders.of([(true[2:6, 1:7], said[2:6, 1:7])], 2).counts
    shared = np.full_like(true, IGNORED)
    shared[2:6, 1:7] = true[2:6, 1:7]
    np.testing.assert_array_equal(Borders.of([(shared, said)], 2).counts, alone)
    assert alone.tolist() == [[[4, 4], [4, 4]], [[4, 4], [4, 4]]]
