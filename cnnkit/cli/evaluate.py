"""``cnnkit evaluate``: a trained network measured again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import (
    CheckpointName,
    CheckpointOption,
    DataDirOption,
    Device,
    Format,
    FormatOption,
    WeightsOption,
)
from cnnkit.errors import UsageError


def evaluate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN|SPEC", help="A run's folder, or a spec with --weights.")
    ],
    weights: WeightsOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Measure on other data: a known name, a folder of images, an .npz or .csv. "
            "Default: the run's own test split, which counts as a look at it.",
        ),
    ] = None,
    checkpoint: CheckpointOption = CheckpointName.best,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="OURS=THEIRS,…",
            help="What other data call the network's classes: cat=Cat,dog=Hund. Classes are told "
            "by their names, and data may have some of them only.",
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Choose a temperature on the validation split, and judge with it."
        ),
    ] = False,
    recall: Annotated[
        str | None,
        typer.Option(
            metavar="[CLASS=]PART",
            help="Choose a threshold for this recall of a class on the validation split, and judge "
            "with it: 0.95, or sick=0.95.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Write figures, ROC and precision-recall curves, the reliability picture and the "
            "wrong answers to this folder.",
        ),
    ] = None,
    data_dir: DataDirOption = None,
    device: Annotated[
        Device | None, typer.Option(help="What to compute on. Default: as in the run.")
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """Measure the network of a run on its test split, which this opens, or on other data.

    With --weights the network of a spec.

    Example: cnnkit evaluate runs/digits
    """
    from cnnkit.cli.data import data_of
    from cnnkit.cli.sources import readable_spec, weights_for
    from cnnkit.training import train  # noqa: F401 - says which package is missing
    from cnnkit.training.options import Options, options_of
    from cnnkit.training.store.directory import RunDirectory
    from cnnkit.training.use.evaluation import evaluate as evaluated
    from cnnkit.training.use.evaluation import evaluate_weights
    from cnnkit.training.use.judgement import Wanted

    source = None if data is None else data_of(data)
    if classes is not None and source is None:
        raise UsageError("--classes names those of other data: name these by --data")
    renamed = {} if classes is None else _pairs(classes)
    part, of = (None, None) if recall is None else _recall(recall)
    wanted = Wanted(calibrate, part, of)
    file = weights_for(str(run), weights)
    if file is None:
        kept = RunDirectory.open(run)
        options = options_of(kept, data_dir, None if device is None else device.value)
        found = evaluated(
            run, options, data=source, which=checkpoint.value, renamed=renamed, wanted=wanted
        )
    else:
        from cnnkit.training.use.weights import weights_of_file

        ours = weights_of_file(readable_spec(str(run)), file)
        options = Options(data_dir=data_dir, device=(device or Device.auto).value)
        found = evaluate_weights(ours, file, options, data=source, renamed=renamed, wanted=wanted)
    for problem in found.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    for warning in found.warnings:
        typer.echo(f"cnnkit: warning: {warning}", err=True)
    files = None
    if output is not None:
        from cnnkit.training.view.judgement import write_evaluation

        files = write_evaluation(found, output)
    if format_ is Format.json:
        import json

        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    from cnnkit.training.view.conclusion import judgement_lines, measured_lines

    for line in measured_lines("test", found.figures, found.epoch):
        typer.echo(line)
    for line in judgement_lines(found.judgement) if found.judgement else ():
        typer.echo(line)
    if found.look is not None:
        from cnnkit.training.store.looks import look_text

        typer.echo("")
        typer.echo(look_text(found.look, list(found.looks)))
    if files is not None:
        typer.echo("")
        typer.echo(f"{output}: {', '.join(files)}")


def _pairs(text: str) -> dict[str, str]:
    """The names of classes by the network's own: ``cat=Cat,dog=Dog``."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    found = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    if not all(found) or not all(found.values()):
        raise UsageError(f"--classes {text}: write OURS=THEIRS, as in cat=Cat,dog=Dog")
    theirs = list(found.values())
    twice = next((name for name in theirs if theirs.count(name) > 1), None)
    if len(found) < len(pairs) or twice:
        raise UsageError(f"--classes {text}: a name stands there twice; name each class once")
    return found


def _recall(text: str) -> tuple[float, str | None]:
    """A recall and the class that it is of: ``0.95``, or ``sick=0.95``."""
    name, _, number = text.rpartition("=")
    try:
        part = float(number)
    except ValueError:
        part = math.nan
    if not 0 < part <= 1:
        raise UsageError(
            f"--recall {text}: write a part above 0 and up to 1, as in 0.95, or sick=0.95"
        )
    return part, name or None
