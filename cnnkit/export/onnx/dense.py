"""The fully connected layer as an operator of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.onnx.writing import Writer, Writing
from cnnkit.spec.site import Site


def _dense(write: Writing, site: Site[layers.Dense]) -> str:
    del site
    kernel = write.weight("kernel", write.array("kernel"))
    bias = [write.weight("bias", write.array("bias"))] if write.has("bias") else []
    return write.node("Gemm", write.x, kernel, *bias)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dense": _dense,
    }
)
