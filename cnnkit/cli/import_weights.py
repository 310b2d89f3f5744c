"""``cnnkit import-weights``: arrays of another framework for a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import AssignmentsOption


def import_weights(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML or JSON file; `-` reads stdin.")
    ],
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Weights: .safetensors, .npz, Keras's .h5, PyTorch's .pth."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write them here, as safetensors."),
    ] = None,
    by_order: Annotated[
        bool,
        typer.Option(
            "--by-order",
            help="Take layers of equal shapes in branches side by side in the order of the file.",
        ),
    ] = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Find which array of a file belongs to which layer, show it, and write them as ours.

    Layers are laid beside one another in their order, and must fit by their shapes; layouts are
    transposed. What leaves a choice is refused. Nothing of the file is run.

    Example: cnnkit import-weights specs/zoo/resnet-50.yaml resnet50.pth -o resnet-50.safetensors
    """
    import yaml

    from cnnkit.cli.sources import readable_spec
    from cnnkit.importing.foreign import assign, read_arrays
    from cnnkit.importing.weights import save
    from cnnkit.layers.shape import show
    from cnnkit.presentation.output import put_text

    network = readable_spec(spec, assignments or [])
    assigned = assign(network, read_arrays(weights), by_order=by_order)
    rows = [("spec", "file", "shape in the file")]
    rows += [(path, name, show(shape)) for path, name, shape in assigned.rows]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = (f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in rows)
    put_text("\n".join(lines) + "\n", None)
    if output is not None:
        text = yaml.safe_dump(
            network.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None
        )
        save(assigned.arrays, text, output)
