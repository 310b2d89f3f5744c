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
        typer.Option("--output", "-o", metavar="DIR", help="Write pictures to this folder."),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="PATH", help="Show this layer, and what is in it."),
    ] = None,
    weights: WeightsOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights that the spec does not give.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over pictures.")] = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Show what each layer makes of one input: the numbers of small maps, pictures of large ones.

    An image is cut in the middle and resized to the spec's input, and scaled to 0–1; numbers are
    taken as they are.

    Example: cnnkit activations specs/lectures/edges.yaml china.jpg --output pictures
    """
    from shutil import get_terminal_size

    from cnnkit.errors import MissingExtraError, SpecError

    try:
        from cnnkit.activations.tables import is_small, lines
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"activations need {error.name}, which is not installed: pip install 'cnnkit[train]'"
        ) from error
    from cnnkit.presentation.output import put_lines, put_text
    from cnnkit.report.findings.finding import findings_lines

    try:
        work = _work(source, example, layer or [], weights, seed, assignments or [])
    except SpecError as error:
        findings = error.findings
        put_lines(lambda width: findings_lines(findings, name=source, width=width), None)
        raise typer.Exit(1) from None
    told = list(lines(work.example, work.layers, get_terminal_size((100, 24)).columns))
    put_text("\n".join([*told, "", work.weights, ""]), None)
    if output is not None:
        from cnnkit.activations.pictures import write_pictures

        written = write_pictures(work.example, work.layers, output, force=force)
        print(f"wrote {len(written)} pictures to {output}")
    elif not all(is_small(each.maps) for each in work.layers):
        print("the larger maps as pictures: --output DIR")


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
