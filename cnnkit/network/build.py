"""From a spec to its network."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from cnnkit.errors import SpecError, in_order
from cnnkit.layers.joining import Joined
from cnnkit.network.model import Network, Scope, named
from cnnkit.network.operation import BuildSite, Computation
from cnnkit.network.plan import Plan, Step
from cnnkit.network.registry import operation
from cnnkit.network.sharing import Borrowed
from cnnkit.spec.graph import Graph, Node
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of


def build(
    spec: Spec,
    rngs: nnx.Rngs | int = 0,
    *,
    compute_dtype: DTypeLike = jnp.float32,
    precision: str | None = None,
) -> Network:
    """The network of a spec, its weights drawn.

    >>> import cnnkit
    >>> spec = cnnkit.load({"input": "28x28x1", "layers": ["flatten", {"dense": {"units": 10}}]})
    >>> cnnkit.build(spec).layers  # doctest: +SKIP

    Args:
        spec: What ``cnnkit.load`` gives, or a ``Spec`` built in Python.
        rngs: The seed of the weights, or Flax's stream of keys.
        compute_dtype: What the layers compute in, ``jnp.bfloat16`` for half the memory of
            activations. Weights, gradients and statistics of norms stay float32.
        precision: How float32 matrices are multiplied, in JAX's words: ``"float32"``, or
            ``"tensorfloat32"``, which rounds factors to 10 bits on NVIDIA's tensor cores. None
            leaves it to ``jax_default_matmul_precision``, by default the fastest of the device:
            float32 on a CPU, tensorfloat32 on such a GPU, bfloat16 on a TPU.

    Raises:
        SpecError: The spec has findings of level error.
        LayerError: A layer could not be built; the message names its line.
    """
    graph = graph_of(spec)
    findings = in_order([*spec.origin.findings, *graph.findings])
    if any(finding.level == "error" for finding in findings):
        raise SpecError(findings)
    graph = graph.as_run
    network = Network(plan_of(graph), compute_dtype, precision)
    followers = _followers(graph)
    streams = nnx.Rngs(rngs) if isinstance(rngs, int) else rngs
    for step, node, follower in zip(network.plan.steps, graph.nodes, followers, strict=True):
        inputs = tuple(graph.shape(source) or () for source in node.inputs)
        with named(step, "built for", inputs):
            if node.shares is None:
                site = BuildSite(node.layer, node, inputs, follower, compute_dtype, streams)
                made = operation(site)
            else:
                owner = graph.nodes[node.shares]
                effect = node.effect._replace(weights=owner.effect.weights)
                alike = node._replace(effect=effect)
                site = BuildSite(node.layer, alike, inputs, follower, compute_dtype, nnx.Rngs(0))
                form = nnx.graphdef(operation(site))
                made = Borrowed(network.plan.steps[node.shares].path, form)
            _attach(network, step.path, made)
    return network


def plan_of(graph: Graph) -> Plan:
    """How the operations of a graph are wired."""
    steps = tuple(map(_step, graph.nodes))
    return Plan(tuple(graph.inputs.items()), steps, tuple(graph.outputs.items()), graph.sides)


def _step(node: Node) -> Step:
    place = node.layer.place.find(()) if node.layer.place else None
    where = f"{place.file}:{place.line}" if place else ""
    path, layer = tuple(node.path.split(".")), node.layer
    final = layer.of_classes or layer.kind == "sigmoid"
    output = node.output or ()
    return Step(path, layer.title, where, node.inputs, output, node.side, layer.random, final)


def _attach(network: Network, path: tuple[str, ...], made: Computation | Borrowed) -> None:
    """Sets an operation at its path, with the scopes on the way that are not there yet."""
    at: object = network
    for part in path[:-1]:
        if part not in vars(at):  # not by `hasattr`: a layer may be named `train`, as a method is
            setattr(at, part, Scope())
        at = getattr(at, part)
    setattr(at, path[-1], made)


def _followers(graph: Graph) -> list[str | None]:
    """The kind of the activation that follows each node, behind norms, pools, sums and shapes."""
    readers: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            readers.setdefault(source, index)
    followers: list[str | None] = [None] * len(graph.nodes)
    for index in range(len(graph.nodes) - 1, -1, -1):  # a reader comes after what it reads
        reader = readers.get(index)
        if reader is None:
            continue
        layer = graph.nodes[reader].layer
        if layer.family == "activation" and layer.kind != "linear":
            followers[index] = layer.kind
        elif isinstance(layer, Joined) or layer.family not in ("convolution", "dense"):
            followers[index] = followers[reader]
    return followers
