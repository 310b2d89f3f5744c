"""A whole run: paths in, a result for each file out, in the order of the paths."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cnnkit.checking.baseline import read_baseline, without_known
from cnnkit.checking.check import CheckResult, CheckTask, check
from cnnkit.checking.configuration import Configurations
from cnnkit.checking.discovery import STDIN, discover
from cnnkit.checking.inherited import told_once
from cnnkit.checking.levels import ALL, RuleSelection, unknown
from cnnkit.errors import Finding, UsageError
from cnnkit.spec.reading import is_model

# Two processes, each of which imports the package first, are as fast as one at 400 small specs
# with 270 kB together; at 1,600 they take 0.6 of its time.
_BYTES_WORTH_PROCESSES = 400_000
_FILES_WORTH_PROCESSES = 600


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for.

    Attributes:
        paths: Files, folders and patterns; ``-`` is standard input.
        choice: Which rules are applied.
        strict: Whether warnings fail the check, too.
        overrides: Values that are set in every spec: ``variables.k=5``.
        specs_only: Pass over a named file that is no spec.
        jobs: Processes; None takes more than one where that is faster. More than one need a
            main module that can be imported, as all of multiprocessing does.
        fix: Whether faults that are safe to mend are mended in the files.
        baseline: A report whose findings are known, and neither shown nor counted.
    """

    paths: tuple[str, ...]
    choice: RuleSelection = field(default_factory=RuleSelection)
    strict: bool = False
    overrides: tuple[str, ...] = ()
    specs_only: bool = False
    jobs: int | None = 1
    fix: bool = False
    baseline: Path | None = None


def run(request: Request) -> list[CheckResult]:
    """The results of all files, after those of faulty configurations and folders.

    Raises:
        UsageError: A path does not exist, a rule is unknown, an override leads nowhere, or what
            is to be mended is no file as it stands.
    """
    if request.fix and (request.overrides or STDIN in request.paths):
        raise UsageError("--fix edits files: it takes neither --set nor standard input")
    _check_names(request.choice)
    known = None if request.baseline is None else read_baseline(request.baseline)
    configurations = Configurations()
    discovery = discover(request.paths, configurations, specs_only=request.specs_only)
    models = [each.name for each in discovery.candidates if each.named and is_model(each.name)]
    if request.fix and models:
        raise UsageError(f"--fix edits specs, and {models[0]} is a model: `cnnkit import` it first")
    tasks = [
        CheckTask(candidate, request.choice, request.strict, request.overrides)
        for candidate in discovery.candidates
    ]
    results = _mapped(tasks, request.jobs)
    if request.fix:
        results = _mended(tasks, results)
    others = [*configurations.findings, *discovery.findings]
    found = told_once([result for result in results if result is not None])
    every = [*_by_file(others, strict=request.strict), *found]
    return every if known is None else without_known(every, known)


def _check_names(choice: RuleSelection) -> None:
    for name in (*(choice.select or ()), *choice.ignore):
        fault = unknown(name)
        if fault and not (name == ALL and choice.select and name in choice.select):
            raise UsageError("; ".join(fault))


def _mended(
    tasks: Sequence[CheckTask], results: Sequence[CheckResult | None]
) -> list[CheckResult | None]:
    """The results once the files are mended; one that another extends may be needed as it is."""
    from cnnkit.checking.fix import mend

    extended = {os.path.realpath(file) for result in results if result for file in result.extends}
    mended = list(results)
    for index, (task, result) in enumerate(zip(tasks, results, strict=True)):
        needed = result is None or os.path.realpath(result.file) in extended
        if result and result.findings and not needed and (done := mend(task)):
            mended[index] = replace(check(task) or result, fixed=done)
    return mended


def _mapped(tasks: Sequence[CheckTask], jobs: int | None) -> list[CheckResult | None]:
    """The results of the tasks in their order, of one process or of several."""
    workers = min(_workers(tasks) if jobs is None else jobs, len(tasks))
    if workers < 2 or any(task.candidate.name == STDIN for task in tasks):
        return [check(task) for task in tasks]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # A forked copy of a process with threads may hang, so each worker starts anew.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        chunk = max(1, len(tasks) // (4 * workers))
        return list(pool.map(check, tasks, chunksize=chunk))


def _workers(tasks: Sequence[CheckTask]) -> int:
    """As many processes as there are processors, where the files are worth starting them."""
    if len(tasks) < _FILES_WORTH_PROCESSES and sum(map(_size, tasks)) < _BYTES_WORTH_PROCESSES:
        return 1
    return _cores()


def _cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(task: CheckTask) -> int:
    try:
        return os.stat(task.candidate.name).st_size  # noqa: PTH116 - asked of every file
    except OSError:
        return 0


def _by_file(findings: Iterable[Finding], *, strict: bool) -> list[CheckResult]:
    """The findings of files that are no specs, as a result for each."""
    files: dict[str, list[Finding]] = {}
    for finding in findings:
        files.setdefault(finding.location.file if finding.location else "", []).append(finding)
    return [CheckResult(file, tuple(found), strict, is_spec=False) for file, found in files.items()]
