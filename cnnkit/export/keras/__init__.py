"""A network as a file of Keras 3, a functional model: channels last, as in the spec."""

from __future__ import annotations

import re
from collections import Counter

from cnnkit.export.code.functions import layer_name, write_functions
from cnnkit.export.code.lines import comment, identifier, written
from cnnkit.export.common import writing
from cnnkit.export.keras import (
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
from cnnkit.export.keras.joining import joined
from cnnkit.export.keras.naming import named
from cnnkit.export.outline import Expression, InexpressibleError, Write, outline
from cnnkit.export.target import (
    Conversion,
    assembled,
    batches,
    helpers,
    parts,
    shown_outputs,
)
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT, Graph, Node

_IMPORTS = {
    "itertools": "import itertools",
    "math": "import math",
    "keras": "import keras",
    "np": "import numpy as np",
}
_TAKEN = frozenset({*_IMPORTS, "layers", "ops", "inputs", "heads", "model", "parameters", "name"})
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
    name = f", {named()}"
    calls = (call.replace(name, f", trainable=False{name}") for call in written.calls)
    return Expression(tuple(calls), written.build)


write = writing(_FAMILIES, joined, _kept)
"""A node in the words of Keras."""


def convert(graph: Graph, title: str) -> Conversion:
    """The file of a network, or why there is none."""
    taken = frozenset({*_TAKEN, *parts("keras"), "x", "y", "z", "times"})
    write_node = _writer(graph)
    plan = outline(graph, title, write_node, "Keras", sorted(taken), identifier, objects=False)
    if plan.findings:
        return Conversion(None, plan.findings)
    name = plan.definition(plan.root).name
    code = "\n".join(write_functions(plan, taken, title)).rstrip() + _main(graph, name)
    used = [each for each in ("layers", "ops") if re.search(rf"(?<![\w.]){each}\.", _with(code))]
    of_keras = {name: f"from keras import {', '.join(used)}" for name in used[:1]}
    imports = _IMPORTS | of_keras
    return Conversion(assembled("keras", _header(graph, title), imports, code), ())


def _writer(graph: Graph) -> Write:
    """``write``, but for layers that a functional model would drop, or that share a name."""
    pending = [*graph.outputs.values(), *(node for node, _ in graph.sides)]
    read: set[int] = set()
    while pending:
        index = pending.pop()
        if index > INPUT and index not in read:
            read.add(index)
            pending += graph.nodes[index].inputs
    read |= {shares for index in read if (shares := graph.nodes[index].shares) is not None}
    unread = {node.path for index, node in enumerate(graph.nodes) if index not in read}
    names = Counter(layer_name(node.path) for node in graph.nodes)

    def checked(node: Node, shapes: tuple[Shape, ...]) -> Expression:
        if node.path in unread and node.effect.weights:
            raise InexpressibleError(
                "its models leave out layers whose output nothing reads, and their parameters",
                "remove the layer, or `merge` what it gives; or `--to flax` or `--to torch`",
            )
        if names[layer_name(node.path)] > 1:
            raise InexpressibleError(
                f"two of its layers would be named `{layer_name(node.path)}`: a name there holds "
                "letters, digits, `_` and `-` between the parts of a path",
                "give one of them another `name`, or `--to flax` or `--to torch`",
            )
        return write(node, shapes)

    return checked


def _with(code: str) -> str:
    """Some code, and the helpers that it uses."""
    return "\n".join([code, *helpers("keras", code)])


def _header(graph: Graph, title: str) -> str:
    lines = [
        f'"""{comment(title)} as a Keras 3 model, written by `cnnkit convert --to keras`.',
        "",
        *batches(graph, "last"),
        "Weights start as Keras starts them, but where the spec says how.",
        "Layers are named by their paths in the spec, `layers.0.conv[1]` as `layers-0-conv-1`; the",
        "comments are the shapes after them.",
    ]
    return "\n".join([*lines, '"""'])


def _main(graph: Graph, name: str) -> str:
    heads = "heads=True" if graph.sides else ""
    zeros = {
        each: f"keras.ops.zeros(({', '.join(map(str, (1, *shape)))}))"
        for each, shape in graph.inputs.items()
    }
    given = next(iter(zeros.values()))
    if len(zeros) > 1:
        given = f"{{{', '.join(f'{written(each)}: {zero}' for each, zero in zeros.items())}}}"
    shown = shown_outputs(graph, f"{name}()({given})", "{}.shape", depth=1)
    return f"""


if __name__ == "__main__":
    model = {name}({heads})
    parameters = sum(weight.numpy().size for weight in model.trainable_weights)
    print(f"parameters: {{parameters:,}}")
{shown}
"""
