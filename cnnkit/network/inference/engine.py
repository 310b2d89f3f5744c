"""The parts of a network that the extension computes, and how they stand in the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.network.inference.bounds import FURTHEST, watched_in
from cnnkit.network.inference.fusing import fused
from cnnkit.network.inference.lowering import Arrays, is_identity, lowered
from cnnkit.network.kernels import onednn
from cnnkit.network.kernels.onednn.inference import (
    InferenceProgram,
    Instruction,
    RefusedProgramError,
)
from cnnkit.network.model import Network
from cnnkit.network.plan import Plan
from cnnkit.network.taken import Taken, Values
from cnnkit.spec.graph import Graph

Fold = Callable[[], tuple[Arrays, Set[int]]]
"""Gives the weights of a network by name, batch norms made part of the layers before them, and
the norms that are no longer there."""


class FusedRun(NamedTuple):
    """Nodes one after the other that are one program.

    Attributes:
        nodes: Their numbers.
        inputs: The nodes before whose values are read.
        outputs: Those of them whose values are read behind them.
        model: What computes them.
    """

    nodes: range
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    model: InferenceProgram


@dataclass(frozen=True)
class InferenceEngine:
    """How a network is computed on a CPU where the extension is.

    Attributes:
        runs: What the extension computes, in order.
        same: Nodes that are not computed, and those whose values they have.
    """

    runs: tuple[FusedRun, ...]
    same: Mapping[int, int]

    @property
    def numbers(self) -> tuple[Array, ...]:
        """What a compiled program is given beside the arrays of the network."""
        return tuple(run.model.number for run in self.runs)

    def taken(self, numbers: tuple[Array, ...]) -> dict[int, Taken]:
        """What is computed in the place of the network's own steps, by the step it begins at.

        Args:
            numbers: Those of this engine, or of one of the same network with other weights.
        """
        taken = {
            node: Taken(node + 1, partial(self._alike, range(node, node + 1))) for node in self.same
        }
        for run, number in zip(self.runs, numbers, strict=True):
            taken[run.nodes.start] = Taken(run.nodes.stop, partial(self._computed, run, number))
        return taken

    def _computed(self, run: FusedRun, number: Array, values: Values) -> Values:
        inputs = [values[node] for node in run.inputs]
        given = dict(zip(run.outputs, run.model.call(number, inputs), strict=True))
        return {**given, **self._alike(run.nodes, {**values, **given})}

    def _alike(self, nodes: range, values: Values) -> Values:
        """The values of nodes that have another one's, as far as that is there."""
        return {
            node: values[self.same[node]]
            for node in nodes
            if node in self.same and self.same[node] in values
        }


def engine_of(graph: Graph, network: Network, fold: Fold) -> InferenceEngine | None:
    """The engine of a network of float32; None where nothing is gained.

    Args:
        graph: The network's.
        network: The network.
        fold: What is done to its weights; called where there may be an engine.
    """
    if jax.default_backend() != "cpu" or network.compute_dtype != jnp.float32:
        return None
    if not onednn.load().active:
        return None
    try:
        engine = _Making(graph, network.plan, *fold()).engine()
    except RefusedProgramError:
        return None
    return engine if engine.runs else None


class _Making:
    """Cuts a graph into runs, and makes a program of each."""

    def __init__(self, graph: Graph, plan: Plan, arrays: Arrays, folded: Set[int]) -> None:
        self._graph = graph
        ends = {step for _, step in plan.outputs if plan.final(step)}
        # What a loss or a probability is computed from is read behind the last step but one.
        self._outputs = {plan.before_final(step) for _, step in plan.outputs}
        instructions = {
            index: lowered(graph, index, arrays)
            for index, node in enumerate(graph.nodes)
            if index not in ends and not node.side
        }
        self._instructions = {at: each for at, each in instructions.items() if each is not None}
        runs = [run for run in self._ranges(ends) if self._gains(run)]
        inside = {node for run in runs for node in run}
        self._same: dict[int, int] = {}
        for index, node in enumerate(graph.nodes):
            source = node.inputs[0] if node.inputs else index
            gone = index in folded and source in inside
            if gone or (index in inside and is_identity(node)):
                self._same[index] = self._same.get(source, source)
        self._runs = runs

    def engine(self) -> InferenceEngine:
        """The engine, its programs given to the extension."""
        runs = tuple(filter(None, map(self._run, self._runs)))
        return InferenceEngine(runs, self._same)

    def _ranges(self, ends: set[int]) -> list[range]:
        """The longest ranges of nodes that all can be said."""
        ranges, start = [], 0
        nodes = self._graph.nodes
        for index in range(len(nodes) + 1):
            said = index < len(nodes) and index not in ends
            if said and (
                index in self._instructions or nodes[index].side or is_identity(nodes[index])
            ):
                continue
            if index > start:
                ranges.append(range(start, index))
            start = index + 1
        return ranges

    def _gains(self, nodes: range) -> bool:
        """Whether there is a convolution among them: XLA does all else as well."""
        made = (self._instructions.get(node) for node in nodes)
        return any(each is not None and each.kind == "convolution" for each in made)

    def _sources(self, index: int) -> tuple[int, ...]:
        node = self._graph.nodes[index]
        return tuple(self._same.get(source, source) for source in node.inputs)

    def _run(self, nodes: range) -> FusedRun | None:
        within = [at for at in nodes if at in self._instructions and at not in self._same]
        sources = dict.fromkeys(source for at in within for source in self._read(at))
        inputs = tuple(source for source in sources if source not in nodes)
        behind = {self._same.get(at, at) for at in self._outputs}
        for index, node in enumerate(self._graph.nodes):
            if index not in nodes and not node.side:
                behind.update(self._sources(index))
        outputs = tuple(at for at in within if at in behind)
        if not outputs:
            return None
        values = {node: number for number, node in enumerate((*inputs, *within))}
        shapes = [self._graph.shape(node) or () for node in values]
        program = [self._numbered(self._instructions[at], values) for at in within]
        read, given = ([values[node] for node in each] for each in (inputs, outputs))
        program = fused(program, given, shapes)
        watched = watched_in(program, read)
        model = InferenceProgram(
            onednn.load().path, shapes, read, given, program, watched, FURTHEST
        )
        return FusedRun(nodes, inputs, outputs, model)

    def _read(self, index: int) -> tuple[int, ...]:
        return tuple(self._same.get(each, each) for each in self._instructions[index].inputs)

    def _numbered(self, each: Instruction, values: Mapping[int, int]) -> Instruction:
        each.inputs = tuple(values[source] for source in self._read(each.output))
        each.output = values[each.output]
        return each
