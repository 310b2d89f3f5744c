"""``cnnkit import-weights``: arrays of another framework for a spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import AssignmentsOption
from cnnkit.errors import UsageError

if TYPE_CHECKING:
    from cnnkit.spec.model.spec import Spec


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
    classes: Annotated[
        Path | None,
        typer.Option("--classes", metavar="FILE", help="Names of the classes, one a line."),
    ] = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            "--preprocessing",
            metavar="NAME",
            help="How inputs were prepared: torchvision, timm, timm-inception, keras-torch, "
            "keras-tf.",
        ),
    ] = None,
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
    if output is None and (classes or preprocessing):
        raise UsageError("--classes and --preprocessing go into the file of --output: name one")
    more = _more(network, classes, preprocessing)
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
        save(assigned.arrays, text, output, **more)


def _more(spec: Spec, classes: Path | None, preprocessing: str | None) -> dict[str, object]:
    """What the file says of the network besides."""
    found: dict[str, object] = {}
    if classes is not None:
        found["classes"] = _names(spec, classes)
    if preprocessing is not None:
        from cnnkit.data.conventions import convention

        found["preprocessing"] = convention(preprocessing, spec.input).to_dict()
    return found


def _names(spec: Spec, path: Path) -> list[str]:
    """The names of the classes, as many as the network tells apart."""
    from cnnkit.spec.tracing import graph_of

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UsageError(f"cannot read {path}: {said}") from error
    names = [line.strip() for line in lines if line.strip()]
    scores = (graph_of(spec).output or (0,))[-1]
    if len(names) != scores:
        raise UsageError(
            f"{path} has {len(names):,} names, one a line, and the network tells {scores:,} apart"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{path} has the name `{twice}` twice")
    return names
