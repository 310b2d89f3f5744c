"""``cnnkit export``: a network with weights as a file for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import AssignmentsOption, CheckpointName, CheckpointOption, WeightsOption

if TYPE_CHECKING:
    from cnnkit.training.use.weights import Weights


class ExportFormat(StrEnum):
    """The kinds of file."""

    onnx = "onnx"
    safetensors = "safetensors"
    stablehlo = "stablehlo"
    flax = "flax"
    torch = "torch"
    keras = "keras"


_MODELS = (ExportFormat.onnx, ExportFormat.stablehlo)
_SOURCE_CODE = (ExportFormat.flax, ExportFormat.torch, ExportFormat.keras)


def export(
    source: Annotated[
        str, typer.Argument(metavar="RUN|SPEC", help="A run's folder, or a YAML or JSON file.")
    ],
    to: Annotated[ExportFormat, typer.Option("--to", help="The kind of file.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: NAME.onnx in this folder."),
    ] = None,
    weights: WeightsOption = None,
    checkpoint: CheckpointOption = CheckpointName.best,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the weights of a spec without --weights.")
    ] = None,
    opset: Annotated[
        int | None, typer.Option(help="The version of ONNX's operators, from 13 on. Default: 21.")
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Leave the standardization of the files' values to the user."),
    ] = False,
    optimize: Annotated[
        bool, typer.Option("--optimize", help="Put batch norms into the layers before them.")
    ] = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Write a trained network for other tools: as a model, as source code, or its weights alone.

    A model of ONNX or StableHLO is run and compared with the network before it is written, and so
    is the code of Flax, PyTorch or Keras where these are installed; its weights lie beside it.
    Without weights those of a spec are random. LiteRT's converter takes StableHLO, but cannot be
    installed beside Pydantic: docs/how-to/to-other-frameworks.md says more.

    Example: cnnkit export runs/digits --to onnx
    """
    from cnnkit.errors import UsageError
    from cnnkit.training import train  # noqa: F401 - says which package is missing
    from cnnkit.training.use.export import TOLERANCE, export_onnx, export_safetensors

    if to is not ExportFormat.onnx and (opset is not None or optimize):
        raise UsageError("--opset and --optimize are of --to onnx")
    if raw and to not in _MODELS:
        raise UsageError("--raw is of --to onnx and --to stablehlo")
    found = _weights(source, weights, checkpoint, seed, assignments or [])
    for problem in found.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    name = found.spec.name or Path(source).stem or "network"
    if to in _SOURCE_CODE:
        from cnnkit.export import TARGETS
        from cnnkit.training.use.source_code import export_source_code

        code = export_source_code(found, to.value, output or Path(f"{name}_{to.value}.py"))
        run = f"loaded by it, run in {TARGETS[to.value]} and within {TOLERANCE:g} of the network"
        told = run if code.compared else f"not compared: {TARGETS[to.value]} is not installed"
        typer.echo(f"wrote {code.code} and its weights {code.weights}: {told}")
        return
    path = output or Path(f"{name}.{to.value}")
    if to is ExportFormat.safetensors:
        done = export_safetensors(found, path)
        typer.echo(f"wrote {path}: {done.arrays:,} arrays, read again and the same")
        return
    if to is ExportFormat.stablehlo:
        from cnnkit.training.use.stablehlo import PLATFORMS, export_stablehlo

        export_stablehlo(found, path, raw=raw)
        typer.echo(
            f"wrote {path}: StableHLO for {', '.join(PLATFORMS)}, loaded again and within "
            f"{TOLERANCE:g} of the network"
        )
        return
    model = export_onnx(found, path, name=name, opset=opset, raw=raw, optimize=optimize)
    typer.echo(
        f"wrote {path}: {model.nodes:,} nodes of opset {model.opset}, run in onnxruntime "
        f"and within {TOLERANCE:g} of the network"
    )


def _weights(
    source: str,
    file: Path | None,
    checkpoint: CheckpointName,
    seed: int | None,
    assignments: list[str],
) -> Weights:
    """Those of a run, of a file, or of a seed."""
    from cnnkit.cli.sources import readable_spec, weights_for
    from cnnkit.errors import UsageError
    from cnnkit.training.use.weights import weights_of_file, weights_of_run, weights_of_seed

    if file is not None:
        weights_for(source, file)
        if seed is not None:
            raise UsageError("--seed draws weights, and --weights gives them: leave out one")
        return weights_of_file(readable_spec(source, assignments), file)
    if Path(source).is_dir():
        if assignments or seed is not None:
            raise UsageError("`--set` and `--seed` are for a spec; a run is as it was trained")
        return weights_of_run(Path(source), checkpoint.value)
    return weights_of_seed(readable_spec(source, assignments), seed or 0)
