from __future__ import annotations

import pytest

from cnnkit.presentation.lines import Piece, fitted, plain, styled
from cnnkit.presentation.numbers import cells


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("名前名", 5, "名前…"),
        ("名前名", 4, "名… "),
    ],
)
def test_fitted(text: str, width: int, expected: str) -> None:
    line = fitted([Piece(text)], width)
    assert "".join(piece.text for piece in line) == expected
    assert cells(expected) == width


def test_fitted_over_several_pieces_keeps_their_styles() -> None:
    line = fitted([Piece("ab", "bold"), Piece("cdef", "dim"), Piece("g")], 5)
    assert line == [Piece("ab", "bold"), Piece("cd", "dim"), Piece("…")]


def test_right() -> None:
    assert plain([fitted([Piece("12")], 4, right=True)]) == "  12"


def test_plain_has_no_blanks_at_the_end_and_styled_the_same_words() -> None:
    lines = [[Piece("a ", "bold"), Piece("b  ")], [], [Piece("c")]]
    assert plain(lines) == "a b\n\nc"
    assert styled(lines).plain == "a b  \n\nc"
