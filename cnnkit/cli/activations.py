"""``cnnkit activations``: what each layer makes of one input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import AssignmentsOption, WeightsOption

if TYPE_CHECKING:
    from cnnkit.activations.work import InputActivations


def activations(
    source: Annotated[
        str, typer.Argument(metavar="SPEC|RUN", help="A YAML or JSON file, or a run's folder.")
    ],
    example: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="An image, .npy or .csv file; china.jpg and flower.jpg are scikit-learn's.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.html|DIR",
            help="Write one page, or pictures to a folder.",
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="PATH", help="Show this layer, and what is in it."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="ROW,COLUMN", help="Show the arithmetic of this cell, from 0,0."),
    ] = None,
    target: Annotated[
        int | None,
        typer.Option(min=0, metavar="CLASS", help="The right class, from 0: show its loss."),
    ] = None,
    weights: WeightsOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights that the spec does not give.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over files.")] = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Show what each layer makes of one input: the numbers of small maps, pictures of large ones.

    An image is cut in the middle and resized to the spec's input, and scaled to 0–1; numbers are
    taken as they are. With --at the products and sums of one cell follow, and with --target the
    loss of one class.

    Example: cnnkit activations specs/lectures/edges.yaml china.jpg --output pictures
    """
    from shutil import get_terminal_size

    from cnnkit.errors import MissingExtraError, SpecError

    try:
        from cnnkit.activations.arithmetic import cell_lines, softmax_lines, target_lines
        from cnnkit.activations.tables import is_small, lines
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"activations need {error.name}, which is not installed: pip install 'cnnkit[train]'"
        ) from error
    from cnnkit.presentation.output import put_lines, put_text
    from cnnkit.report.findings.finding import findings_lines

    cell = _cell(at) if at is not None else None
    try:
        work = _work(source, example, layer or [], weights, seed, assignments or [])
    except SpecError as error:
        findings = error.findings
        put_lines(lambda width: findings_lines(findings, name=source, width=width), None)
        raise typer.Exit(1) from None
    told = list(lines(work.example, work.layers, get_terminal_size((100, 24)).columns))
    if cell is not None:
        told += cell_lines(work.layers, cell)
    if cell is not None or target is not None:
        told += (line for layer in work.layers for line in softmax_lines(layer))
    if target is not None:
        told += target_lines(work.last, target)
    put_text("\n".join([*told, "", work.weights, ""]), None)
    if output is not None and output.suffix.lower() in (".html", ".htm"):
        from cnnkit.activations.page import write_page

        write_page(work.example, work.layers, work.weights, output, force=force)
        print(f"wrote {output}")
    elif output is not None:
        from cnnkit.activations.pictures import write_pictures

        written = write_pictures(work.example, work.layers, output, force=force)
        print(f"wrote {len(written)} pictures to {output}")
    elif not all(is_small(each.maps) for each in work.layers):
        print("the larger maps as one page: --output FILE.html; as pictures: --output DIR")


def _cell(text: str) -> tuple[int, ...]:
    """The indices of ``--at 3,4``.

    Raises:
        UsageError: They are no whole numbers from 0 on.
    """
    from cnnkit.errors import UsageError

    indices = [each.strip() for each in text.split(",")]
    if not all(index.isascii() and index.isdigit() and len(index) < 10 for index in indices):
        raise UsageError(f"`--at {text}` is no cell: give its indices from 0 on, as `--at 0,2`")
    return tuple(map(int, indices))


def _work(
    source: str,
    example: str,
    paths: list[str],
    weights: Path | None,
    seed: int,
    assignments: list[str],
) -> InputActivations:
    """A run's network on the input, or a spec's."""
    from cnnkit.activations.work import work, work_of_run, work_of_weights
    from cnnkit.cli.sources import reading_of, weights_for
    from cnnkit.errors import SpecError, UsageError

    if weights is not None:
        weights_for(source, weights)
    if Path(source).is_dir():
        if assignments:
            raise UsageError("`--set` changes a spec; a run's network is as it was trained")
        return work_of_run(Path(source), example, paths)
    reading = reading_of(source, assignments)
    if reading.spec is None:
        raise SpecError(reading.findings)
    if weights is not None:
        return work_of_weights(reading.spec, weights, example, paths)
    return work(reading.spec, example, paths, seed)
