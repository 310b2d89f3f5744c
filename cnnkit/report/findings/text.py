"""The results of a check as text, for a terminal and a log: findings, then one line of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.presentation.numbers import plural, printable
from cnnkit.report.findings.finding import counted, finding_text, findings_styled

if TYPE_CHECKING:
    from rich.console import Console

    from cnnkit.checking import CheckResult


def render(results: Sequence[CheckResult]) -> str:
    """All findings in their order, what was mended, and the summary."""
    findings = "".join(
        finding_text(finding, name=result.file) + "\n\n"
        for result in results
        for finding in result.findings
    )
    lines = [*mended(results), summary(results)]
    return findings + "".join(f"{line}\n" for line in lines)


def print_to(console: Console, results: Sequence[CheckResult]) -> None:
    """The same in the width and the colours of a terminal."""
    for result in results:
        if result.findings:
            text = findings_styled(result.findings, name=result.file, width=console.width)
            text.right_crop(len(counted(result.findings)))
            console.print(text, end="")
    for line in mended(results):
        console.print(line, markup=False, highlight=False)
    console.print(summary(results), style="bold", markup=False, highlight=False)


def mended(results: Sequence[CheckResult]) -> Iterator[str]:
    """A line for each mended fault, and for each file that could not be mended."""
    for result in results:
        for line in result.fixed:
            yield printable(f"{result.file}: {line}")


def summary(results: Sequence[CheckResult]) -> str:
    """How many specs were checked, and what was found: ``checked 41 specs: 1 error``."""
    findings = [finding for result in results for finding in result.findings]
    specs = plural(sum(result.is_spec for result in results), "spec")
    hidden = sum(result.hidden for result in results)
    more = f" ({plural(hidden, 'finding')} not shown)" if hidden else ""
    return f"checked {specs}: {counted(findings) or 'no findings'}{more}"
