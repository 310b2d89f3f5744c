"""A node of an ONNX graph: its operator, attributes and names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnkit.importing.onnx.tensors import array

if TYPE_CHECKING:
    import onnx

    from cnnkit.importing.graph import Array

_ROLE = re.compile(
    r"(?:[._/](?:weight|bias|kernel|gamma|beta|scale|running_mean|W|B)|_(?:w|b|s|scale|bias)_0)$"
)
"""What names of arrays say behind that of their layer, in PyTorch, Keras and Caffe2."""


@dataclass(frozen=True)
class ProtoNode:
    """A node, with the folder that its tensors may lie in and the version of its operator."""

    proto: onnx.NodeProto
    folder: Path
    opset: int

    @property
    def operator(self) -> str:
        """What it does, by the name that ONNX gives it."""
        return self.proto.op_type

    @property
    def outputs(self) -> int:
        """How many tensors it gives that have a name."""
        return sum(map(bool, self.proto.output))

    @property
    def label(self) -> str:
        """What messages call it: its name, or that of what it makes."""
        return self.proto.name or next(iter(self.proto.output), "")

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute; text is decoded."""
        from onnx import helper

        for attribute in self.proto.attribute:
            if attribute.name == name:
                value = helper.get_attribute_value(attribute)
                return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return default

    def number(self, name: str, default: float) -> float:
        """An attribute that is a float32, as the decimal of six digits that it was made from."""
        return float(f"{self.get(name, default):.6g}")

    def array(self, tensor: onnx.TensorProto) -> Array:
        """The values of a tensor in one of its attributes."""
        return array(tensor, self.folder)

    @property
    def scope(self) -> str:
        """Where the model has it, by the name of its weights or its own: ``layer1/0/conv1``."""
        for name in self.proto.input[1:]:
            if _ROLE.search(name):
                return _parts(_ROLE.sub("", name))
        path, _, _ = self.proto.name.strip("/").rpartition("/")
        return _parts(path)


def _parts(name: str) -> str:
    """A name in parts; what `layer1/layer1.0` says twice is said once."""
    found: list[str] = []
    for component in name.split("/"):
        inner = component
        if found and component.startswith(f"{found[-1]}."):
            inner = component[len(found[-1]) + 1 :]
        found += [part for part in inner.split(".") if part]
    return "/".join(found)
