"""Layers of Flax NNX that are read whole, known by what their class does when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from cnnkit.importing.flax.attention import attention
from cnnkit.importing.graph import RefusedError

if TYPE_CHECKING:
    from cnnkit.importing.flax.equation import Equation
    from cnnkit.importing.operators.view import View

Function = Callable[["Equation", Any, Mapping[str, Any]], "View"]
_EVAL = "call `eval()` of the module"


def function_of(module: Any) -> Function | None:
    """What reads a module whole; None of one that is traced through."""
    return _functions().get(_called(type(module)))


@cache
def _functions() -> Mapping[Any, Function]:
    from flax import nnx

    return {
        _called(nnx.BatchNorm): _batch_norm,
        _called(nnx.Dropout): _dropout,
        _called(nnx.GroupNorm): _group_norm,
        _called(nnx.InstanceNorm): _instance_norm,
        _called(nnx.LayerNorm): _layer_norm,
        _called(nnx.MultiHeadAttention): attention,
        _called(nnx.RMSNorm): _rms_norm,
    }


def _called(kind: type) -> Any:
    """What a call of a class does: a class that derives from another may do the same."""
    called = kind.__call__
    return getattr(called, "__wrapped__", called)  # while it is hooked


def _batch_norm(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    asked = options.get("use_running_average")
    if not (module.use_running_average if asked is None else asked):
        raise RefusedError("it takes the statistics of the batch", _EVAL)
    _last_axis(module.axis, equation)
    statistics = _array(module.mean), _array(module.var)
    return equation.channels_first(
        "BatchNormalization",
        equation.view,
        *_affine(module),
        *statistics,
        epsilon=module.epsilon,
        momentum=module.momentum,
    )


def _layer_norm(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    _unmasked(options)
    _last_axis(module.reduction_axes, equation)
    _last_axis(module.feature_axes, equation)
    made: View = equation.onnx(
        "LayerNormalization", equation.view, *_affine(module), axis=-1, epsilon=module.epsilon
    )
    return made


def _group_norm(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    _unmasked(options)
    axes, rank = module.reduction_axes, len(equation.shapes[0])
    if axes is not None and {axis % rank for axis in axes} != set(range(1, rank)):
        raise RefusedError(f"it is over the axes {list(axes)}", "near is group_norm")
    return equation.channels_first(
        "GroupNormalization",
        equation.view,
        *_affine(module),
        num_groups=module.num_groups,
        epsilon=module.epsilon,
    )


def _instance_norm(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    _unmasked(options)
    _last_axis(module.feature_axes, equation)
    return equation.channels_first(
        "InstanceNormalization", equation.view, *_affine(module), epsilon=module.epsilon
    )


def _rms_norm(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    _unmasked(options)
    _last_axis(module.reduction_axes, equation)
    _last_axis(module.feature_axes, equation)
    view, scale = equation.view, _array(module.scale)
    if view.channel_axis != len(view.axes) - 1:
        raise RefusedError("it is over another axis than the channels", "near is rms_norm")
    epsilon = float(f"{module.epsilon:.6g}")
    fields = ({} if epsilon == 1e-5 else {"epsilon": epsilon}) | (
        {} if scale is not None else {"scale": False}
    )
    weights = {} if scale is None else {"scale": scale.reshape(-1)}
    node = equation.node("rms_norm")
    number = equation.build.apply(node, "rms_norm", view.source, fields=fields, weights=weights)
    return view.over(number)


def _dropout(equation: Equation, module: Any, options: Mapping[str, Any]) -> View:
    view, rate = equation.view, float(module.rate)
    asked = options.get("deterministic")
    if not (module.deterministic if asked is None else asked):
        raise RefusedError("it drops at random", _EVAL)
    if rate == 0 or rate >= 1:
        return view  # in `eval()` it changes nothing; ours drops less than all
    rank = len(equation.shapes[0])
    axes = tuple(sorted(axis % rank for axis in module.broadcast_dims))
    kinds = {(): "dropout", tuple(range(1, rank)): "drop_path"}
    kinds[tuple(range(1, rank - 1))] = "spatial_dropout" if rank > 2 else "dropout"
    if axes not in kinds:
        raise RefusedError(
            f"it drops alike along the axes {list(axes)}",
            "near are dropout, spatial_dropout and drop_path",
        )
    kind, node = kinds[axes], equation.node(kinds[axes])
    view = equation.build.flattened(node, view)
    return view.over(equation.build.apply(node, kind, view.source, fields={"rate": rate}))


def _affine(module: Any) -> tuple[Any, Any]:
    """The scale and the shift; None of one that there is not."""
    return _array(module.scale), _array(module.bias)


def _array(variable: Any) -> Any:
    import numpy as np

    return None if variable is None else np.asarray(variable[...], np.float32)


def _last_axis(axes: Any, equation: Equation) -> None:
    rank = len(equation.shapes[0])
    given = [axes] if isinstance(axes, int) else list(axes)
    if [axis % rank for axis in given] != [rank - 1]:
        raise RefusedError(
            f"it is over the axes {given}", "near are the norms of the channels, the last axis"
        )


def _unmasked(options: Mapping[str, Any]) -> None:
    if options.get("mask") is not None:
        raise RefusedError("it has a mask", "near is the norm of the whole tensor")
