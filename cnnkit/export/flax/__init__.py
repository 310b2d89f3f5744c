"""A network as a file of Flax NNX: channels last, as in the spec."""

from __future__ import annotations

from cnnkit.export.code.classes import Dialect, convert_to_classes
from cnnkit.export.code.lines import comment
from cnnkit.export.common import writing
from cnnkit.export.flax import (
    activation,
    attention,
    convolution,
    dense,
    normalization,
    pooling,
    recurrence,
    regularization,
    shaping,
    spatial,
)
from cnnkit.export.flax.joining import joined
from cnnkit.export.outline import Expression
from cnnkit.export.target import Conversion, batches, changes_in_training, shown_outputs
from cnnkit.spec.graph import Graph

_IMPORTS = {
    "itertools": "import itertools",
    "math": "import math",
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    "np": "import numpy as np",
    "nnx": "from flax import nnx",
}
_DIALECT = Dialect(
    target="flax",
    framework="Flax",
    imports=_IMPORTS,
    base="nnx.Module",
    array="jax.Array",
    method="__call__",
    prologue=(),
    parameter="*, rngs: nnx.Rngs",
    passed="rngs=rngs",
    sequence="nnx.Sequential",
)
_FAMILIES = (
    attention,
    recurrence,
    convolution,
    dense,
    pooling,
    activation,
    normalization,
    regularization,
    shaping,
    spatial,
)


def _kept(written: Expression) -> Expression:
    return Expression(written.calls, f"frozen({written.build})")


write = writing(_FAMILIES, joined, _kept)
"""A node in the words of Flax."""


def convert(graph: Graph, title: str) -> Conversion:
    """The file of a network, or why there is none."""
    header = _header(graph, title)
    return convert_to_classes(graph, title, _DIALECT, write, header=header, main=_main)


def _header(graph: Graph, title: str) -> str:
    lines = [
        f'"""{comment(title)} as a Flax NNX model, written by `cnnkit convert --to flax`.',
        "",
        *batches(graph, "last"),
        "Weights start as Flax starts them, but where the spec says how.",
    ]
    if changes_in_training(graph):
        lines.append("A new model is in training mode: call `model.eval()` before predicting.")
    lines += ["The comments are the paths of the layers in the spec, and shapes without the batch."]
    return "\n".join([*lines, '"""'])


def _main(graph: Graph, name: str) -> str:
    zeros = ", ".join(
        f"jnp.zeros(({', '.join(map(str, (1, *shape)))}))" for shape in graph.inputs.values()
    )
    shown = shown_outputs(graph, f"model({zeros})", "{}.shape", depth=1)
    return f"""


if __name__ == "__main__":
    model = {name}(rngs=nnx.Rngs(0))
    model.eval()
    parameters = sum(x.size for x in jax.tree.leaves(nnx.state(model, nnx.Param)))
    print(f"parameters: {{parameters:,}}")
{shown}
"""
