"""Layers with weights, and pools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.windows import scalar

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Made
    from cnnkit.importing.torch.call import Call

Function = Callable[["Call"], "Made"]


def _convolution(call: Call) -> Made:
    rank = call.rank
    attributes: dict[str, Any] = {
        "strides": call.each("stride", rank),
        "dilations": call.each("dilation", rank),
        "group": call["groups"],
    }
    if call["padding"] == "same":
        attributes["auto_pad"] = "SAME_UPPER"  # PyTorch, too, puts the odd cell behind
    elif call["padding"] != "valid":
        attributes["pads"] = call.each("padding", rank, 0) * 2
    return call.onnx("Conv", call["input"], call["weight"], call["bias"], **attributes)


def _transposed(call: Call) -> Made:
    rank = call.rank
    return call.onnx(
        "ConvTranspose",
        call["input"],
        call["weight"],
        call["bias"],
        strides=call.each("stride", rank),
        dilations=call.each("dilation", rank),
        pads=call.each("padding", rank, 0) * 2,
        output_padding=call.each("output_padding", rank, 0),
        group=call["groups"],
    )


def _linear(call: Call) -> Made:
    return call.onnx("Gemm", call["input"], call["weight"], call["bias"], transB=1)


def _addmm(call: Call) -> Made:
    if call["alpha"] != 1 or call["beta"] != 1:
        raise RefusedError("it scales its product", "near is dense")
    return call.onnx("Gemm", call["mat1"], call["mat2"], call["self"])


def _matmul(call: Call) -> Made:
    other = call["other"] if call["other"] is not None else call["mat2"]
    return call.onnx("MatMul", call.first, other)


def _batch_norm(call: Call) -> Made:
    if call["running_mean"] is None or call["training"]:
        raise RefusedError("it takes the statistics of the batch", "call `eval()` of the module")
    statistics = call["running_mean"], call["running_var"]
    return call.onnx(
        "BatchNormalization",
        call["input"],
        call["weight"],
        call["bias"],
        *statistics,
        epsilon=call["eps"],
        momentum=round(1 - call["momentum"], 6),
    )


def _instance_norm(call: Call) -> Made:
    if not call["use_input_stats"]:
        raise RefusedError("it has running averages", "near is batch_norm")
    return call.onnx(
        "InstanceNormalization", call["input"], call["weight"], call["bias"], epsilon=call["eps"]
    )


def _group_norm(call: Call) -> Made:
    return call.onnx(
        "GroupNormalization",
        call["input"],
        call["weight"],
        call["bias"],
        num_groups=call["num_groups"],
        epsilon=call["eps"],
    )


def _layer_norm(call: Call) -> Made:
    axis = -len(call["normalized_shape"])
    return call.onnx(
        "LayerNormalization",
        call["input"],
        call["weight"],
        call["bias"],
        axis=axis,
        epsilon=call["eps"],
    )


def _pool(operator: str) -> Function:
    def apply(call: Call) -> Made:
        rank = call.rank
        size = call.each("kernel_size", rank)
        if call["divisor_override"] is not None:
            raise RefusedError("it divides by another number than that of the cells")
        return call.onnx(
            operator,
            call["self"],
            kernel_shape=size,
            strides=call.each("stride", rank) if call["stride"] else size,
            pads=call.each("padding", rank, 0) * 2,
            dilations=call.each("dilation", rank),
            ceil_mode=int(bool(call["ceil_mode"])),
            count_include_pad=int(bool(call["count_include_pad"])),
        )

    return apply


def _adaptive(kind: str, everywhere: str) -> Function:
    def apply(call: Call) -> Made:
        view = call["self"]
        output = call.each("output_size", call.rank)
        if output == list(view.extents[1:]):
            made: Made = view
        elif set(output) == {1}:
            made = call.onnx(everywhere, view)
        else:
            made = call.made(kind, {"output": scalar(output)})
        return made

    return apply


def _reduced(operator: str) -> Function:
    def apply(call: Call) -> Made:
        axes = call["dim"]
        axes = [axes] if isinstance(axes, int) else axes
        return call.onnx(operator, call["self"], axes=axes, keepdims=int(bool(call["keepdim"])))

    return apply


def _norm(call: Call) -> Made:
    if call["ord"] != 2:
        raise RefusedError(f"it is a norm of order {call['ord']}", "near is reduce, by the norm")
    return _reduced("ReduceL2")(call)


_MEAN = _adaptive("adaptive_mean_pool", "GlobalAveragePool")


def _with_places(function: Function) -> Function:
    """Also what gives the places of the maxima, which nothing may read."""

    def apply(call: Call) -> Made:
        made = function(call)
        return [made, None]  # type: ignore[list-item]

    return apply


_MAX = _adaptive("adaptive_max_pool", "GlobalMaxPool")

WINDOWS: Mapping[str, Function] = MappingProxyType(
    {
        **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
        **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
        "addmm": _addmm,
        "linear": _linear,
        "matmul": _matmul,
        "mm": _matmul,
        "batch_norm": _batch_norm,
        "group_norm": _group_norm,
        "instance_norm": _instance_norm,
        "layer_norm": _layer_norm,
        **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), _pool("MaxPool")),
        "max_pool2d_with_indices": _with_places(_pool("MaxPool")),
        **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _pool("AveragePool")),
        **dict.fromkeys((f"adaptive_avg_pool{rank}d" for rank in (1, 2, 3)), _MEAN),
        **dict.fromkeys((f"adaptive_max_pool{rank}d" for rank in (1, 2, 3)), _with_places(_MAX)),
        "amax": _reduced("ReduceMax"),
        "linalg_vector_norm": _norm,
        "mean": _reduced("ReduceMean"),
        "sum": _reduced("ReduceSum"),
    }
)
"""By the names of ATen."""
