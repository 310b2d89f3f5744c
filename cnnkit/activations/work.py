"""A network with weights, put to work on one input."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnkit.activations import plain
from cnnkit.activations.example import Example, read_example
from cnnkit.activations.maps import LayerMaps, chosen, layer_maps, maps_of
from cnnkit.errors import SpecError, UsageError, in_order
from cnnkit.layers.weighted import Weighted
from cnnkit.spec.graph import Graph
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

if TYPE_CHECKING:
    from cnnkit.training.use.trained import Trained


@dataclass(frozen=True)
class InputActivations:
    """What came of an input.

    Attributes:
        example: The input.
        layers: What the layers made of it, those that are shown.
        last: The last layer of all.
        weights: Where the weights are from, in words.
    """

    example: Example
    layers: list[LayerMaps]
    last: LayerMaps
    weights: str


def work(spec: Spec, source: str, paths: list[str], seed: int = 0) -> InputActivations:
    """The network of a spec on one input: with its `weights:`, and random ones where it has none.

    Args:
        spec: The spec.
        source: The input's file, or the name of a photograph.
        paths: The layers that are shown, and those in them; all where none is named.
        seed: Of the random weights.

    Raises:
        SpecError: The spec has findings of level error.
        UsageError: The input does not fit, or no layer has a path.
    """
    graph = _of_one_input(graph_of(spec))
    if find_spec("jax") is None:
        _refuse(graph)
        example = read_example(source, spec.input)
        maps = maps_of(graph, example.array, plain.outputs(graph, example.array), plain.weights)
    else:
        from cnnkit.network import build

        network = build(spec, seed)
        example = read_example(source, spec.input)
        maps = layer_maps(network, graph, example.array)
    return InputActivations(example, chosen(maps, paths), maps[-1], _weights(graph, seed))


def work_of_run(path: Path, source: str, paths: list[str]) -> InputActivations:
    """A trained network on one input, standardized as its data set was.

    Raises:
        UsageError: There is no run, or it has no checkpoint yet; or as ``work``.
    """
    from cnnkit.training import load_run

    run = load_run(path)
    return _trained(run, source, paths, f"the weights are those of {path} after epoch {run.epoch}")


def work_of_weights(spec: Spec, file: Path, source: str, paths: list[str]) -> InputActivations:
    """The network of a spec, with the weights of a file, on one input.

    Raises:
        SpecError: The spec has findings of level error, or the file is not of its network.
        UsageError: There is no such file; or as ``work``.
    """
    from cnnkit.training.use.weights import trained_of, weights_of_file

    weights = weights_of_file(spec, file)
    _of_one_input(weights.graph)
    story = f"the weights are those of {file}"
    if weights.preprocessing is not None:
        return _trained(trained_of(weights, file), source, paths, story)
    example = read_example(source, spec.input)
    maps = layer_maps(weights.network, weights.graph, example.array)
    return InputActivations(example, chosen(maps, paths), maps[-1], story)


def _trained(run: Trained, source: str, paths: list[str], story: str) -> InputActivations:
    graph = graph_of(run.spec)
    example = read_example(source, run.spec.input, run.preprocessing)
    standardized = np.asarray(run.standardized(example.array[None]))[0]
    maps = layer_maps(run.network, graph, standardized)
    read = "the layers read the input standardized as the training data was"
    return InputActivations(example, chosen(maps, paths), maps[-1], f"{story}; {read}")


def _of_one_input(graph: Graph) -> Graph:
    """The graph, whose network one example is enough for."""
    if len(graph.inputs) > 1:
        names = ", ".join(f"`{name}`" for name in graph.inputs)
        raise UsageError(f"activations are shown of one input, and the network has {names}")
    return graph


def _weights(graph: Graph, seed: int) -> str:
    """Where the weights are from: the spec, chance, or both."""
    weighted = [node.layer for node in graph.nodes if isinstance(node.layer, Weighted)]
    if not weighted:
        return "no layer has connection weights"
    given = sum(layer.weights is not None for layer in weighted)
    if given == len(weighted):
        return "all weights are from the spec"
    chance = f"random, of seed {seed}"
    if not given:
        return f"the weights are {chance}: the network is not trained"
    return (
        f"the weights of {given} of {len(weighted)} layers are from the spec, the others {chance}"
    )


def _refuse(graph: Graph) -> None:
    """Raises what is wrong with a network, as building it would."""
    if any(finding.level == "error" for finding in graph.findings):
        raise SpecError(in_order(graph.findings))
