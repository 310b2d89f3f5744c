"""A network as a file of PyTorch: channels first, [N, C, *spatial]."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.classes import Dialect, write_classes
from cnnkit.export.code import comment, hole, option
from cnnkit.export.outline import InexpressibleError, Operation, outline
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
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
}
_TAKEN = frozenset({*_IMPORTS, "model", "parameters"})
_DIALECT = Dialect(
    base="nn.Module",
    array="torch.Tensor",
    method="forward",
    prologue=("super().__init__()",),
    parameter="",
    passed="",
    sequence="nn.Sequential",
)
_MODES = {"reflect": "reflect", "edge": "replicate", "stretch": "replicate"}
_MODES |= {"replicate": "replicate", "circular": "circular"}
_INITIALIZERS = {
    "lecun": "lecun_normal",
    "lecun_uniform": "lecun_uniform",
    "he": "he_normal",
    "he_uniform": "he_uniform",
    "glorot": "nn.init.xavier_normal_",
    "glorot_uniform": "nn.init.xavier_uniform_",
    "orthogonal": "nn.init.orthogonal_",
    "zeros": "nn.init.zeros_",
    "ones": "nn.init.ones_",
}


def convert(graph: Graph, title: str) -> Conversion:
    """The file of a network, or why there is none."""
    taken = frozenset({*_TAKEN, *parts("torch")})
    plan = outline(graph, title, write, "PyTorch", sorted(taken))
    if plan.findings:
        return Conversion(None, plan.findings)
    about = f"{comment(title)}: {show(graph.input)} → {show(graph.output or ())}."
    definitions = "\n".join(write_classes(plan, _DIALECT, taken, about))
    name = plan.definition(plan.root).name
    code = definitions.rstrip() + _main(graph, name)
    return Conversion(assembled("torch", _header(graph, title), _IMPORTS, code), ())


def _header(graph: Graph, title: str) -> str:
    kinds = kinds_of(graph)
    *extents, channels = graph.input
    shape = ", ".join(map(str, (channels, *extents)))
    lines = [
        f'"""{comment(title)} as a PyTorch model, written by `cnnkit convert --to torch`.',
        "",
        f"The input is a batch of shape [N, {shape}], channels first.",
        "Weights start as PyTorch starts them, but where the spec says how.",
    ]
    if kinds & {"batch_norm", *FAMILIES["regularization"]}:
        lines.append("Call `model.eval()` before predicting.")
    if "batch_norm" in kinds:
        lines.append(
            "In training PyTorch averages the unbiased variance of a batch, the spec the biased."
        )
    lines += ["The comments are the paths of the layers in the spec, and shapes as in the spec:"]
    lines += ["without the batch, channels last."]
    return "\n".join([*lines, '"""'])


def _main(graph: Graph, name: str) -> str:
    *extents, channels = graph.input
    shape = ", ".join(map(str, (1, channels, *extents)))
    return f"""


if __name__ == "__main__":
    model = {name}().eval()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"parameters: {{parameters:,}}")
    with torch.no_grad():
        print("output:", tuple(model(torch.zeros({shape})).shape))
"""


def write(node: Node, shapes: tuple[Shape, ...]) -> Operation:
    """A node in the words of PyTorch."""
    if isinstance(node.layer, Joined):
        return _joined(node.layer, shapes)
    return _WRITERS[node.layer.kind](Site(node.layer, node, shapes))


def _started(layer: Weighted, build: str, function: str = "start") -> str:
    """A layer with the initial weights that the spec names."""
    text = ""
    if layer.weights is not None:
        text += f", kernel={hole('weights', plain(layer.weights))}"
    elif isinstance(layer.init, str):
        text += f", kernel={_INITIALIZERS[layer.init]}"
    elif layer.init is not None:
        text += f", kernel=lambda weight: weight.fill_({hole('init', float(layer.init))})"
    if isinstance(layer.bias, tuple):
        text += f", bias={hole('bias', [float(value) for value in layer.bias])}"
    return f"{function}({build}{text})" if text else build


def _widths(padding: Sides) -> tuple[int, ...]:
    """A padding in the order of `F.pad`: the last axis first."""
    return tuple(cells for pair in reversed(padding) for cells in pair)


def _pad(padding: Sides, mode: str = "zeros", name: str = "sides") -> str:
    how = "" if mode == "zeros" else f', mode="{_MODES[mode]}"'
    return f"F.pad({{0}}, {hole(name, _widths(padding))}{how})"


def _conv(site: Site[Any]) -> Operation:
    windows = site.windows
    groups = site.channels if site.layer.kind == "depthwise_conv" else site.layer.groups
    padding, calls = both(sides_of(windows), overhang_of(windows)), []
    mode = "zeros"
    if site.layer.padding_mode != "zeros" and not is_zero(sides_of(windows)):
        padding = overhang_of(windows)
        if is_even(sides_of(windows)) and is_zero(padding):
            padding, mode = sides_of(windows), _MODES[site.layer.padding_mode]
        else:
            calls.append(_pad(sides_of(windows), site.layer.padding_mode))
    if not is_even(padding):
        calls.append(_pad(padding, name="zeros"))
        padding = tuple((0, 0) for _ in windows)
    output = site.output
    build = (
        f"nn.Conv{len(windows)}d({hole('in_channels', site.channels)}"
        f", {hole('out_channels', output[-1])}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("stride", brief([window.stride for window in windows]), 1)
        + option("padding", brief([before for before, _ in padding]), 0)
        + option("dilation", brief([window.dilation for window in windows]), 1)
        + option("groups", groups, 1)
        + option("bias", site.layer.has_bias, True)
        + option("padding_mode", mode, "zeros")
        + ")"
    )
    return Operation((*calls, "{layer}({0})"), _started(site.layer, build))


def _locally_connected(site: Site[layers.LocallyConnected]) -> Operation:
    windows = site.windows
    calls = []
    if not is_zero(sides_of(windows)):
        calls.append(_pad(sides_of(windows), site.layer.padding_mode))
    if not is_zero(overhang_of(windows)):
        calls.append(_pad(overhang_of(windows), name="overhang"))
    output = site.output
    build = (
        f"LocallyConnected({hole('in_channels', site.channels)}, {hole('out_channels', output[-1])}"
        f", {hole('positions', output[:-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('stride', tuple(window.stride for window in windows))}"
        f", {hole('dilation', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("bias", site.layer.has_bias, True)
        + ")"
    )
    return Operation((*calls, "{layer}({0})"), _started(site.layer, build, "start_local"))


def _transposed_conv(site: Site[layers.TransposedConv]) -> Operation:
    windows = site.transposed
    # PyTorch pads alike before and after: what an axis has more on one side is cut off.
    padding = [min(window.before, window.after) for window in windows]
    cut = tuple((w.before - p, w.after - p) for w, p in zip(windows, padding, strict=True))
    output = site.output
    build = (
        f"nn.ConvTranspose{len(windows)}d({hole('in_channels', site.channels)}"
        f", {hole('out_channels', output[-1])}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("stride", brief([window.stride for window in windows]), 1)
        + option("padding", brief(padding), 0)
        + option("output_padding", brief([window.output_padding for window in windows]), 0)
        + option("groups", site.layer.groups, 1)
        + option("bias", site.layer.has_bias, True)
        + option("dilation", brief([window.dilation for window in windows]), 1)
        + ")"
    )
    calls = ["{layer}({0})"]
    if not is_zero(cut):
        calls.append(_slice([a for a, _ in cut], output[:-1]))
    return Operation(tuple(calls), _started(site.layer, build, "start_transposed"))


def _slice(starts: Sequence[int], extents: Sequence[int]) -> str:
    spans = ", ".join(
        f"{hole('start', start)}:{hole('stop', start + kept)}"
        for start, kept in zip(starts, extents, strict=True)
    )
    return f"{{0}}[:, :, {spans}]"


def _dense(site: Site[layers.Dense]) -> Operation:
    output = site.output
    build = (
        f"nn.Linear({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        + option("bias", site.layer.has_bias, True)
        + ")"
    )
    return Operation(("{layer}({0})",), _started(site.layer, build))


def _max_pool(site: Site[layers.MaxPool]) -> Operation:
    windows = site.windows
    padding, overhang = sides_of(windows), overhang_of(windows)
    calls, ceil = [], not is_zero(overhang)
    small = all(window.before * 2 <= window.size for window in windows)
    if not is_even(padding) or not small:
        cells = hole("sides", _widths(both(padding, overhang)))
        calls.append(f'F.pad({{0}}, {cells}, value=float("-inf"))')
        padding, ceil = tuple((0, 0) for _ in windows), False
    calls.append(
        f"F.max_pool{site.rank}d({{0}}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("stride", brief([window.stride for window in windows]), None)
        + option("padding", brief([before for before, _ in padding]), 0)
        + option("dilation", brief([window.dilation for window in windows]), 1)
        + option("ceil_mode", ceil, False)
        + ")"
    )
    return Operation(tuple(calls))


def _mean_pool(site: Site[layers.MeanPool]) -> Operation:
    windows = site.windows
    padding, overhang = sides_of(windows), overhang_of(windows)
    size = hole("kernel_size", brief([window.size for window in windows]))
    stride = brief([window.stride for window in windows])
    small = all(window.before * 2 <= window.size for window in windows)
    if not is_even(padding) or not small:
        values = (f"{hole('stride', stride)}", hole("sides", _widths(padding)))
        more = (hole("overhang", _widths(overhang)), f"count_padding={site.layer.count_padding}")
        return Operation((f"mean_pool({', '.join(('{0}', size, *values, *more))})",))
    return Operation(
        (
            f"F.avg_pool{site.rank}d({{0}}, {size}"
            + option("stride", stride, None)
            + option("padding", brief([before for before, _ in padding]), 0)
            + option("ceil_mode", not is_zero(overhang), False)
            + option("count_include_pad", site.layer.count_padding or is_zero(padding), True)
            + ")",
        )
    )


def _global_pool(site: Site[Any]) -> Operation:
    function = "amax" if site.layer.kind == "global_max_pool" else "mean"
    axes = tuple(range(2, len(site.shape) + 1))
    keep = ", keepdim=True" if site.layer.keep_axes else ""
    return Operation((f"{{0}}.{function}(dim={axes}{keep})",))


def _adaptive_pool(site: Site[Any]) -> Operation:
    function = "max" if site.layer.kind == "adaptive_max_pool" else "avg"
    output = hole("output_size", site.output[:-1])
    return Operation((f"F.adaptive_{function}_pool{site.rank}d({{0}}, {output})",))


def _function(name: str) -> Callable[[Site[Any]], Operation]:
    """An activation without fields."""
    return lambda _: Operation((f"{name}({{0}})",))


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return Operation((f"F.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Operation:
    return Operation((f"F.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation(
        ('F.gelu({0}, approximate="tanh")' if site.layer.approximate else "F.gelu({0})",)
    )


def _prelu(site: Site[layers.Prelu]) -> Operation:
    init = option("init", site.layer.init, 0.25)
    return Operation(("{layer}({0})",), f"nn.PReLU({hole('channels', site.channels)}{init})")


def _over_channels(name: str) -> Callable[[Site[Any]], Operation]:
    return lambda _: Operation((f"F.{name}({{0}}, dim=1)",))


def _maxout(site: Site[layers.Maxout]) -> Operation:
    return Operation(
        (f"{{0}}.unflatten(1, (-1, {hole('pieces', site.layer.pieces)})).amax(dim=2)",)
    )


def _without(layer: Any, build: str) -> str:
    """A normalization that lacks one of scale and shift."""
    if layer.scale == layer.shift:
        return build
    return f'without({build}, "{"weight" if layer.shift else "bias"}")'


def _batch_norm(site: Site[layers.BatchNorm]) -> Operation:
    build = (
        f"nn.BatchNorm{max(site.rank, 1)}d({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("momentum", round(1 - site.layer.momentum, 12), 0.1)
        + option("affine", site.layer.scale or site.layer.shift, True)
        + ")"
    )
    return Operation(("{layer}({0})",), _without(site.layer, build))


def _of_one_value(kind: str, values: int) -> None:
    """PyTorch refuses to standardize one value by itself, though what comes of it is known: 0."""
    if values == 1:
        raise InexpressibleError(
            f"its {kind} refuses sets of one value, which is its own mean",
            "remove the layer: all that it gives is its shift; or `--to flax` or `--to keras`",
        )


def _group_norm(site: Site[layers.GroupNorm]) -> Operation:
    _of_one_value("group norm", math.prod(site.shape) // site.layer.groups)
    build = (
        f"nn.GroupNorm({hole('groups', site.layer.groups)}, {hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("affine", site.layer.scale or site.layer.shift, True)
        + ")"
    )
    return Operation(("{layer}({0})",), _without(site.layer, build))


def _instance_norm(site: Site[layers.InstanceNorm]) -> Operation:
    _of_one_value("instance norm", math.prod(site.shape[:-1]))
    build = (
        f"nn.InstanceNorm{site.rank}d({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("affine", site.layer.scale or site.layer.shift, False)
        + ")"
    )
    return Operation(("{layer}({0})",), _without(site.layer, build))


def _channels_last(shape: Shape) -> str:
    """The call of a layer that works on the last axis."""
    if len(shape) == 1:
        return "{layer}({0})"
    return "{layer}({0}.movedim(1, -1)).movedim(-1, 1)"


def _layer_norm(site: Site[layers.LayerNorm]) -> Operation:
    build = (
        f"nn.LayerNorm({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("elementwise_affine", site.layer.scale or site.layer.shift, True)
        + ")"
    )
    return Operation((_channels_last(site.shape),), _without(site.layer, build))


def _rms_norm(site: Site[layers.RmsNorm]) -> Operation:
    build = (
        f"nn.RMSNorm({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, None)
        + option("elementwise_affine", site.layer.scale, True)
        + ")"
    )
    return Operation((_channels_last(site.shape),), build)


def _local_response_norm(site: Site[layers.LocalResponseNorm]) -> Operation:
    values = (
        ("size", site.layer.size),
        ("alpha", site.layer.alpha),
        ("beta", site.layer.beta),
        ("k", site.layer.k),
    )
    arguments = ", ".join(f"{name}={hole(name, value)}" for name, value in values)
    function = "local_response_norm" if len(site.shape) == 1 else "F.local_response_norm"
    return Operation((f"{function}({{0}}, {arguments})",))


def _rescale(site: Site[layers.Rescale]) -> Operation:
    axes = ", 1" * (site.rank)
    mean, deviation = (
        f"{{0}}.new_tensor({hole(name, value)}).view(-1{axes})"
        if isinstance(value, tuple)
        else hole(name, value)
        for name, value in (("mean", site.layer.mean), ("deviation", site.layer.deviation))
    )
    return Operation((f"({{0}} - {mean}) / {deviation}",))


def _dropout(site: Site[Any]) -> Operation:
    spatial = site.layer.kind == "spatial_dropout" and len(site.shape) > 1
    name = f"nn.Dropout{site.rank}d" if spatial else "nn.Dropout"
    return Operation(("{layer}({0})",), f"{name}({hole('rate', site.layer.rate)})")


def _drop_path(site: Site[layers.DropPath]) -> Operation:
    return Operation(("{layer}({0})",), f"DropPath({hole('rate', site.layer.rate)})")


def _gaussian_noise(site: Site[layers.GaussianNoise]) -> Operation:
    return Operation(("{layer}({0})",), f"GaussianNoise({hole('deviation', site.layer.deviation)})")


def _flatten(site: Site[Any]) -> Operation:
    if len(site.shape) == 1:
        return Operation(("{0}",))
    if site.channels == 1 or math.prod(site.shape[:-1]) == 1:  # one order, whichever axis is first
        return Operation(("{0}.flatten(1)",))
    return Operation(("{0}.movedim(1, -1).flatten(1)",))  # row by row, channels innermost


def _reshape(site: Site[Any]) -> Operation:
    source = "{0}" if len(site.shape) == 1 else "{0}.movedim(1, -1)"
    text = f"{source}.reshape(-1, *{hole('shape', site.output)})"
    return Operation((text if len(site.output) == 1 else f"{text}.movedim(-1, 1)",))


def _pad_layer(site: Site[layers.Pad]) -> Operation:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = [] if is_zero(cells) else [_pad(cells, site.layer.padding_mode)]
    added = site.layer.channels
    before, after = (added, added) if isinstance(added, int) else added
    if before or after:
        widths = (0,) * (2 * (site.rank)) + (before, after)
        calls.append(f"F.pad({{0}}, {hole('channels', widths)})")
    return Operation(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Operation:
    output = site.output
    if site.layer.cells is None:
        cut: Sides = tuple(map(centred, site.shape[:-1], output[:-1]))
    else:
        cut = sides(site.layer.cells, site.rank) or ()
    return Operation((_slice([before for before, _ in cut], output[:-1]),))


def _upsample(site: Site[layers.Upsample]) -> Operation:
    extents = hole("size", site.output[:-1])
    if site.layer.method == "nearest":
        return Operation((f'F.interpolate({{0}}, {extents}, mode="nearest-exact")',))
    mode = ("linear", "bilinear", "trilinear")[len(site.shape) - 2]
    return Operation((f'F.interpolate({{0}}, {extents}, mode="{mode}")',))


def _rearranged(site: Site[Any]) -> Operation:
    return Operation((f"{site.layer.kind}({{0}}, {hole('block', site.block)})",))


def _channel_shuffle(site: Site[layers.ChannelShuffle]) -> Operation:
    groups = hole("groups", site.layer.groups)
    return Operation((f"{{0}}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)",))


def _channel_slice(site: Site[layers.ChannelSlice]) -> Operation:
    start = hole("start", site.layer.start) if site.layer.start else ""
    stop = "" if site.layer.stop is None else hole("stop", site.layer.stop)
    return Operation((f"{{0}}[:, {start}:{stop}]",))


def _scale(site: Site[layers.Scale]) -> Operation:
    if not site.layer.learnt:
        return Operation((f"{{0}} * {hole('factor', site.layer.init)}",))
    init = option("init", site.layer.init, 1.0)
    rank = site.rank
    return Operation(("{layer}({0})",), f"Scale({hole('channels', site.channels)}, {rank}{init})")


def _joined(layer: Joined, shapes: tuple[Shape, ...]) -> Operation:
    rank = max(map(len, shapes))
    inputs = [f"{{{place}}}" for place in range(len(shapes))]
    if layer.by == "concat":
        return Operation((f"torch.cat([{', '.join(inputs)}], dim=1)",))
    if layer.by == "multiply":
        for place, shape in enumerate(shapes):
            if len(shape) == 1 < rank:  # a factor for each channel of a map
                inputs[place] += f"[:, :{', None' * (rank - 1)}]"
        return Operation((" * ".join(inputs),))
    if layer.by == "maximum":
        text = inputs[0]
        for other in inputs[1:]:
            text = f"torch.maximum({text}, {other})"
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
        "relu": _function("F.relu"),
        "relu6": _function("F.relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _function("F.selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": _function("F.silu"),
        "mish": _function("F.mish"),
        "sigmoid": _function("torch.sigmoid"),
        "hard_sigmoid": _function("F.hardsigmoid"),
        "hard_silu": _function("F.hardswish"),
        "tanh": _function("torch.tanh"),
        "softplus": _function("F.softplus"),
        "softmax": _over_channels("softmax"),
        "log_softmax": _over_channels("log_softmax"),
        "maxout": _maxout,
        "linear": lambda _: Operation(("{0}",)),
        "batch_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "group_norm": _group_norm,
        "instance_norm": _instance_norm,
        "rms_norm": _rms_norm,
        "local_response_norm": _local_response_norm,
        "rescale": _rescale,
        "dropout": _dropout,
        "spatial_dropout": _dropout,
        "drop_path": _drop_path,
        "gaussian_noise": _gaussian_noise,
        "flatten": _flatten,
        "reshape": _reshape,
        "pad": _pad_layer,
        "crop": _crop,
        "upsample": _upsample,
        "depth_to_space": _rearranged,
        "space_to_depth": _rearranged,
        "channel_shuffle": _channel_shuffle,
        "channel_slice": _channel_slice,
        "scale": _scale,
    }
)
