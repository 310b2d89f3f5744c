"""``cnnkit convert``: a network as source code of another framework."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cnnkit.cli.options import AssignmentsOption, OutputOption


class Target(StrEnum):
    """The frameworks; ``cnnkit.export.TARGETS`` is their table."""

    flax = "flax"
    torch = "torch"
    keras = "keras"


def convert(
    source: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML or JSON file, or a model; `-` is stdin.")
    ],
    to: Annotated[Target, typer.Option("--to", help="The framework.")],
    output: OutputOption = None,
    assignments: AssignmentsOption = None,
) -> None:
    """Write a network as one runnable file of Flax, PyTorch or Keras.

    The file needs nothing of cnnkit. What the framework cannot say exactly is a finding.

    Example: cnnkit convert specs/zoo/resnet-18.yaml --to torch --output resnet_18.py
    """
    from cnnkit.cli.sources import reading_of
    from cnnkit.export import convert as converted
    from cnnkit.presentation.output import put_lines, put_text
    from cnnkit.report.findings.finding import findings_lines

    reading = reading_of(source, assignments or [])
    conversion = converted(reading.spec, to.value) if reading.spec else None
    code = conversion.code if conversion else None
    if code is None:
        findings = conversion.findings if conversion else reading.findings
        put_lines(lambda width: findings_lines(findings, name=source, width=width), None)
        raise typer.Exit(1)
    put_text(code, output)
