"""Nodes whose inputs are all constants, computed: shape arithmetic and prepared weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.onnx.tensors import check_size
from cnnkit.importing.operators.shaping import slices

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.onnx.node import ProtoNode

Function = Callable[["ProtoNode", Sequence["Array"]], "Array | list[Array]"]


def folded(node: ProtoNode, values: Sequence[Array]) -> list[Array] | None:
    """All that a node of constants gives; None where it is no operator that is computed here.

    Raises:
        RefusedError: It cannot be computed.
    """
    import numpy as np

    function = FUNCTIONS.get(node.operator)
    if function is None:
        return None
    try:
        with np.errstate(all="ignore"):
            made = function(node, values)
            return [np.asarray(each) for each in (made if isinstance(made, list) else [made])]
    except (ValueError, TypeError, IndexError, ArithmeticError, MemoryError) as error:
        raise RefusedError(f"its constants cannot be computed: {error}") from error


def _numpy(name: str) -> Function:
    def apply(node: ProtoNode, values: Sequence[Array]) -> Array:
        import numpy as np

        check_size(np.broadcast_shapes(*(each.shape for each in values)), f"node `{node.label}`")
        outcome: Array = getattr(np, name)(*values)
        return outcome

    return apply


def _axes(node: ProtoNode, values: Sequence[Array], position: int) -> list[int] | None:
    """The axes of an attribute, or, in later opsets, of an input."""
    if len(values) > position:
        return [int(axis) for axis in values[position].reshape(-1)]
    axes: list[int] | None = node.get("axes")
    return axes


def _constant_of_shape(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    shape = tuple(int(extent) for extent in values[0].reshape(-1))
    check_size(shape, f"node `{node.label}`")
    value = node.get("value")
    filler = np.zeros((), np.float32) if value is None else node.array(value).reshape(())
    return np.broadcast_to(filler, shape)


def _unsqueeze(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    axes = _axes(node, values, 1) or []
    return np.expand_dims(values[0], tuple(axes))


def _squeeze(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    axes = _axes(node, values, 1)
    return np.squeeze(values[0], None if axes is None else tuple(axes))


def _reshape(node: ProtoNode, values: Sequence[Array]) -> Array:
    old, shape = values[0], [int(extent) for extent in values[1]]
    if not node.get("allowzero", 0):
        shape = [old.shape[i] if extent == 0 else extent for i, extent in enumerate(shape)]
    return old.reshape(shape)


def _gather(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    axis = node.get("axis", 0)
    rest = math.prod(values[0].shape) // max(1, values[0].shape[axis])
    check_size((rest, values[1].size), f"node `{node.label}`")
    return np.take(values[0], values[1], axis=axis)


def _concat(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    check_size((sum(each.size for each in values),), f"node `{node.label}`")
    return np.concatenate(list(values), axis=node.get("axis", 0))


def _slice(node: ProtoNode, values: Sequence[Array]) -> Array:
    starts, stops, axes, steps = slices(node, values)
    data = values[0]
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        index: list[Any] = [slice(None)] * data.ndim
        index[axis] = slice(start, None if step < 0 and stop < -data.shape[axis] else stop, step)
        data = data[tuple(index)]
    return data


def _cast(node: ProtoNode, values: Sequence[Array]) -> Array:
    from onnx import helper

    return values[0].astype(helper.tensor_dtype_to_np_dtype(node.get("to", 1)))


def _transpose(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    return np.transpose(values[0], node.get("perm"))


def _range(_: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    start, stop, step = (each.item() for each in values)
    check_size((max(0, int((stop - start) // step)),), "a Range")
    return np.arange(start, stop, step, dtype=values[0].dtype)


def _expand(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    shape = np.broadcast_shapes(values[0].shape, tuple(int(extent) for extent in values[1]))
    check_size(shape, f"node `{node.label}`")
    return np.broadcast_to(values[0], shape)


def _divide(_: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    whole = np.issubdtype(values[0].dtype, np.integer)
    return (
        np.asarray(np.trunc(values[0] / values[1]).astype(values[0].dtype))
        if whole
        else (np.asarray(values[0] / values[1]))
    )


def _reduce_product(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    axes = _axes(node, values, 1)
    keep = bool(node.get("keepdims", 1))
    return np.asarray(np.prod(values[0], tuple(axes) if axes else None, keepdims=keep))


def _modulus(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    check_size(np.broadcast_shapes(*(each.shape for each in values)), f"node `{node.label}`")
    function = np.fmod if node.get("fmod", 0) else np.mod
    outcome: Array = function(*values)
    return outcome


def _split(node: ProtoNode, values: Sequence[Array]) -> list[Array]:
    import numpy as np

    axis, parts = node.get("axis", 0), node.outputs
    sizes = values[1] if len(values) > 1 else node.get("split")
    if sizes is None:
        each = -(-values[0].shape[axis] // parts)
        sizes = [each] * parts
    return np.split(values[0], np.cumsum(sizes)[:-1], axis)


def _scatter(node: ProtoNode, values: Sequence[Array]) -> Array:
    """ScatterND: some entries of an array are others."""
    import numpy as np

    data, indices, updates = values
    if node.get("reduction", "none") != "none":
        raise RefusedError("it adds or multiplies what it puts in")
    made: Array = np.array(data)
    made[tuple(np.moveaxis(indices, -1, 0))] = updates
    return made


def _shape(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    shape = np.asarray(values[0].shape, np.int64)
    return shape[node.get("start", 0) : node.get("end", len(shape))]


def _tile(node: ProtoNode, values: Sequence[Array]) -> Array:
    import numpy as np

    repeats = tuple(int(times) for times in values[1])
    shape = tuple(a * b for a, b in zip(values[0].shape, repeats, strict=True))
    check_size(shape, f"node `{node.label}`")
    return np.tile(values[0], repeats)


def _same(_: ProtoNode, values: Sequence[Array]) -> Array:
    return values[0]


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "Abs": _numpy("abs"),
        "Add": _numpy("add"),
        "And": _numpy("logical_and"),
        "Cast": _cast,
        "Ceil": _numpy("ceil"),
        "Concat": _concat,
        "ConstantOfShape": _constant_of_shape,
        "Div": _divide,
        "Equal": _numpy("equal"),
        "Exp": _numpy("exp"),
        "Expand": _expand,
        "Floor": _numpy("floor"),
        "Gather": _gather,
        "Greater": _numpy("greater"),
        "GreaterOrEqual": _numpy("greater_equal"),
        "Identity": _same,
        "Less": _numpy("less"),
        "LessOrEqual": _numpy("less_equal"),
        "Log": _numpy("log"),
        "Max": _numpy("maximum"),
        "Min": _numpy("minimum"),
        "Mod": _modulus,
        "Mul": _numpy("multiply"),
        "Neg": _numpy("negative"),
        "Not": _numpy("logical_not"),
        "Or": _numpy("logical_or"),
        "Pow": _numpy("power"),
        "Range": _range,
        "Reciprocal": _numpy("reciprocal"),
        "ReduceProd": _reduce_product,
        "Reshape": _reshape,
        "ScatterND": _scatter,
        "Shape": _shape,
        "Slice": _slice,
        "Split": _split,
        "Sqrt": _numpy("sqrt"),
        "Squeeze": _squeeze,
        "Sub": _numpy("subtract"),
        "Tile": _tile,
        "Transpose": _transpose,
        "Unsqueeze": _unsqueeze,
        "Where": _numpy("where"),
    }
)
"""The operators that are computed where all their inputs are constants."""
