"""``cnnkit check``: specs validated like code is linted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import AssignmentsOption, OutputOption, one_of
from cnnkit.errors import UsageError
from cnnkit.report.formats import FINDING_FORMATS, format_of

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult

_AUTO = "auto"
_LEVELS = ("error", "warning", "info")


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…",
            help="Files, models, folders and 'patterns/**/*.yaml'; `-` reads stdin.",
        ),
    ],
    format_: Annotated[
        str,
        one_of(
            (_AUTO, *FINDING_FORMATS),
            "--format",
            "-f",
            help="auto: what --output ends with, github inside GitHub's Actions, else text.",
        ),
    ] = _AUTO,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE,…", help="Apply these rules only; `all` applies each."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE,…", help="Do not apply these rules.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail, too.")] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit with 0 even if there are errors.")
    ] = False,
    output: OutputOption = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Delete lines that have no effect, rewrite what is deprecated."),
    ] = False,
    level: Annotated[
        str, one_of(_LEVELS, "--level", help="The lowest level that is shown.")
    ] = "info",
    statistics: Annotated[
        bool,
        typer.Option("--statistics", help="Count the findings of each rule, in place of them."),
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="A report of `--format json`: what it holds is known, and not told again.",
        ),
    ] = None,
    score: Annotated[
        Path | None,
        typer.Option(
            "--score",
            metavar="FILE",
            help="Give points by the `expect:` and `budget:` of this file; json is Gradescope's.",
        ),
    ] = None,
    specs_only: Annotated[
        bool,
        typer.Option(
            "--specs-only",
            help="Treat named files like those of a folder: pass over what is no spec.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes. Default: what is faster.")
    ] = None,
    assignments: AssignmentsOption = None,
) -> None:
    """Check specs: language, geometry, rules, `expect` and `budget`. Exits with 1 on errors.

    Example: cnnkit check specs --strict
    """
    if score is not None:
        _score(paths, score, format_, output, assignments or [])
        return
    from cnnkit import report
    from cnnkit.checking import Request, RuleSelection, run

    results = run(
        Request(
            tuple(paths),
            RuleSelection(_names(select) if select else None, _names(ignore)),
            strict,
            tuple(assignments or ()),
            specs_only,
            jobs,
            fix,
            baseline,
        )
    )
    ok = all(result.ok for result in results)
    results = [_from(level, result) for result in results]
    if not results and not specs_only:
        print(f"cnnkit: there is no spec under {', '.join(paths)}", file=sys.stderr)
    chosen = _chosen(format_, output)
    if statistics:
        if format_ not in (_AUTO, "text"):
            raise UsageError(f"--statistics is text: leave `--format {format_}` out")
        chosen = "text"
        report.write_statistics(results, output)
    else:
        report.write_findings(results, chosen, output)
    if chosen != "text":
        from cnnkit.report.findings.text import mended

        for line in mended(results):
            print(line, file=sys.stderr)
    raise typer.Exit(0 if exit_zero or ok else 1)


def _score(
    paths: list[str], marking: Path, format_: str, output: Path | None, assignments: list[str]
) -> None:
    """What each spec is worth; that points are missing is no error."""
    from cnnkit.checking.configuration import Configurations
    from cnnkit.checking.discovery import discover
    from cnnkit.checking.marking import read_marking, score
    from cnnkit.cli.sources import reading_of
    from cnnkit.errors import SpecError
    from cnnkit.presentation.output import put_lines, put_text
    from cnnkit.report.findings.finding import findings_lines
    from cnnkit.report.score import as_json, lines

    chosen = format_of(output, ("text", "json")) if format_ == _AUTO else format_
    if chosen not in ("text", "json"):
        raise UsageError(f"--score is written as text or json, not as {chosen}")
    try:
        read = read_marking(marking)
    except SpecError as error:
        findings = error.findings
        put_lines(lambda width: findings_lines(findings, name=str(marking), width=width), None)
        raise typer.Exit(1) from None
    found = discover(tuple(paths), Configurations()).candidates
    scores = [score(each.name, reading_of(each.name, assignments), read) for each in found]
    if not scores:
        raise UsageError(f"there is no spec under {', '.join(paths)}")
    put_text(
        as_json(scores) + "\n" if chosen == "json" else "\n".join([*lines(scores), ""]), output
    )


def _from(lowest: str, result: CheckResult) -> CheckResult:
    """A result without its findings below a level."""
    shown = _LEVELS[: _LEVELS.index(lowest) + 1]
    return result.showing(each for each in result.findings if each.level in shown)


def _names(values: list[str] | None) -> tuple[str, ...]:
    """The names of `--select a,b --select c`."""
    return tuple(
        name.strip() for value in values or () for name in value.split(",") if name.strip()
    )


def _chosen(asked: str, output: Path | None) -> str:
    if asked != _AUTO:
        return asked
    if output is None and os.environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return format_of(output, FINDING_FORMATS)
