"""``cnnkit check``: specs validated like code is linted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import AssignmentsOption, OutputOption, one_of
from cnnkit.report.formats import FINDING_FORMATS, format_of

_AUTO = "auto"


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…", help="Files, folders and 'patterns/**/*.yaml'; `-` reads stdin."
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
        bool, typer.Option("--fix", help="Delete lines that are known to have no effect.")
    ] = False,
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
    from cnnkit import report
    from cnnkit.checking import Choice, Request, run

    results = run(
        Request(
            tuple(paths),
            Choice(_names(select) if select else None, _names(ignore)),
            strict,
            tuple(assignments or ()),
            specs_only,
            jobs,
            fix,
        )
    )
    if not results and not specs_only:
        print(f"cnnkit: there is no spec under {', '.join(paths)}", file=sys.stderr)
    chosen = _chosen(format_, output)
    report.write_findings(results, chosen, output)
    if chosen != "text":
        from cnnkit.report.findings.text import mended

        for line in mended(results):
            print(line, file=sys.stderr)
    raise typer.Exit(0 if exit_zero or all(result.ok for result in results) else 1)


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
