"""The analysis: one fold over the graph of a spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from cnnkit.analysis.input_order import misordered_input
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.misalignment import findings as misaligned_findings
from cnnkit.analysis.precision import Precision
from cnnkit.analysis.receptive_field import Fields, fields_of_inputs
from cnnkit.analysis.result import Analysis, Settings, Totals
from cnnkit.analysis.sums import Sums
from cnnkit.errors import UsageError, in_order
from cnnkit.garbage import uncollected
from cnnkit.spec import layer_patterns
from cnnkit.spec.graph import Graph, Group
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

if TYPE_CHECKING:
    from pathlib import Path

    from cnnkit.analysis.convention import ConventionCount
    from cnnkit.analysis.machines import Machine


@uncollected
def analyze(
    spec: Spec,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    optimizer: str = "adam",
    convention: str | None = None,
    machine: Machine | str | Path | None = None,
) -> Analysis:
    """Shapes, counts, cost, memory and receptive fields of a spec.

    Nothing is raised for a faulty spec: what is wrong is in ``findings``, and the report goes
    on with the floored shape.

    Args:
        spec: What ``cnnkit.load`` gives, or a ``Spec`` built in Python.
        batch: Examples at once, for the memory and the time.
        precision: Of the activations, for the memory and the time.
        optimizer: Whose state training keeps, for the memory and the time.
        convention: The name of a tool whose count is given beside ours; see
            ``cnnkit.analysis.convention``.
        machine: What the time is estimated for: the name of a known machine, the file of one, or
            what was read of it; see ``cnnkit.analysis.machines``. By default there is no time.

    Raises:
        UsageError: There is no such file, or the machine has no rates of the precision.
        SpecError: There is no machine of the name, or its file says what no machine's says.
    """
    of = _machine(machine, precision)
    graph = graph_of(spec)
    fields, by_input, misaligned = fields_of_inputs(graph)
    tree = _Fold(graph, fields, by_input).layer(graph.root)
    findings = [*spec.origin.findings, *graph.findings, *misaligned_findings(graph, misaligned)]
    findings += filter(None, [misordered_input(spec)])
    findings += layer_patterns.faults(spec, graph)
    ordered = tuple(in_order(findings))
    settings = Settings(batch, precision, optimizer, of)
    return Analysis(
        spec,
        graph,
        tree,
        Totals(tree, settings, layer_patterns.untrained(spec.train, graph)),
        ordered,
        settings,
        _counted_as(graph, convention) if convention else None,
    )


def _machine(given: Machine | str | Path | None, precision: Precision) -> Machine | None:
    if given is None:
        return None
    from cnnkit.analysis.machines import Machine, read_machine  # only who asks pays for this

    machine = given if isinstance(given, Machine) else read_machine(given)
    if machine.rates_of(precision) is None:
        known = " or ".join(machine.rates)
        raise UsageError(
            f"{machine.name} has no rates of {precision}: ask for the precision {known}"
        )
    return machine


def _counted_as(graph: Graph, convention: str) -> ConventionCount:
    from cnnkit.analysis.convention import count_as  # only who asks for one pays for this import

    return count_as(graph, convention)


class _Fold:
    """Makes the tree of layers from the groups of a graph."""

    def __init__(
        self, graph: Graph, fields: Sequence[Fields], by_input: Mapping[str, Sequence[Fields]]
    ) -> None:
        self.graph = graph
        self.sums = Sums(graph)
        self.fields = fields
        self.by_input = by_input

    def layer(self, group: Group) -> LayerAnalysis:
        """The analysis of a group and of all below it."""
        children = self._children(group)
        return LayerAnalysis(
            group, self.graph, self.sums, self.fields, children, seen_of=self.by_input
        )

    def _children(self, group: Group) -> tuple[LayerAnalysis, ...]:
        """The layers inside a composite, and the operations between them, in order."""
        if group.layer is not None and group.layer.family != "composition":
            return ()  # a conv with its activation is one row
        if not group.children and group.stop - group.start < 2:
            return ()
        found: list[LayerAnalysis] = []
        node = group.start
        for child in group.children:
            found += map(self._operation, repeat(group), range(node, child.start))
            found.append(self.layer(child))
            node = child.stop
        found += map(self._operation, repeat(group), range(node, group.stop))
        return tuple(found)

    def _operation(self, group: Group, index: int) -> LayerAnalysis:
        """A composite's own operation, such as the sum at the end of a residual."""
        node = self.graph.nodes[index]
        inner = Group(
            node.layer,
            node.layer.title,
            node.path.removeprefix(f"{group.path}."),
            node.path,
            index,
            index + 1,
            self.graph.shape(node.inputs[0]),
            node.output,
            index,
        )
        return LayerAnalysis(
            inner, self.graph, self.sums, self.fields, composite=group, seen_of=self.by_input
        )
