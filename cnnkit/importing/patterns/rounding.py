"""A `rounding: ceil` that rounds nothing up: it is left out."""

from __future__ import annotations

from cnnkit.importing.graph import PLACEHOLDER, OperationGraph
from cnnkit.layers.kinds import layer_class


def drop_rounding(graph: OperationGraph) -> None:
    """Drops what a pool says of its rounding where its windows fit exactly.

    Where a model was written from a spec, that said it.
    """
    for operation in graph.operations.values():
        written = operation.place is not None or "rounding" not in operation.fields
        if operation.kind == PLACEHOLDER or written:
            continue
        fields = {key: value for key, value in operation.fields.items() if key != "rounding"}
        layer = layer_class(operation.kind).model_validate(fields)
        if not layer.effect(graph.shape(operation.inputs[0])).problems:
            operation.fields = fields
