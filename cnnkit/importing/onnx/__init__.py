"""ONNX files. They need the package ``onnx`` alone, and no node of them is run."""

from __future__ import annotations

from cnnkit.importing.onnx.reader import read

__all__ = ["read"]
