"""The file of a converted network, and what in it loads the weights that lie beside it."""

from __future__ import annotations

import ast
from importlib.resources import files
from json import dumps
from typing import Any, Final

from cnnkit.export.code.functions import layer_name
from cnnkit.layers.base import Weight
from cnnkit.layers.weighted import Weighted
from cnnkit.spec.graph import Graph, Node

_MAIN: Final = '\n\nif __name__ == "__main__":\n'
_FLAX: Final = {"shift": "bias", "variance": "var"}
_NEW: Final = {"torch": "{}()", "flax": "{}(rngs=nnx.Rngs(0))", "keras": "{}()"}


def with_loader(code: str, target: str, weights: str) -> str:
    """The file of a network with a function ``trained``, which gives the model with its weights.

    Args:
        code: What ``convert`` gave.
        target: Of which framework it is.
        weights: The name of the file beside it.
    """
    definitions, main = code.rsplit(_MAIN, 1)
    name = main.split("model = ", 1)[1].split("(", 1)[0]
    source = files("cnnkit.export.loaders").joinpath(f"{target}.py").read_text(encoding="utf-8")
    loader = next(
        ast.get_source_segment(source, node)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    )
    new = _NEW[target].format(name)
    # Its first line made a new model, and of Flax the second one had it evaluate.
    rest = main.split("\n", 1)[1].replace("    model.eval()\n", "")
    return f'''{definitions}

{loader}


def trained():
    """The model with the weights of the file beside this one, ready to predict."""
    from pathlib import Path

    return load_weights({new}, Path(__file__).with_name({dumps(weights)}))
{_MAIN}    model = trained()
{rest}'''


def order_of(graph: Graph, target: str) -> Any:
    """In which order the model of a framework has the arrays of a network, for its loader.

    Of PyTorch the names of the parameters, then of the buffers; of Flax the attributes of each
    layer with their names; of Keras the names by the layer's.
    """
    nodes = [node for node in graph.nodes if node.effect.weights]
    if target == "torch":
        return [
            name
            for part in (True, False)
            for node in nodes
            for each in _in_torch(node)
            if (each.trainable or each.frozen) is part
            for name in names_of(target, node, each.name)
        ]
    by_node = {node.path: {each.name: f"{node.path}.{each.name}" for each in node.effect.weights}
               for node in nodes}  # fmt: skip
    if target == "keras":
        return {layer_name(path): [*names.values()] for path, names in by_node.items()}
    return [
        {_FLAX.get(attribute, attribute): name for attribute, name in names.items()}
        for names in by_node.values()
    ]


def names_of(target: str, node: Node, weight: str) -> list[str]:
    """The names of what an array becomes: of a GRU PyTorch has two biases, ours are rows of one."""
    name = f"{node.path}.{weight}"
    if target == "torch" and node.layer.kind == "gru" and weight.endswith("bias"):
        return [name, f"{node.path}.{weight.removesuffix('bias')}recurrent_bias"]
    return [name]


def _in_torch(node: Node) -> list[Weight]:
    """The weights of a layer as PyTorch has them: normalized ones come behind its bias."""
    weights = [*node.effect.weights]
    if isinstance(node.layer, Weighted) and node.layer.weight_norm != "none":
        weights.sort(key=lambda weight: ("bias", "gain", "kernel", "u", "v").index(weight.name))
    return weights
