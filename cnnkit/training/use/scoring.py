"""The scores of a trained network, as fast as this machine computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from flax import nnx

from cnnkit.export.folding import fold_batch_norms, fold_weight_norms
from cnnkit.network import Network, runtime
from cnnkit.network.inference import InferenceEngine, engine_of
from cnnkit.network.model import Outputs
from cnnkit.network.taken import NOT_TAKEN
from cnnkit.network.weights import arrays_of
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of


class Scoring(NamedTuple):
    """A function for programs, and the arrays that it is given beside its inputs.

    Attributes:
        arrays: A pytree, which a compiled function takes as an argument: what it closes over would
            be compiled into it.
        outputs: ``(arrays, inputs [N, *spatial, C], prepared) -> what the network gives``, before a
            final softmax or sigmoid. On CPUs it has no derivatives.
    """

    arrays: Any
    outputs: Callable[[Any, Any], Outputs]


def inference(spec: Spec, network: Network) -> InferenceEngine | None:
    """What the extension for CPUs computes of a network, where that is there and gains something.

    It has the weights that the network has now.
    """
    runtime.prepare()
    graph = graph_of(spec)
    if len(graph.inputs) > 1:
        return None
    return engine_of(
        graph,
        network,
        lambda: fold_batch_norms(graph, fold_weight_norms(graph, arrays_of(network))),
    )


def scoring(spec: Spec, network: Network) -> Scoring:
    """How a network is computed: with the extension for CPUs where that is there."""
    engine = inference(spec, network)
    graphdef, params, stats = network.parts()

    # A flat tuple: to walk through Flax's states takes as long as a small network.
    leaves, form = jax.tree.flatten((params, stats))

    def outputs(arrays: Any, prepared: Any) -> Outputs:
        leaves, numbers = arrays
        params, stats = jax.tree.unflatten(form, leaves)
        taken = NOT_TAKEN if engine is None else engine.taken(numbers)
        found: Outputs = nnx.merge(graphdef, params, stats).outputs(prepared, taken=taken)
        return found

    return Scoring((tuple(leaves), () if engine is None else engine.numbers), outputs)
