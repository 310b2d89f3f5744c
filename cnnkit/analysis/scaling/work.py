"""The FLOPs of a step of training: those of the forward pass, and of the gradients.

The gradient of a kernel is a sum over as many products as the forward pass has, and so is that of
the input, so that a step costs three times the forward pass, two FLOPs a multiply-accumulate. The
gradient of an input is left out where no weights that are trained stand before it, as before the
first layer, and that of a kernel where it is frozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from cnnkit.layers.shape import total
from cnnkit.spec.graph import Graph, Node


def learners(graph: Graph, frozen: Set[str]) -> Iterator[int]:
    """The operations whose output has a gradient: with weights that are trained, or behind such.

    Args:
        graph: The operations.
        frozen: Those whose weights are never trained, by their paths.
    """
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if learns(graph, node, frozen) or not found.isdisjoint(node.inputs):
            found.add(index)
            yield index


def learns(graph: Graph, node: Node, frozen: Set[str]) -> bool:
    """Whether an operation has weights that are trained, be they its own or another's."""
    owner = node if node.shares is None else graph.nodes[node.shares]
    return owner.path not in frozen and any(each.trainable for each in owner.effect.weights)


def step_flops(graph: Graph, frozen: Set[str] = frozenset(), strips: int = 1) -> int:
    """The FLOPs of a step for one example, of one of the devices that share out its maps.

    A layer of a map is done in so many strips, of which the first is never smaller than others; one
    of a vector is done on each device.
    """
    flops, behind = 0, set(learners(graph, frozen))
    for node in graph.nodes:
        times = 1 + learns(graph, node, frozen) + (not behind.isdisjoint(node.inputs))
        macs, shape = total(node.effect.macs), node.output or (0,)
        if strips > 1 and len(shape) > 1:
            macs = macs // shape[0] * -(-shape[0] // strips)
        flops += 2 * macs * times
    return flops
