"""``cnnkit data``: what is in a data set, and where to have the published ones from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnkit.cli.options import DataDirOption, Format, FormatOption
from cnnkit.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from cnnkit.data import Dataset, Splits
    from cnnkit.data.fetch import Progress
    from cnnkit.spec.model.training import Data, Loss

data = typer.Typer(help="Look at data sets, and fetch the published ones.", no_args_is_help=True)

_SPECS = {".yaml", ".yml", ".json"}


@data.command(no_args_is_help=True)
def show(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="digits, mnist, fashion_mnist or cifar10; a folder with a folder of images for "
            "each class, or one that `pack` wrote; a file .npz, .csv or .tsv; or a spec with "
            "`train:`, for its data and splits.",
        ),
    ],
    input_: Annotated[
        str | None,
        typer.Option("--input", metavar="SHAPE", help="The network's input, such as 28x28x1."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of a table's target: a name or a number."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write samples to this PNG."),
    ] = None,
    format_: FormatOption = Format.table,
    data_dir: DataDirOption = None,
) -> None:
    """Show what a data set holds: examples, classes, shape, range, mean and deviation.

    All of it is read and checked; against a network's input where that is given.

    Example: cnnkit data show digits --output digits.png
    """
    from cnnkit.data import load
    from cnnkit.data.summary import summary

    splits = None
    if Path(source).suffix.lower() in _SPECS:
        if input_ is not None:
            raise UsageError(f"{source} says the input itself: leave --input out")
        if target is not None:
            raise UsageError(f"{source} says the target itself: leave --target out")
        dataset, splits = _of_spec(source, data_dir)
    else:
        files, shape = _with_masks(_with_target(data_of(source), target)), _shape(input_)
        with _bar("decoding") as progress:
            dataset = load(files, data_dir=data_dir, input_shape=shape, progress=progress)
    figures = [summary(each, splits) for each in dataset.alone()]
    if output is not None:
        from cnnkit.data.sheet import write_sheet

        write_sheet(dataset, output)
    if format_ is Format.json:
        import json

        documents = [each.to_dict() for each in figures]
        shown = documents if len(documents) > 1 else documents[0]
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    from cnnkit.presentation.output import put_lines
    from cnnkit.report.dataset import dataset_lines

    put_lines(lambda _: chain.from_iterable(map(dataset_lines, figures)), None)


@data.command(no_args_is_help=True)
def fetch(
    source: Annotated[str, typer.Argument(metavar="NAME", help="mnist, fashion_mnist or cifar10.")],
    data_dir: DataDirOption = None,
) -> None:
    """Fetch a published data set, and check it; what is there already is only checked.

    Example: cnnkit data fetch mnist
    """
    from cnnkit.data.fetch import fetch as fetched
    from cnnkit.data.files import data_directory

    with _fetching() as progress:
        paths = fetched(source, data_directory(data_dir), progress)
    for path in paths:
        print(path)


@data.command(no_args_is_help=True)
def pack(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A data set by its name, a folder, a file or a spec, as of `show`.",
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that is not there yet, or is empty.")
    ],
    shards: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Files of records; by default one for 256 MiB."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of a table's target: a name or a number."),
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write a data set as shards of records, which training reads at random, with an index.

    A spec trains from it with `data: {packed: DIR}`, as it would from the source, bit for bit.

    Example: cnnkit data pack pets pets-packed
    """
    from cnnkit.data.shard_writer import pack as packed
    from cnnkit.presentation.numbers import memory, plural
    from cnnkit.spec.model.training import Packed

    files, loss = _data_in(source, target)
    if isinstance(files, Packed):
        raise UsageError(f"{source} is packed already: copy the folder as it is")
    with _bar("packing") as progress:
        index = packed(
            files, folder, shards=shards, data_dir=data_dir, loss=loss, progress=progress
        )
    size = memory(sum(each.bytes for each in index.files))
    shards_of_all = sum(len(each.shards) for each in (index, *index.columns.values()))
    print(f"{folder}: {plural(index.count, 'example')} in {plural(shards_of_all, 'shard')}, {size}")


def _data_in(source: str, target: str | None) -> tuple[Data, Loss | None]:
    """What a word stands for, or what a spec is trained on, and by which loss."""
    from cnnkit.cli.sources import readable_spec
    from cnnkit.spec.model.training.location import located

    if Path(source).suffix.lower() not in _SPECS:
        return _with_masks(_with_target(data_of(source), target)), None
    if target is not None:
        raise UsageError(f"{source} says the target itself: leave --target out")
    spec = readable_spec(source)
    found, notes = located(spec)
    if spec.train is None or found is None:
        raise UsageError(f"{source} does not say what to learn from: it has no `train: data:`")
    for note in notes:
        print(f"cnnkit: {note}", file=sys.stderr)
    return found, spec.train.loss


def _of_spec(source: str, data_dir: Path | None) -> tuple[Dataset, Splits]:
    """The data set that a spec is trained on, fitted to its network, and cut as it says."""
    from cnnkit.analysis import analyze
    from cnnkit.cli.sources import readable_spec
    from cnnkit.data import load, split
    from cnnkit.data.groups import groups_of
    from cnnkit.spec.model.training.location import located, located_groups

    spec = readable_spec(source)
    if spec.train is None or spec.train.data is None:
        raise UsageError(f"{source} does not say what to learn from: it has no `train: data:`")
    given = {name: each for name, each in analyze(spec).graph.given.items() if each is not None}
    counts: Any = {name: each[-1] for name, each in given.items()}
    extents: Any = {name: each[:-1] for name, each in given.items()}
    if spec.train.loss.compares > 1:
        counts, extents = 1, ()
    elif len(given) < 2:
        counts, extents = (next(iter(each.values()), None) for each in (counts, extents))
    places = located(spec)
    with _bar("decoding") as progress:
        dataset = load(
            places.data or spec.train.data,
            data_dir=data_dir,
            input_shape=dict(spec.inputs) if len(spec.inputs) > 1 else spec.input,
            outputs=counts,
            extents=extents,
            loss=spec.train.loss,
            target=spec.train.target,
            progress=progress,
        )
    by, place, notes = located_groups(spec)
    dataset = replace(dataset, notes=(*places.notes, *notes, *dataset.notes))
    groups = groups_of(dataset, by, place)
    return dataset, split(dataset, spec.train.split, spec.train.seed, groups)


def _with_target(files: Data, target: str | None) -> Data:
    from cnnkit.spec.model.training import Csv

    if target is None:
        return files
    if not isinstance(files, Csv):
        raise UsageError("--target names a column, which only a file .csv or .tsv has")
    named = int(target) if target.isdecimal() else target
    return files.model_copy(update={"target": named})


def _with_masks(files: Data) -> Data:
    """A folder of the folders `images` and `masks` alone as these, and not as two classes."""
    from cnnkit.data.layout import is_litter
    from cnnkit.spec.model.training import Images

    if not isinstance(files, Images):
        return files
    folder = Path(str(files.images))
    _, inside, _ = next(os.walk(folder), ("", [], []))  # none where it cannot be read
    if {name for name in inside if not is_litter(name)} != {"images", "masks"}:
        return files
    return Images(images=str(folder / "images"), masks=str(folder / "masks"))


def data_of(source: str) -> Data:
    """The data set that a word stands for: a name, a folder or a file."""
    from cnnkit.data.index import is_packed
    from cnnkit.errors import did_you_mean
    from cnnkit.spec.model.training import Arrays, Csv, Images, Packed
    from cnnkit.spec.model.training.data import KNOWN, is_url
    from cnnkit.spec.text.scalars import shortened

    for name in KNOWN:
        if name == source:
            return name
    if is_url(source):
        return Packed(packed=source)
    path = Path(source)
    try:
        found, folder = bool(source) and path.exists(), path.is_dir()
    except OSError as error:
        raise UsageError(f"cannot read {shortened(source)}: {error.strerror}") from None
    if found and folder:
        return Packed(packed=source) if is_packed(path) else Images(images=source)
    if path.suffix.lower() == ".npz":
        return Arrays(arrays=source)
    if source.lower().endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz")):
        return Csv(csv=source)
    if found:
        raise UsageError(f"{source} is no folder of images, no file .npz or .csv, and no spec")
    near = did_you_mean(source.lower().replace("-", "_"), KNOWN)
    meant = f": did you mean `{near}`?" if near else f"; known by name are {', '.join(KNOWN)}"
    raise UsageError(
        f"there is no data set, folder or file {shortened(source) or 'without a name'}{meant}"
    )


def _shape(text: str | None) -> tuple[int, ...] | None:
    from pydantic import TypeAdapter, ValidationError

    from cnnkit.spec.model.spec import InputShape

    if text is None:
        return None
    shape: TypeAdapter[tuple[int, ...]] = TypeAdapter(InputShape)
    try:
        return shape.validate_python(text)
    except ValidationError:
        raise UsageError(f"--input {text} is no shape: write 28x28x1") from None


@contextmanager
def _bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Shows how much is done: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None, visible=False)
        yield lambda done, of: bar.update(task, completed=done, total=of, visible=True)


@contextmanager
def _fetching() -> Iterator[Progress]:
    """Shows what is fetched: a bar on a terminal, a line a file elsewhere."""
    if not sys.stderr.isatty():
        started: set[str] = set()

        def line(name: str, _here: int, total: int) -> None:
            if name not in started:
                started.add(name)
                print(f"fetching {name}, {total:,} bytes", file=sys.stderr, flush=True)

        yield line
        return
    from rich import progress as rich
    from rich.console import Console

    shown = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.DownloadColumn())
    with rich.Progress(*shown, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def bar(name: str, here: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=here)

        yield bar
