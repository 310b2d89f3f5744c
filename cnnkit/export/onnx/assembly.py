"""The protobuf of a written model, checked by ONNX itself, and its shapes by ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cnnkit import __version__
from cnnkit.errors import ExportError
from cnnkit.export.onnx.doors import names_of
from cnnkit.export.onnx.writing import Draft
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.graph import Graph

BATCH = "N"


def assembled(
    draft: Draft,
    graph: Graph,
    name: str,
    read: np.dtype[np.generic] | None,
    metadata: Mapping[str, str],
) -> onnx.ModelProto:
    """The model of a draft.

    Args:
        draft: What was written.
        graph: The network.
        name: What it is called.
        read: The type of the input; None for float32.
        metadata: What the model carries beside the network.

    Raises:
        ExportError: ONNX refuses it, or finds other shapes than the analysis.
    """
    inputs, outputs = names_of(graph)
    opsets = [helper.make_opsetid("", draft.opset)]
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(
                    each.kind, each.inputs, [each.output], each.name, **each.attributes
                )
                for each in draft.operators
            ],
            name,
            [
                _value(each, shape, np.dtype(np.float32) if read is None else read)
                for each, shape in zip(inputs, graph.inputs.values(), strict=True)
            ],
            [
                _value(each, shape or (), np.dtype(np.float32))
                for each, shape in zip(outputs, graph.given.values(), strict=True)
            ],
            [numpy_helper.from_array(array, key) for key, array in draft.initializers.items()],
        ),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="cnnkit",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(metadata))
    try:
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"ONNX refuses the model, which is a fault of cnnkit: {error}") from error
    _require_shapes(inferred, graph)
    return inferred


def _value(name: str, shape: Shape, dtype: np.dtype[Any]) -> onnx.ValueInfoProto:
    element = helper.np_dtype_to_tensor_dtype(dtype)
    return helper.make_tensor_value_info(name, element, [BATCH, *shape])


def _require_shapes(model: onnx.ModelProto, graph: Graph) -> None:
    """Raises where ONNX infers another shape of a layer than the analysis."""
    ours = {node.path: node.output or () for node in graph.nodes}
    for value in model.graph.value_info:
        if value.name not in ours:
            continue
        *extents, channels = ours[value.name]
        dimensions = value.type.tensor_type.shape.dim
        found = [each.dim_value for each in dimensions[1:]]
        if found != [channels, *extents]:
            raise ExportError(
                f"{value.name} has the shape {_shown(found)} in ONNX, channels first, and "
                f"{show(ours[value.name])} in the spec, channels last: this is a fault of cnnkit"
            )


def _shown(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
