"""A text read, analysed and checked: the last ones are kept, as several questions follow on one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.checking.check import CheckedSpec, CheckTask, Read, judge, read
from cnnkit.checking.discovery import Candidate
from cnnkit.errors import Location

NAME: Final = "spec.yaml"
"""What findings call the text."""

Edit = dict[str, int | str]
"""A change of the text: ``line``, ``column``, ``end_line``, ``end_column`` and the new ``text``.

Both are counted from 1, columns in characters; the end is exclusive."""


@lru_cache(maxsize=4)
def judged(text: str) -> CheckedSpec:
    """What ``cnnkit check`` and ``cnnkit analyze`` say of a text."""
    return judge(TASK, read(TASK, text) or Read(None, [], {}))


TASK: Final = CheckTask(Candidate(NAME))


def layer_at(analysis: Analysis, path: str) -> LayerAnalysis | None:
    """The innermost layer of a path; None where there is none."""
    found = None
    for layer in _all(analysis.tree):
        if layer.path == path and (found is None or not layer.children):
            found = layer
    return found


def _all(layer: LayerAnalysis) -> Iterator[LayerAnalysis]:
    for child in layer.children:
        yield child
        yield from _all(child)


def edit_at(where: Location, text: str) -> Edit:
    """A new text in the place of what stands there."""
    return {
        "line": where.line,
        "column": where.column,
        "end_line": where.end_line,
        "end_column": where.end_column,
        "text": text,
    }


def written_at(where: Location) -> str:
    """What stands at a place; empty where it goes over several lines."""
    if where.line != where.end_line:
        return ""
    return where.text[where.column - 1 : where.end_column - 1]
