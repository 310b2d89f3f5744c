"""A network as source code of another framework: text from the graph, no framework loaded.

``TARGETS`` is the whole table; each target is a module with ``convert(graph, title)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.export.target import Conversion
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

__all__ = ["TARGETS", "Conversion", "convert"]

TARGETS: Mapping[str, str] = MappingProxyType(
    {"flax": "Flax NNX", "torch": "PyTorch", "keras": "Keras"}
)
"""The targets, and what they are called; a target is a module of this package."""


def convert(spec: Spec, target: str) -> Conversion:
    """The network of a spec as one runnable file of another framework.

    Where the spec is faulty, or the target cannot say it exactly, there is no code, and the
    findings say why.

    Args:
        spec: What ``cnnkit.load`` gives, or a ``Spec`` built in Python.
        target: A key of ``TARGETS``.

    Raises:
        UsageError: There is no such target.
    """
    if target not in TARGETS:
        near = did_you_mean(target, TARGETS)
        advice = f"did you mean {near}?" if near else f"there are {', '.join(TARGETS)}"
        raise UsageError(f"there is no target {target}; {advice}")
    graph = graph_of(spec)
    findings = (*spec.origin.findings, *graph.findings)
    if any(finding.level == "error" for finding in findings):
        return Conversion(None, findings)
    conversion: Conversion = import_module(f"cnnkit.export.{target}").convert(
        graph.as_run, spec.name or "network"
    )
    return conversion
