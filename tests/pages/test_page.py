"""Templates: what is put in is a text, whatever it holds; and what the components make."""

from __future__ import annotations

from typing import Any

import pytest

from cnnkit.pages import page
from cnnkit.pages.confusion import ConfusionMatrix

HOSTILE = '</title><script>alert("1")</script>\x1b[2J\u202e'


def fold_page(**values: Any) -> str:
    usual: dict[str, Any] = {"title": "t", "flow": "", "means": [], "sealed": "", "spec": ""}
    return page.write("folds", **{**usual, "folds": None, "matrix": None, **values})


def test_hostile_text_is_text() -> None:
    matrix = ConfusionMatrix([[3, 1], [0, 4]], [HOSTILE, "b"])
    text = fold_page(title=HOSTILE, flow=HOSTILE, spec=HOSTILE, matrix=matrix)
    assert text.count("<script") == 1
    assert "alert(&#34;1&#34;)" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J\\u202e" in text


def test_what_is_forgotten_is_no_blank() -> None:
    with pytest.raises(Exception, match="'flow' is undefined"):
        page.write("folds", title="t")


def test_text_of_several_lines_keeps_them() -> None:
    assert "a: &lt;1\nb: 2</pre>" in fold_page(spec="a: <1\nb: 2\n")


def test_right_and_wrong_answers_have_hues_of_their_own() -> None:
    matrix = ConfusionMatrix([[3, 1], [0, 4]], ["cat", "dog"])
    # The part of the row's examples, under a root: 3/4, 1/4; 0; 4/4.
    assert [[(each.kind, each.strength) for each in row] for row in matrix.rows] == [
        [("right", 0.866), ("wrong", 0.5)],
        [("", 0.0), ("right", 1.0)],
    ]
    assert matrix.summary == "7 of 8 right, 87.50 %"
    assert matrix.rows[0][1].about == "cat called dog: 1 of 4, 25.00 %"
    assert '<td class="wrong" style="--part:0.5" data-pair="0-1"' in fold_page(matrix=matrix)


def test_of_many_classes_the_most_frequent_confusions_are_told() -> None:
    counts = [[5 if true == said else 0 for said in range(30)] for true in range(30)]
    counts[3][4], counts[7][2] = 2, 5
    matrix = ConfusionMatrix(counts, [f"c{each}" for each in range(30)])
    assert not matrix.numbered
    assert [each.about for each in matrix.confusions] == [
        "c7 called c2: 5 of 10, 50.00 %",
        "c3 called c4: 2 of 7, 28.57 %",
    ]
    assert "c7 called c2" in fold_page(matrix=matrix)
    wide = [[0] * 101 for _ in range(101)]
    assert "<table" not in fold_page(matrix=ConfusionMatrix(wide, list(map(str, range(101)))))
