"""A network as a file of PyTorch: channels first, [N, C, *spatial]."""

from __future__ import annotations

from cnnkit.export.code.classes import Dialect, convert_to_classes
from cnnkit.export.code.lines import comment
from cnnkit.export.common import writing
from cnnkit.export.outline import Expression
from cnnkit.export.target import (
    Conversion,
    batches,
    changes_in_training,
    has_frozen,
    kinds_of,
    shown_outputs,
)
from cnnkit.export.torch import (
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
from cnnkit.export.torch.joining import joined
from cnnkit.spec.graph import Graph

_IMPORTS = {
    "itertools": "import itertools",
    "math": "import math",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
}
_DIALECT = Dialect(
    target="torch",
    framework="PyTorch",
    imports=_IMPORTS,
    base="nn.Module",
    array="torch.Tensor",
    method="forward",
    prologue=("super().__init__()",),
    parameter="",
    passed="",
    sequence="nn.Sequential",
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
    return Expression(written.calls, f"{written.build}.requires_grad_(False)")


write = writing(_FAMILIES, joined, _kept)
"""A node in the words of PyTorch."""


def convert(graph: Graph, title: str) -> Conversion:
    """The file of a network, or why there is none."""
    header = _header(graph, title)
    return convert_to_classes(graph, title, _DIALECT, write, header=header, main=_main)


def _header(graph: Graph, title: str) -> str:
    kinds = kinds_of(graph)
    lines = [
        f'"""{comment(title)} as a PyTorch model, written by `cnnkit convert --to torch`.',
        "",
        *batches(graph, "first"),
        "Weights start as PyTorch starts them, but where the spec says how.",
    ]
    if changes_in_training(graph):
        lines.append("Call `model.eval()` before predicting.")
    if "batch_norm" in kinds:
        lines.append(
            "In training PyTorch averages the unbiased variance of a batch, the spec the biased."
        )
    lines += ["The comments are the paths of the layers in the spec, and shapes as in the spec:"]
    lines += ["without the batch, channels last."]
    return "\n".join([*lines, '"""'])


def _main(graph: Graph, name: str) -> str:
    zeros = ", ".join(
        f"torch.zeros({', '.join(map(str, (1, channels, *extents)))})"
        for *extents, channels in graph.inputs.values()
    )
    shown = shown_outputs(graph, f"model({zeros})", "tuple({}.shape)", depth=2)
    count = "sum(parameter.numel() for parameter in model.parameters())"
    if has_frozen(graph):
        count = "sum(each.numel() for each in model.parameters() if each.requires_grad)"
    return f"""


if __name__ == "__main__":
    model = {name}().eval()
    parameters = {count}
    print(f"parameters: {{parameters:,}}")
    with torch.no_grad():
{shown}
"""
