"""The Pareto front against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cnnkit.selection.search.pareto import front

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def dominates(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """More of the first is better, and less of the second."""
    better = (one[0] > other[0], one[1] < other[1])
    worse = (one[0] < other[0], one[1] > other[1])
    return any(better) and not any(worse)


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points: list[tuple[int, int]]) -> None:
    kept = front(points, (True, False))
    free = {p for p in points if not any(dominates(q, p) for q in points)}
    assert {points[index] for index in kept} == free
    assert len(kept) == len(free)
    assert [points[i][0] for i in kept] == sorted((points[i][0] for i in kept), reverse=True)


def test_of_equal_ones_the_first_stands_for_all() -> None:
    assert front([(1, 2), (1, 2)], (True, False)) == [0]
    assert front([], (True, False)) == []
