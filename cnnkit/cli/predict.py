"""``cnnkit predict``: what a trained network says of images and arrays."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from cnnkit.cli.network import network_of
from cnnkit.cli.options import CheckpointName, CheckpointOption, WeightsOption
from cnnkit.cli.sources import STDIN
from cnnkit.errors import UsageError

if TYPE_CHECKING:
    from cnnkit.training.use.prediction import Prediction, Refused
    from cnnkit.training.use.trained import Trained
    from cnnkit.training.view.maps import Kind, MapFiles
    from cnnkit.training.view.prediction_table import Columns

# In a log, a line after so many seconds.
_INTERVAL = 30.0


class PredictionFormat(StrEnum):
    """How predictions are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class MapFormat(StrEnum):
    """How maps are written."""

    png = "png"
    npy = "npy"


def predict(
    run: Annotated[
        Path, typer.Argument(metavar="RUN|SPEC", help="A run's folder, or a spec with --weights.")
    ],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT…",
            help="Images, .npy, .npz or .csv; folders; patterns such as 'photos/**/*.jpg'; or - "
            "for paths from standard input, one a line.",
        ),
    ],
    weights: WeightsOption = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="How many classes to name. Default: 3, of csv 1.")
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Give the probability of each class.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Decide for no class of a lower probability.")
    ] = 0.0,
    refusal: Annotated[str, typer.Option(metavar="NAME", help="What is decided then.")] = "unknown",
    augment: Annotated[
        bool,
        typer.Option(
            "--augment",
            help="Test-time augmentation: the mean over each input moved and mirrored as the "
            "recipe's `augment` does.",
        ),
    ] = False,
    maps: Annotated[
        Path | None,
        typer.Option(
            "--maps",
            metavar="DIR",
            help="Of a network that answers for each pixel: write each map to this folder.",
        ),
    ] = None,
    as_: Annotated[
        MapFormat,
        typer.Option(
            "--as",
            help="How maps are written: masks with a palette, of volumes NIfTI with their affine; "
            "or arrays.",
        ),
    ] = MapFormat.png,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write each image with its classes over it, too.")
    ] = False,
    checkpoint: CheckpointOption = CheckpointName.best,
    format_: Annotated[
        PredictionFormat, typer.Option("--format", "-f", help="How to write it.")
    ] = PredictionFormat.table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")
    ] = None,
) -> None:
    """Name the most probable classes of inputs; those that cannot be read are told apart.

    Any number of files is read, computed and written some at a time. Of a network that answers for
    each pixel the part of the pixels that each class has, and with --maps the maps.

    Example: cnnkit predict runs/cifar10 photos cat.jpg --format csv --output predictions.csv
    """
    if maps is None and (overlay or as_ is not MapFormat.png):
        option = "--overlay" if overlay else "--as"
        raise UsageError(f"{option} is about the files of maps: say where to, --maps DIR")
    if top is not None and probabilities:
        raise UsageError("--probabilities gives all classes: leave out --top")
    if STDIN in inputs and str(run) == STDIN:
        raise UsageError("standard input has the spec or the paths, and not both")
    trained = network_of(run, weights, checkpoint)
    from cnnkit.data.inputs import suffixes_of
    from cnnkit.data.listing import files_of
    from cnnkit.training.use.mapping import MapNaming
    from cnnkit.training.use.naming import names_of
    from cnnkit.training.use.prediction import predict as predicted
    from cnnkit.training.view.prediction_table import Columns

    suffixes = suffixes_of(trained.spec.input)
    files = files_of(_named(inputs), suffixes)
    _require_apart(output, chain((run, weights), _listed(inputs, suffixes)))
    if trained.of_maps or maps is not None:
        if top is not None or probabilities:
            option = "--probabilities" if probabilities else "--top"
            raise UsageError(f"{option} is of classes of whole examples: the network gives maps")
        written = None if maps is None else _map_files(trained, maps, as_.value, overlay)
        columns = Columns((), True, None, of_maps=True)
        if not trained.several:
            naming = MapNaming.of(trained)
            columns = Columns(naming.names, naming.of_classes, None, of_maps=True)
        found = predicted(trained, files, threshold=threshold, augment=augment)
        if written is not None:
            # All before any is computed: the map of one would be written over another.
            for each in _listed(inputs, suffixes):
                written.require_elsewhere(each)
            written.keeps = STDIN in inputs
            found = written.written(found)
        _put(found, columns, inputs, format_, output)
        return
    named = None if probabilities else top or (1 if format_ is PredictionFormat.csv else 3)
    columns = Columns(names_of(trained), trained.train.loss.of_classes, named)
    found = predicted(trained, files, named, threshold=threshold, refusal=refusal, augment=augment)
    _put(found, columns, inputs, format_, output)


def _listed(inputs: Iterable[str], suffixes: Collection[str]) -> Iterator[Path]:
    """The folders and files that the command line names, without those of standard input."""
    from cnnkit.data.listing import files_of

    for name in inputs:
        if name == STDIN:
            continue
        if os.path.isdir(name):  # noqa: PTH112 - the other one raises where a name is too long
            yield Path(name)
        yield from (each for each in files_of([name], suffixes) if isinstance(each, Path))


def _require_apart(output: Path | None, read: Iterable[Path | None]) -> None:
    """Raises where predictions would be written over what they are made from.

    Raises:
        UsageError: The file is one of them.
    """
    if output is None or not output.exists():
        return
    for each in read:
        if each is not None and each.exists() and output.samefile(each):
            raise UsageError(
                f"{each} is read, and --output {output} would be written over it: give another file"
            )


def _map_files(trained: Trained, folder: Path, kind: Kind, overlay: bool) -> MapFiles:
    """Where maps are written.

    Raises:
        UsageError: The network gives none, or none that can be written so.
    """
    from cnnkit.training.view.maps import MapFiles

    if not trained.of_maps:
        raise UsageError("--maps is of networks that answer for each pixel, and this one does not")
    files = MapFiles(folder, kind, overlay)
    for name in trained.objective.maps:
        part = trained.objective.parts[name]
        shape = (*part.grid.extents, part.accumulator.outputs)
        files.require(shape, of_classes=part.accumulator.train.loss.of_classes)
    return files


def _put(
    found: Iterator[Prediction | Refused],
    columns: Columns,
    inputs: list[str],
    format_: PredictionFormat,
    output: Path | None,
) -> None:
    """Writes predictions in a format, as they come."""
    from cnnkit.training.view.prediction_table import FORMATS

    ending = _Ending(inputs, told=format_ is PredictionFormat.table)
    with _opened(output) as stream, _watched(found, quiet=output is None) as watched:
        for text in FORMATS[format_](ending.seen(watched), columns):
            stream.write(text)
    if ending.refused:
        raise typer.Exit(2 if ending.absent else 1)


class _Ending:
    """Whether inputs were refused, and whether the command line names one that is not there.

    It tells of them, where the format does not.
    """

    def __init__(self, names: Iterable[str], *, told: bool) -> None:
        self.refused = self.absent = False
        self._names = {str(Path(name)) for name in names}
        self._told = told

    def seen(self, found: Iterable[Prediction | Refused]) -> Iterator[Prediction | Refused]:
        from cnnkit.data.listing import Refused
        from cnnkit.presentation.numbers import printable

        for each in found:
            if isinstance(each, Refused):
                self.refused = True
                self.absent |= each.file in self._names and not os.path.lexists(each.file)
                if self._told:
                    typer.echo(f"cnnkit: {printable(each.problem)}", err=True)
            yield each


def _named(inputs: Iterable[str]) -> Iterator[str]:
    """The words of the command line; for ``-`` the lines of standard input, as they come."""
    for each in inputs:
        if each != STDIN:
            yield each
        elif sys.stdin is None:
            raise UsageError("standard input is closed")
        else:
            lines = (line.rstrip(b"\r\n") for line in sys.stdin.buffer)
            yield from (os.fsdecode(line) for line in lines if line)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Where predictions go, in characters that it can hold."""
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from error


@contextmanager
def _watched(
    found: Iterator[Prediction | Refused], *, quiet: bool
) -> Iterator[Iterator[Prediction | Refused]]:
    """Shows how many inputs are done: a bar on a terminal, a line an interval in a log.

    Args:
        found: The predictions.
        quiet: Whether they are shown themselves, where that goes on under a reader's eyes.
    """
    if sys.stderr.isatty() and not (quiet and sys.stdout.isatty()):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        shown = ("predicting", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
            yield iter(bar.track(found, total=None))
        return
    yield found if quiet else _logged(found)


def _logged(found: Iterable[Prediction | Refused]) -> Iterator[Prediction | Refused]:
    from cnnkit.presentation.numbers import plural

    begun = told = time.monotonic()
    for count, each in enumerate(found, 1):
        now = time.monotonic()
        if now - told >= _INTERVAL:
            told = now
            rate = count / max(now - begun, 1e-6)
            typer.echo(f"{plural(count, 'input')}, {rate:,.0f} a second", err=True)
        yield each
