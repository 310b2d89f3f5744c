"""A step of a traced network as a node in the vocabulary of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OPSET = 21
"""The version of ONNX's operators whose vocabulary traced steps are put into."""


@dataclass(frozen=True)
class TracedNode:
    """A step under the name that ONNX has for it, as ``operators.node.Node`` asks."""

    operator: str
    label: str
    scope: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    opset: int = OPSET

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        value = self.attributes.get(name)
        return default if value is None else value

    def number(self, name: str, default: float) -> float:
        """An attribute that is a float32, as the decimal of six digits that it was made from."""
        return float(f"{self.get(name, default):.6g}")
