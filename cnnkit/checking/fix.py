"""`--fix`: lines that a rule knows to be without effect are deleted, what is old is written anew.

All else stays as it is. The new text is read and analysed before it is written, and is written
only if the network is the same. Comments, line endings, the encoding and the file's permissions
are kept.
"""

from __future__ import annotations

import codecs
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cnnkit import rules
from cnnkit.analysis import Analysis
from cnnkit.checking.check import CheckedSpec, CheckResult, CheckTask, judge, read
from cnnkit.checking.suppression import Suppressions
from cnnkit.rules import Edit, Removal, Replacement
from cnnkit.spec.text.node import Source

_LINE_BREAK: Final = re.compile("(\r\n|[\n\r\x85\u2028\u2029])")
# Without an unused block, a variable may be unused that only the block used; and so on.
_MOST_PASSES: Final = 10
_ENCODINGS: Final = (
    (b"", "utf-8"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
)


def mend(task: CheckTask) -> tuple[str, ...]:
    """Mends a file, and says what was done, a line each; or why nothing could be."""
    found = read(task)
    source = found.sources.get(task.name) if found else None
    if found is None or source is None:
        return ()
    done: list[str] = []
    text = source.text
    judged = judge(task, found)
    for _ in range(_MOST_PASSES):
        edits = _edits(judged, Source(task.name, text))
        if not edits:
            break
        changed = edited(text, list(edits))
        then = _judged(task, changed)
        if then is None or not _same(judged, then):
            done.append("not fixed: it would be another network")
            break
        done += [f"fixed {rule}: {_done(edit)}" for edit, rule in edits.items()]
        text, judged = changed, then
    if text == source.text:
        return tuple(done)
    try:
        _replace(Path(task.candidate.name), source.text, text)
    except OSError as error:
        return (f"not fixed: the file cannot be written: {error.strerror or error}",)
    return tuple(done)


def edited(text: str, edits: Sequence[Edit]) -> str:
    r"""The text without some of its lines, whose line breaks go with them, and with other parts.

    >>> edited("a\r\nb\ncd", [Removal(2, 2), Replacement(3, 1, 3, 2, "e")])
    'a\r\ned'
    """
    pieces = [*_LINE_BREAK.split(text), ""]
    lines = ["".join(pair) for pair in zip(pieces[::2], pieces[1::2], strict=True)]
    replacements = [each for each in edits if isinstance(each, Replacement)]
    for line, column, end_line, end_column, new in sorted(replacements, reverse=True):
        start, rest = lines[line - 1][: column - 1], lines[end_line - 1][end_column - 1 :]
        lines[line - 1 : end_line] = [start + new + rest, *[""] * (end_line - line)]
    removals = [each for each in edits if isinstance(each, Removal)]
    gone = {line for start, end in removals for line in range(start, end + 1)}
    return "".join(line for number, line in enumerate(lines, 1) if number not in gone)


def _edits(judged: CheckedSpec, source: Source) -> dict[Edit, str]:
    """What is to be done, each with its rule: that of a fault which is shown, not meant."""
    if judged.analysis is None or judged.levels is None:
        return {}
    expect = judged.analysis.spec.expect
    expected = (expect and expect.findings) or ()
    comments = Suppressions.of(source)
    found = {
        edit: name
        for name in judged.levels.names
        if name not in expected
        for edit in rules.edits(judged.analysis, [name])
        if not any(
            comments.suppresses(name, line) for line in range(edit.start_line, edit.end_line + 1)
        )
    }
    gone = [edit for edit in found if isinstance(edit, Removal)]
    return {edit: name for edit, name in found.items() if edit in gone or not _within(edit, gone)}


def _within(edit: Edit, removals: list[Removal]) -> bool:
    """Whether lines of an edit are to be deleted, so that it would be for nothing."""
    return any(start <= edit.end_line and edit.start_line <= end for start, end in removals)


def _judged(task: CheckTask, text: str) -> CheckedSpec | None:
    found = read(task, text)
    return judge(task, found) if found else None


def _same(before: CheckedSpec, after: CheckedSpec) -> bool:
    """Whether the network is the same, and nothing fails that did not fail before."""
    if before.analysis is None or after.analysis is None:
        return False
    return _figures(before.analysis) == _figures(after.analysis) and _errors(after.result) <= (
        _errors(before.result)
    )


def _figures(analysis: Analysis) -> tuple[object, ...]:
    """What must not change; a layer without effect has activations, which may."""
    totals = analysis.totals
    figures = (totals.neurons, totals.parameters, totals.state, totals.macs)
    return analysis.graph.inputs, analysis.graph.given, analysis.tree.fields, *figures


def _errors(result: CheckResult) -> set[tuple[str, str]]:
    return {(each.rule, each.message) for each in result.findings if each.level == "error"}


def _done(edit: Edit) -> str:
    """What was done, in words: ``removed lines 8 to 10``, ``rewrote line 3``."""
    start, end = edit.start_line, edit.end_line
    verb = "removed" if isinstance(edit, Removal) else "rewrote"
    return f"{verb} line {start}" if start == end else f"{verb} lines {start} to {end}"


def _replace(path: Path, old: str, new: str) -> None:
    """Puts a text into a file at once, so that no other program ever sees half of it.

    Raises:
        OSError: The file cannot be written, or is no longer what was read.
    """
    target = path.resolve()  # a link stays one
    data = target.read_bytes()
    form = next((each for each in _encoded(old) if each[0] == data), None)
    if form is None:
        raise OSError(None, "it was changed meanwhile")
    if not os.access(target, os.W_OK):
        raise PermissionError(None, "permission denied")
    _, mark, encoding = form
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(mark + new.encode(encoding))
            file.flush()
            os.fsync(handle)
        temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _encoded(text: str) -> Iterator[tuple[bytes, bytes, str]]:
    """A text as each of the encodings writes it: a file in one of them stays in it."""
    for mark, encoding in _ENCODINGS:
        yield mark + text.encode(encoding), mark, encoding
