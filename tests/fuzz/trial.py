"""What must hold for any bytes: findings, or a report and code; soon, and never an exception."""

from __future__ import annotations

import json
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NamedTuple
from zlib import crc32

import cnnkit
from cnnkit.analysis.result import Analysis, Unreadable
from cnnkit.errors import Finding
from cnnkit.export import TARGETS, convert
from cnnkit.report import BINARY, EXPLAINING, FORMATS, render, write
from cnnkit.spec.reading import Reading, finish
from cnnkit.spec.text.source import read_stream
from tests.fuzz.mutation import Case

SECONDS = 2.0
"""The processor time that a case may take."""

PACKAGE = str(Path(cnnkit.__file__).parent)


class Failure(NamedTuple):
    """A case that went wrong; failures with the same ``key`` are one bug."""

    key: str
    detail: str
    case: Case
    formats: Sequence[str]


class TooSlowError(BaseException):
    """A case took more than its time; no ``except Exception`` on the way may swallow it."""


def failure(
    case: Case, formats: Sequence[str] | None = None, seconds: float = SECONDS
) -> Failure | None:
    """What goes wrong with a case; None where all is well.

    Its report is written in ``formats``; in one, which depends on the data alone, by default.
    """
    if formats is None:
        formats = [tuple(FORMATS)[crc32(case.data) % len(FORMATS)]]
    try:
        with _limit(seconds):
            _examine(case, formats)
    except (Exception, TooSlowError) as error:  # the very thing that is looked for
        return Failure(_key(error), traceback.format_exc(), case, formats)
    return None


def read(case: Case) -> Reading:
    """The spec of a case's bytes, as if its file held them."""
    node, findings = read_stream(BytesIO(case.data), str(case.path))
    return finish(node, findings, path=case.path)


def _examine(case: Case, formats: Sequence[str]) -> None:
    reading = read(case)
    result: Analysis | Unreadable
    if reading.spec is None:
        assert any(finding.level == "error" for finding in reading.findings), "no spec, no finding"
        result = Unreadable(str(case.path), reading.findings)
    else:
        result = cnnkit.analyze(reading.spec)
        assert set(reading.findings) <= set(result.findings), "a finding of the text is lost"
    for finding in result.findings:
        _well_formed(finding)
    json.dumps(result.to_dict(), allow_nan=False)
    for name in formats:
        if name in BINARY:
            with TemporaryDirectory() as folder:
                write([result], name, Path(folder) / f"report.{name}")
            continue
        text = render([result], name, explain=name in EXPLAINING)
        assert text.endswith("\n"), f"{name} does not end its last line"
    if reading.spec is not None:
        for target in TARGETS:
            _converts(reading.spec, target)


def _converts(spec: cnnkit.Spec, target: str) -> None:
    """Whether a spec is code that Python takes, or findings that say why it is none."""
    conversion = convert(spec, target)
    if conversion.code is None:
        assert any(finding.level == "error" for finding in conversion.findings), "no code, no error"
        for finding in conversion.findings:
            _well_formed(finding)
    else:
        compile(conversion.code, f"<{target}>", "exec")


def _well_formed(finding: Finding) -> None:
    """Whether a finding can be shown: it says something, and stands inside its line."""
    assert finding.rule, "a finding without a rule"
    assert finding.message, "a finding without a message"
    assert finding.level in ("error", "warning", "info"), finding.level
    for where in (finding.location, *finding.used_at):
        if where is not None:
            start, end = (where.line, where.column), (where.end_line, where.end_column)
            assert (1, 1) <= start <= end, f"a place from {start} to {end}"
            assert where.column <= len(where.text) + 1, f"column {where.column} of {where.text!r}"


def _key(error: BaseException) -> str:
    """The kind of an exception, and the innermost place of this package that it came through."""
    if isinstance(error, TooSlowError):
        return TooSlowError.__name__
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(PACKAGE)] or frames[-1:]
    place = Path(ours[-1].filename).name
    what = f": {error}" if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {place}:{ours[-1].lineno}{what}"


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raises ``TooSlowError`` where the block takes more processor time."""

    def expire(signum: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, expire)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if time.process_time() - start > seconds:  # an uninterruptible step swallowed the signal
        raise TooSlowError(f"more than {seconds:g} s")


def smallest(found: Failure, tries: int = 400) -> Failure:
    """A failure of the same key with as little text as can be found: lines go, then characters."""
    best = found

    def shrunk(parts: list[bytes]) -> list[bytes]:
        nonlocal best, tries
        size = max(len(parts) // 2, 1)
        while tries > 0:
            for start in range(0, len(parts), size):
                candidate = parts[:start] + parts[start + size :]
                tries -= 1
                again = failure(Case(b"".join(candidate), found.case.path), found.formats)
                if again is not None and again.key == found.key:
                    best, parts = again, candidate
                    break
                if tries <= 0:
                    break
            else:
                if size == 1:
                    return parts
                size //= 2
        return parts

    if found.key == TooSlowError.__name__:
        tries //= 20
    split: list[Callable[[bytes], list[bytes]]] = [
        lambda data: data.splitlines(keepends=True),
        lambda data: [data[at : at + 1] for at in range(len(data))],
    ]
    for parts_of in split:
        shrunk(parts_of(best.case.data))
    return best
