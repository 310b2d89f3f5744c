"""What specs are worth, as lines for a teacher and as an autograder's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.presentation.numbers import printable

if TYPE_CHECKING:
    from cnnkit.checking.marking import Mark, Score


def lines(scores: Sequence[Score]) -> Iterator[str]:
    """A line a spec, and one for each of its figures."""
    for number, score in enumerate(scores):
        if number:
            yield ""
        yield f"{printable(score.name)}  {_number(score.points)} of {_number(score.most)} points"
        width = max((len(mark.figure) for mark in score.marks), default=0)
        for mark in score.marks:
            told = f"  {printable(mark.problem)}" if mark.problem else ""
            hidden = "  (hidden)" if mark.hidden else ""
            worth = f"{_number(mark.score)} of {_number(mark.points)}"
            sign = "✗" if mark.problem else "✓"
            yield f"  {sign} {mark.figure.ljust(width)}  {worth}{hidden}{told}"


def as_json(scores: Sequence[Score]) -> str:
    """The results of an autograder, in the form of Gradescope's ``results.json``.

    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/, which Otter-Grader
    writes too. Of several specs a list, each with its ``file``.
    """
    if len(scores) == 1:
        found: Any = _results(scores[0])
    else:
        found = [{"file": score.name, **_results(score)} for score in scores]
    return json.dumps(found, indent=2, ensure_ascii=False)


def _results(score: Score) -> dict[str, Any]:
    return {"score": score.points, "tests": [_test(mark) for mark in score.marks]}


def _test(mark: Mark) -> dict[str, Any]:
    return {
        "name": mark.figure,
        "score": mark.score,
        "max_score": mark.points,
        "status": "failed" if mark.problem else "passed",
        "output": mark.problem or "",
        "visibility": "hidden" if mark.hidden else "visible",
    }


def _number(value: float) -> str:
    return f"{value:g}"
