"""``cnnkit import``: a model of another framework as a spec, proven to be the same network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import OutputOption
from cnnkit.errors import SpecError, UsageError

if TYPE_CHECKING:
    from cnnkit.importing import Imported


def import_(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="MODEL", help="A file of ONNX or Keras.", show_default=False),
    ] = None,
    torch: Annotated[
        str | None,
        typer.Option(
            "--torch",
            metavar="MODULE:CALLABLE",
            help="A module of PyTorch in place of a file: what a callable gives. Runs its code.",
        ),
    ] = None,
    output: OutputOption = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Write the weights, too, as safetensors."),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="SHAPE",
            help="One example, channels last, where the model leaves it open: 224x224x3.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write even if the outputs differ.")
    ] = False,
    partial: Annotated[
        bool,
        typer.Option(
            "--partial",
            help="Of what cannot be said whole write the rest, with placeholders. Exits with 1.",
        ),
    ] = False,
) -> None:
    """Write a model as a spec, and compare what both compute on a random input.

    Of a file nothing is run but its operators, by the runtime of its framework; `--torch` runs the
    code it names. What the language cannot say is a finding, all of them in one run.

    Example: cnnkit import resnet50.onnx --output resnet-50.yaml --weights resnet-50.safetensors
    """
    from cnnkit.importing.weights import save
    from cnnkit.presentation.output import put_text

    try:
        imported = _imported(model, torch, input_)
    except SpecError as error:
        if not partial:
            raise
        _write_partly(model, torch, input_, output)
        raise typer.Exit(1) from error
    if not _proven(imported) and not force:
        print("nothing is written; --force writes it all the same", file=sys.stderr)
        raise typer.Exit(1)
    put_text(imported.text, output)
    if weights is not None and not imported.model.weighted:
        raise UsageError(f"{model} holds no weights: leave out --weights")
    if weights is not None:
        save(imported.arrays, imported.text, weights)


def _write_partly(
    model: Path | None, torch: str | None, input_: str | None, output: Path | None
) -> None:
    """The spec of what can be said, and on stderr what cannot."""
    from cnnkit.importing import example_of, partial_text, partial_torch
    from cnnkit.presentation.output import put_text

    example = None if input_ is None else example_of(input_, "--input ")
    if torch is not None and example is not None:
        source, (text, findings) = torch, partial_torch(torch, example)
    elif model is not None:
        source, (text, findings) = str(model), partial_text(model, example)
    else:
        return
    put_text(text, output)
    for finding in findings:
        advice = f"; {finding.help}" if finding.help else ""
        print(f"{source}: {finding.message}{advice}", file=sys.stderr)
    print(
        f"{len(findings)} placeholder{'s' * (len(findings) != 1)} to fill in by hand; no outputs "
        "were compared, no weights are written",
        file=sys.stderr,
    )


def _imported(model: Path | None, torch: str | None, input_: str | None) -> Imported:
    """The file or the module that was named, as a spec."""
    from cnnkit.importing import example_of, import_model, import_torch

    example = None if input_ is None else example_of(input_, "--input ")
    if torch is None:
        if model is None:
            raise UsageError("name a file, or with --torch a module of PyTorch")
        return import_model(model, example)
    if model is not None:
        raise UsageError(f"{model} and --torch {torch} are two models: name one of them")
    if example is None:
        raise UsageError("--torch needs the shape of one example, channels last: --input 224x224x3")
    print(f"--torch runs the code of {torch}", file=sys.stderr, flush=True)
    return import_torch(torch, example)


def _proven(imported: Imported) -> bool:
    """Whether the spec is the model; says on stderr what was compared."""
    from cnnkit.analysis import analyze
    from cnnkit.importing.proof import LARGEST

    proof = imported.prove()
    counted = analyze(imported.spec).totals.parameters
    same = counted == imported.parameters
    print(
        f"parameters: {counted:,} in the spec, {imported.parameters:,} in the model",
        file=sys.stderr,
    )
    if proof.difference is None:
        print(f"outputs not compared: {proof.reason}", file=sys.stderr)
    else:
        verdict = "" if proof.ok else f", more than {LARGEST:g}: error"
        print(
            f"outputs compared with {imported.model.runtime.name} on a random input: the largest "
            f"difference is {proof.difference:.1e} of the largest output{verdict}",
            file=sys.stderr,
        )
    return same and proof.ok
