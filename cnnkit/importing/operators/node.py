"""What an operator must know of the node that it is read from, whatever the format."""

from __future__ import annotations

from typing import Any, Protocol


class OperatorNode(Protocol):
    """A node of a model, in the vocabulary of ONNX."""

    @property
    def operator(self) -> str:
        """What it does, by the name that ONNX gives it."""

    @property
    def label(self) -> str:
        """What messages call it."""

    @property
    def scope(self) -> str:
        """Where the model has it, such as ``layer1/0/conv1``."""

    @property
    def opset(self) -> int:
        """The version of ONNX's operators whose attributes and inputs it has."""

    @property
    def outputs(self) -> int:
        """How many tensors it gives that have a name."""

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""

    def number(self, name: str, default: float) -> float:
        """An attribute that is a float32, as the decimal of six digits that it was made from."""
