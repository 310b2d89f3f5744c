"""A network as a file of Flax NNX: channels last, as in the spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.classes import Dialect, write_classes
from cnnkit.export.code import comment, hole, option
from cnnkit.export.outline import Operation, outline
from cnnkit.export.site import (
    Sides,
    Site,
    both,
    brief,
    is_even,
    is_zero,
    overhang_of,
    sides_of,
)
from cnnkit.export.target import Conversion, assembled, kinds_of, parts, plain
from cnnkit.layers import FAMILIES
from cnnkit.layers.base import Shape, show
from cnnkit.layers.joining import Joined
from cnnkit.layers.resample import centred
from cnnkit.layers.weighted import Weighted
from cnnkit.layers.window import sides
from cnnkit.spec.graph import Graph, Node

_IMPORTS = {
    "itertools": "import itertools",
    "math": "import math",
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    "nnx": "from flax import nnx",
}
_TAKEN = frozenset({*_IMPORTS, "model", "parameters"})
_DIALECT = Dialect(
    base="nnx.Module",
    array="jax.Array",
    method="__call__",
    prologue=(),
    parameter="*, rngs: nnx.Rngs",
    passed="rngs=rngs",
    sequence="nnx.Sequential",
)
_MODES = {"reflect": "reflect", "edge": "edge", "stretch": "edge", "replicate": "edge"}
_MODES["circular"] = "wrap"
_INITIALIZERS = {
    "lecun": "lecun_normal()",
    "lecun_uniform": "lecun_uniform()",
    "he": "he_normal()",
    "he_uniform": "he_uniform()",
    "glorot": "glorot_normal()",
    "glorot_uniform": "glorot_uniform()",
    "orthogonal": "orthogonal()",
    "zeros": "zeros",
    "ones": "ones",
}


def convert(graph: Graph, title: str) -> Conversion:
    """The file of a network, or why there is none."""
    taken = frozenset({*_TAKEN, *parts("flax")})
    plan = outline(graph, title, write, "Flax", sorted(taken))
    if plan.findings:
        return Conversion(None, plan.findings)
    about = f"{comment(title)}: {show(graph.input)} → {show(graph.output or ())}."
    definitions = "\n".join(write_classes(plan, _DIALECT, taken, about))
    name = plan.definition(plan.root).name
    return Conversion(
        assembled(
            "flax", _header(graph, title), _IMPORTS, definitions.rstrip() + _main(graph, name)
        ),
        (),
    )


def _header(graph: Graph, title: str) -> str:
    lines = [
        f'"""{comment(title)} as a Flax NNX model, written by `cnnkit convert --to flax`.',
        "",
        f"The input is a batch of shape [N, {', '.join(map(str, graph.input))}], channels last.",
        "Weights start as Flax starts them, but where the spec says how.",
    ]
    if kinds_of(graph) & {"batch_norm", *FAMILIES["regularization"]}:
        lines.append("A new model is in training mode: call `model.eval()` before predicting.")
    lines += ["The comments are the paths of the layers in the spec, and shapes without the batch."]
    return "\n".join([*lines, '"""'])


def _main(graph: Graph, name: str) -> str:
    shape = ", ".join(map(str, (1, *graph.input)))
    return f"""


if __name__ == "__main__":
    model = {name}(rngs=nnx.Rngs(0))
    model.eval()
    parameters = sum(x.size for x in jax.tree.leaves(nnx.state(model, nnx.Param)))
    print(f"parameters: {{parameters:,}}")
    print("output:", model(jnp.zeros(({shape}))).shape)
"""


def write(node: Node, shapes: tuple[Shape, ...]) -> Operation:
    """A node in the words of Flax."""
    if isinstance(node.layer, Joined):
        return _joined(node.layer, shapes)
    return _WRITERS[node.layer.kind](Site(node.layer, node, shapes))


def _initial(layer: Weighted, spatial: int | None = None) -> str:
    """The initialisers that the spec names, as keyword arguments."""
    text = ""
    if layer.weights is not None:
        text += f", kernel_init=given({hole('weights', plain(layer.weights))})"
    elif isinstance(layer.init, str):
        name = _INITIALIZERS[layer.init]
        if spatial and "_" in name:  # the positions do not add to a fan
            name = name.replace("()", f"(batch_axis={tuple(range(spatial))})")
        text += f", kernel_init=nnx.initializers.{name}"
    elif layer.init is not None:
        value = hole("init", float(layer.init))
        text += f", kernel_init=nnx.initializers.constant({value})"
    if isinstance(layer.bias, tuple):
        text += f", bias_init=given({hole('bias', plain(layer.bias))})"
    return text


def _padding(padding: Sides) -> object:
    if is_zero(padding):
        return "VALID"
    return brief([before for before, _ in padding]) if is_even(padding) else padding


def _conv(site: Site[Any]) -> Operation:
    windows = site.windows
    groups = site.channels if site.layer.kind == "depthwise_conv" else site.layer.groups
    padding, calls = both(sides_of(windows), overhang_of(windows)), ["{layer}({0})"]
    if site.layer.padding_mode != "zeros" and not is_zero(sides_of(windows)):
        cells = hole("sides", sides_of(windows))
        calls.insert(0, f'pad({{0}}, {cells}, "{_MODES[site.layer.padding_mode]}")')
        padding = overhang_of(windows)
    output = site.output
    build = (
        f"nnx.Conv({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        + option("strides", brief([window.stride for window in windows]), 1)
        + option("padding", _padding(padding), "SAME")
        + option("kernel_dilation", brief([window.dilation for window in windows]), 1, "dilation")
        + option("feature_group_count", groups, 1, "groups")
        + option("use_bias", site.layer.has_bias, True)
        + f"{_initial(site.layer)}, rngs=rngs)"
    )
    return Operation(tuple(calls), build)


def _locally_connected(site: Site[layers.LocallyConnected]) -> Operation:
    windows = site.windows
    calls = ["{layer}({0})"]
    overhang = overhang_of(windows)
    if not is_zero(overhang):
        calls.insert(0, f"pad({{0}}, {hole('overhang', overhang)})")
    if not is_zero(sides_of(windows)):
        mode = _MODES.get(site.layer.padding_mode, "constant")
        calls.insert(0, f'pad({{0}}, {hole("sides", sides_of(windows))}, "{mode}")')
    output = site.output
    build = (
        f"LocallyConnected({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        f", {hole('positions', output[:-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('strides', tuple(window.stride for window in windows))}"
        f", {hole('dilation', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("use_bias", site.layer.has_bias, True)
        + f"{_initial(site.layer, len(windows))}, rngs=rngs)"
    )
    return Operation(tuple(calls), build)


def _transposed_conv(site: Site[layers.TransposedConv]) -> Operation:
    windows = site.transposed
    padding = tuple((window.before, window.after - window.output_padding) for window in windows)
    output = site.output
    build = (
        f"TransposedConv({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('strides', tuple(window.stride for window in windows))}"
        f", {hole('padding', padding)}"
        f", {hole('dilation', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("use_bias", site.layer.has_bias, True)
        + f"{_initial(site.layer)}, rngs=rngs)"
    )
    return Operation(("{layer}({0})",), build)


def _dense(site: Site[layers.Dense]) -> Operation:
    output = site.output
    build = (
        f"nnx.Linear({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        + option("use_bias", site.layer.has_bias, True)
        + f"{_initial(site.layer)}, rngs=rngs)"
    )
    return Operation(("{layer}({0})",), build)


def _max_pool(site: Site[layers.MaxPool]) -> Operation:
    windows = site.windows
    padding = both(sides_of(windows), overhang_of(windows))
    size = hole("window", tuple(window.size for window in windows))
    strides = hole("strides", tuple(window.stride for window in windows))
    if any(window.dilation > 1 for window in windows):
        dilation = hole("dilation", tuple(window.dilation for window in windows))
        cells = hole("padding", padding)
        return Operation((f"dilated_max_pool({{0}}, {size}, {strides}, {dilation}, {cells})",))
    return Operation((f"nnx.max_pool({{0}}, {size}, {strides}{_cells(padding)})",))


def _cells(padding: Sides) -> str:
    return option("padding", "VALID" if is_zero(padding) else padding, "VALID")


def _mean_pool(site: Site[layers.MeanPool]) -> Operation:
    windows = site.windows
    padding, overhang = sides_of(windows), overhang_of(windows)
    size = hole("window", tuple(window.size for window in windows))
    strides = hole("strides", tuple(window.stride for window in windows))
    calls = []
    if site.layer.count_padding and not is_zero(overhang):
        # The padding counts, what `ceil` reaches beyond it does not.
        calls.append(f"pad({{0}}, {hole('sides', padding)})")
        padding = overhang
    else:
        padding = both(padding, overhang)
    counted = site.layer.count_padding and is_zero(overhang)
    count = option("count_include_pad", counted or is_zero(padding), True)
    calls.append(f"nnx.avg_pool({{0}}, {size}, {strides}{_cells(padding)}{count})")
    return Operation(tuple(calls))


def _global_pool(site: Site[Any]) -> Operation:
    function = "max" if site.layer.kind == "global_max_pool" else "mean"
    axes = tuple(range(1, len(site.shape)))
    keep = ", keepdims=True" if site.layer.keep_axes else ""
    return Operation((f"{{0}}.{function}(axis={axes}{keep})",))


def _adaptive_pool(site: Site[Any]) -> Operation:
    function = "jnp.max" if site.layer.kind == "adaptive_max_pool" else "jnp.mean"
    output = site.output[:-1]
    return Operation((f"adaptive_pool({{0}}, {hole('output', output)}, {function})",))


def _function(name: str) -> Callable[[Site[Any]], Operation]:
    """An activation without fields."""
    return lambda _: Operation((f"{name}({{0}})",))


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return Operation((f"nnx.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Operation:
    return Operation((f"nnx.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation((f"nnx.gelu({{0}}, approximate={site.layer.approximate})",))


def _prelu(site: Site[layers.Prelu]) -> Operation:
    init = option("init", site.layer.init, 0.25)
    return Operation(("{layer}({0})",), f"PReLU({hole('features', site.channels)}{init})")


def _maxout(site: Site[layers.Maxout]) -> Operation:
    return Operation((f"maxout({{0}}, {hole('pieces', site.layer.pieces)})",))


def _affine(layer: Any) -> str:
    return option("use_bias", layer.shift, True) + option("use_scale", layer.scale, True)


def _batch_norm(site: Site[layers.BatchNorm]) -> Operation:
    build = (
        f"nnx.BatchNorm({hole('features', site.channels)}"
        + option("momentum", site.layer.momentum, 0.99)
        + option("epsilon", site.layer.epsilon, 1e-5)
        + f"{_affine(site.layer)}, rngs=rngs)"
    )
    return Operation(("{layer}({0})",), build)


def _norm(name: str) -> Callable[[Site[Any]], Operation]:
    def written(site: Site[Any]) -> Operation:
        groups = (
            option("num_groups", site.layer.groups, None) if site.layer.kind == "group_norm" else ""
        )
        affine = (
            option("use_scale", site.layer.scale, True)
            if site.layer.kind == "rms_norm"
            else _affine(site.layer)
        )
        epsilon = option("epsilon", site.layer.epsilon, 1e-6)
        build = f"nnx.{name}({hole('features', site.channels)}{groups}{epsilon}{affine}, rngs=rngs)"
        return Operation(("{layer}({0})",), build)

    return written


def _local_response_norm(site: Site[layers.LocalResponseNorm]) -> Operation:
    values = (
        ("size", site.layer.size),
        ("alpha", site.layer.alpha),
        ("beta", site.layer.beta),
        ("k", site.layer.k),
    )
    arguments = ", ".join(f"{name}={hole(name, value)}" for name, value in values)
    return Operation((f"local_response_norm({{0}}, {arguments})",))


def _rescale(site: Site[layers.Rescale]) -> Operation:
    mean, deviation = (
        f"jnp.array({hole(name, value)})" if isinstance(value, tuple) else hole(name, value)
        for name, value in (("mean", site.layer.mean), ("deviation", site.layer.deviation))
    )
    return Operation((f"({{0}} - {mean}) / {deviation}",))


def _dropout(site: Site[Any]) -> Operation:
    axes: tuple[int, ...] = ()
    if site.layer.kind == "spatial_dropout":
        axes = tuple(range(1, len(site.shape)))
    elif site.layer.kind == "drop_path":
        axes = tuple(range(1, len(site.shape) + 1))
    broadcast = f", broadcast_dims={axes}" if axes else ""
    build = f"nnx.Dropout({hole('rate', site.layer.rate)}{broadcast}, rngs=rngs)"
    return Operation(("{layer}({0})",), build)


def _gaussian_noise(site: Site[layers.GaussianNoise]) -> Operation:
    build = f"GaussianNoise({hole('deviation', site.layer.deviation)}, rngs=rngs)"
    return Operation(("{layer}({0})",), build)


def _flatten(site: Site[Any]) -> Operation:
    return Operation(("{0}.reshape({0}.shape[0], -1)" if len(site.shape) > 1 else "{0}",))


def _reshape(site: Site[Any]) -> Operation:
    return Operation((f"{{0}}.reshape(-1, *{hole('shape', site.output)})",))


def _pad(site: Site[layers.Pad]) -> Operation:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = []
    if not is_zero(cells):
        mode = _MODES.get(site.layer.padding_mode, "constant")
        calls.append(f'pad({{0}}, {hole("sides", cells)}, "{mode}")')
    added = site.layer.channels
    before, after = (added, added) if isinstance(added, int) else added
    if before or after:
        widths = ", ".join(["(0, 0)"] * len(site.shape))
        calls.append(
            f"jnp.pad({{0}}, ({widths}, ({hole('before', before)}, {hole('after', after)})))"
        )
    return Operation(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Operation:
    output = site.output
    if site.layer.cells is None:
        cut: Sides = tuple(map(centred, site.shape[:-1], output[:-1]))
    else:
        cut = sides(site.layer.cells, site.rank) or ()
    spans = ", ".join(
        f"{hole('start', before)}:{hole('stop', before + kept)}"
        for (before, _), kept in zip(cut, output[:-1], strict=True)
    )
    return Operation((f"{{0}}[:, {spans}]",))


def _upsample(site: Site[layers.Upsample]) -> Operation:
    extents = hole("extents", site.output[:-1])
    return Operation((f'upsample({{0}}, {extents}, "{site.layer.method}")',))


def _rearranged(site: Site[Any]) -> Operation:
    return Operation((f"{site.layer.kind}({{0}}, {hole('block', site.block)})",))


def _channel_shuffle(site: Site[layers.ChannelShuffle]) -> Operation:
    return Operation((f"channel_shuffle({{0}}, {hole('groups', site.layer.groups)})",))


def _channel_slice(site: Site[layers.ChannelSlice]) -> Operation:
    start = hole("start", site.layer.start) if site.layer.start else ""
    stop = "" if site.layer.stop is None else hole("stop", site.layer.stop)
    return Operation((f"{{0}}[..., {start}:{stop}]",))


def _scale(site: Site[layers.Scale]) -> Operation:
    if not site.layer.learnt:
        return Operation((f"{{0}} * {hole('factor', site.layer.init)}",))
    init = option("init", site.layer.init, 1.0)
    return Operation(("{layer}({0})",), f"Scale({hole('features', site.channels)}{init})")


def _joined(layer: Joined, shapes: tuple[Shape, ...]) -> Operation:
    rank = max(map(len, shapes))
    inputs = [f"{{{place}}}" for place in range(len(shapes))]
    if layer.by == "concat":
        return Operation((f"jnp.concatenate([{', '.join(inputs)}], axis=-1)",))
    if layer.by == "multiply":
        for place, shape in enumerate(shapes):
            if len(shape) == 1 < rank:  # a factor for each channel of a map
                inputs[place] += f"[:{', None' * (rank - 1)}]"
        return Operation((" * ".join(inputs),))
    if layer.by == "maximum":
        text = inputs[0]
        for other in inputs[1:]:
            text = f"jnp.maximum({text}, {other})"
        return Operation((text,))
    total = " + ".join(inputs)
    return Operation((f"({total}) / {len(inputs)}" if layer.by == "mean" else total,))


_WRITERS: Mapping[str, Callable[[Site[Any]], Operation]] = MappingProxyType(
    {
        "conv": _conv,
        "depthwise_conv": _conv,
        "transposed_conv": _transposed_conv,
        "locally_connected": _locally_connected,
        "dense": _dense,
        "max_pool": _max_pool,
        "mean_pool": _mean_pool,
        "global_max_pool": _global_pool,
        "global_mean_pool": _global_pool,
        "adaptive_max_pool": _adaptive_pool,
        "adaptive_mean_pool": _adaptive_pool,
        "relu": _function("nnx.relu"),
        "relu6": _function("nnx.relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _function("nnx.selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": _function("nnx.silu"),
        "mish": _function("jax.nn.mish"),
        "sigmoid": _function("nnx.sigmoid"),
        "hard_sigmoid": _function("nnx.hard_sigmoid"),
        "hard_silu": _function("nnx.hard_silu"),
        "tanh": _function("nnx.tanh"),
        "softplus": _function("nnx.softplus"),
        "softmax": _function("nnx.softmax"),
        "log_softmax": _function("nnx.log_softmax"),
        "maxout": _maxout,
        "linear": lambda _: Operation(("{0}",)),
        "batch_norm": _batch_norm,
        "layer_norm": _norm("LayerNorm"),
        "group_norm": _norm("GroupNorm"),
        "instance_norm": _norm("InstanceNorm"),
        "rms_norm": _norm("RMSNorm"),
        "local_response_norm": _local_response_norm,
        "rescale": _rescale,
        "dropout": _dropout,
        "spatial_dropout": _dropout,
        "drop_path": _dropout,
        "gaussian_noise": _gaussian_noise,
        "flatten": _flatten,
        "reshape": _reshape,
        "pad": _pad,
        "crop": _crop,
        "upsample": _upsample,
        "depth_to_space": _rearranged,
        "space_to_depth": _rearranged,
        "channel_shuffle": _channel_shuffle,
        "channel_slice": _channel_slice,
        "scale": _scale,
    }
)
