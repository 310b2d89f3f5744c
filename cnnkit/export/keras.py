"""A network as a file of Keras 3, a functional model: channels last, as in the spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code import NAME, comment, hole, identifier, option
from cnnkit.export.functions import write_functions
from cnnkit.export.outline import InexpressibleError, Operation, Write, outline
from cnnkit.export.site import (
    Sides,
    Site,
    both,
    brief,
    is_zero,
    overhang_of,
    sides_of,
)
from cnnkit.export.target import Conversion, assembled, helpers, parts, plain
from cnnkit.layers.base import Shape
from cnnkit.layers.joining import Joined
from cnnkit.layers.resample import centred
from cnnkit.layers.weighted import Weighted
from cnnkit.layers.window import Window, same_sides, sides
from cnnkit.spec.graph import INPUT, Graph, Node

_IMPORTS = {
    "itertools": "import itertools",
    "math": "import math",
    "keras": "import keras",
    "np": "import numpy as np",
}
_TAKEN = frozenset({*_IMPORTS, "layers", "ops", "inputs", "heads", "model", "parameters", "name"})
_MODES = {"reflect": "reflect", "edge": "edge", "stretch": "edge", "replicate": "edge"}
_MODES["circular"] = "wrap"
_INITIALIZERS = {
    "lecun": "lecun_normal",
    "he": "he_normal",
    "glorot": "glorot_normal",
}


def convert(graph: Graph, title: str) -> Conversion:
    """The file of a network, or why there is none."""
    taken = frozenset({*_TAKEN, *parts("keras"), "x", "y", "z", "times"})
    plan = outline(graph, title, _writer(graph), "Keras", sorted(taken), identifier)
    if plan.findings:
        return Conversion(None, plan.findings)
    name = plan.definition(plan.root).name
    code = "\n".join(write_functions(plan, taken, title)).rstrip() + _main(graph, name)
    used = [each for each in ("layers", "ops") if re.search(rf"(?<![\w.]){each}\.", _with(code))]
    imports = {**_IMPORTS, used[0] if used else "layers": f"from keras import {', '.join(used)}"}
    return Conversion(assembled("keras", _header(graph, title), imports, code), ())


def _writer(graph: Graph) -> Write:
    """``write``, but for layers that a functional model would drop without a word."""
    pending = [graph.root.tensor, *(node for node, _ in graph.sides)]
    read: set[int] = set()
    while pending:
        index = pending.pop()
        if index != INPUT and index not in read:
            read.add(index)
            pending += graph.nodes[index].inputs
    unread = {id(node) for index, node in enumerate(graph.nodes) if index not in read}

    def checked(node: Node, shapes: tuple[Shape, ...]) -> Operation:
        if id(node) in unread and node.effect.weights:
            raise InexpressibleError(
                "its models leave out layers whose output nothing reads, and their parameters",
                "remove the layer, or `merge` what it gives; or `--to flax` or `--to torch`",
            )
        return write(node, shapes)

    return checked


def _with(code: str) -> str:
    """Some code, and the helpers that it uses."""
    return "\n".join([code, *helpers("keras", code)])


def _header(graph: Graph, title: str) -> str:
    lines = [
        f'"""{comment(title)} as a Keras 3 model, written by `cnnkit convert --to keras`.',
        "",
        f"The input is a batch of shape [N, {', '.join(map(str, graph.input))}], channels last.",
        "Weights start as Keras starts them, but where the spec says how.",
        "The layers have their paths in the spec as names; the comments are the shapes after them.",
    ]
    return "\n".join([*lines, '"""'])


def _main(graph: Graph, name: str) -> str:
    heads = "heads=True" if graph.sides else ""
    shape = ", ".join(map(str, (1, *graph.input)))
    return f"""


if __name__ == "__main__":
    model = {name}({heads})
    parameters = sum(weight.numpy().size for weight in model.trainable_weights)
    print(f"parameters: {{parameters:,}}")
    print("output:", {name}()(keras.ops.zeros(({shape}))).shape)
"""


def write(node: Node, shapes: tuple[Shape, ...]) -> Operation:
    """A node in the words of Keras."""
    if isinstance(node.layer, Joined):
        return _joined(node.layer, shapes)
    return _WRITERS[node.layer.kind](Site(node.layer, node, shapes))


def _named(suffix: str = "") -> str:
    """The name of a Keras layer: the path in the spec."""
    return f"name={NAME}{suffix}{NAME}"


def _layer(build: str, *before: str, after: Sequence[str] = ()) -> Operation:
    return Operation((*before, f"{build}, {_named()})({{0}})", *after))


def _initial(layer: Weighted, keyword: str = "kernel_initializer", *, swapped: bool = False) -> str:
    """The initialisers that the spec names, as keyword arguments."""
    text = ""
    if layer.weights is not None:
        more = ", swapped=True" if swapped else ""
        text += f", {keyword}=Given({hole('weights', plain(layer.weights))}{more})"
    elif isinstance(layer.init, str):
        name = f'"{_INITIALIZERS.get(layer.init, layer.init)}"'
        text += f", {keyword}={f'Swapped({name})' if swapped else name}"
    elif layer.init is not None:
        text += f", {keyword}=keras.initializers.Constant({hole('init', float(layer.init))})"
    if isinstance(layer.bias, tuple):
        text += f", bias_initializer=Given({hole('bias', plain(layer.bias))})"
    return text


def _padding(windows: Sequence[Window]) -> str | None:
    """The word of Keras for a padding of zeros, or None where there is none."""
    if not is_zero(overhang_of(windows)):
        return None
    if is_zero(sides_of(windows)):
        return "valid"
    same = tuple(same_sides(w.extent, w.dilated, w.stride) for w in windows)
    return "same" if same == sides_of(windows) else None


def _zeros(padding: Sides) -> str:
    """The layer that adds zeros."""
    cells: Any = padding[0] if len(padding) == 1 else padding
    return f"layers.ZeroPadding{len(padding)}D({hole('sides', cells)}, {_named('.padding')})({{0}})"


def _conv(site: Site[Any]) -> Operation:
    windows, rank = site.windows, site.rank
    before, padding = [], _padding(windows)
    if site.layer.padding_mode != "zeros" and not is_zero(sides_of(windows)):
        mode = _MODES[site.layer.padding_mode]
        before.append(f'pad({{0}}, {hole("sides", sides_of(windows))}, "{mode}")')
        padding = "valid"
        if not is_zero(overhang_of(windows)):
            before.append(_zeros(overhang_of(windows)))
    elif padding is None and rank == 1 and _causal(windows[0]) and site.layer.kind == "conv":
        padding = "causal"
    elif padding is None:
        before.append(_zeros(both(sides_of(windows), overhang_of(windows))))
        padding = "valid"
    strides, dilation = [w.stride for w in windows], [w.dilation for w in windows]
    after = []
    if max(strides) > 1 and max(dilation) > 1:
        # Keras has no stride with a dilation: all positions, then those a stride apart.
        if padding in ("same", "causal"):
            before.append(_zeros(sides_of(windows)))
            padding = "valid"
        steps = ", ".join(f"::{hole('stride', stride)}" for stride in strides)
        after.append(f"{{0}}[:, {steps}]")
        strides = [1] * rank
    options = (
        option("strides", brief(strides), 1)
        + option("padding", padding, "valid")
        + option("dilation_rate", brief(dilation), 1)
    )
    size = hole("kernel_size", brief([window.size for window in windows]))
    bias = option("use_bias", site.layer.has_bias, True)
    filters = site.output[-1]
    if site.layer.kind == "depthwise_conv" and rank < 3 and len(set(strides)) == 1:
        multiplier = option("depth_multiplier", filters // site.channels, 1)
        initial = _initial(site.layer, "depthwise_initializer")
        build = f"layers.DepthwiseConv{rank}D({size}{options}{multiplier}{bias}{initial}"
    else:
        groups = site.channels if site.layer.kind == "depthwise_conv" else site.layer.groups
        build = (
            f"layers.Conv{rank}D({hole('filters', filters)}, {size}{options}"
            f"{option('groups', groups, 1)}{bias}{_initial(site.layer)}"
        )
    return _layer(build, *before, after=after)


def _causal(window: Window) -> bool:
    return (window.before, window.after, window.overhang) == (window.dilated - 1, 0, 0)


def _locally_connected(site: Site[layers.LocallyConnected]) -> Operation:
    windows = site.windows
    before = []
    if not is_zero(sides_of(windows)):
        if site.layer.padding_mode == "zeros":
            before.append(_zeros(sides_of(windows)))
        else:
            mode = _MODES[site.layer.padding_mode]
            before.append(f'pad({{0}}, {hole("sides", sides_of(windows))}, "{mode}")')
    if not is_zero(overhang_of(windows)):
        cells = hole("overhang", ((0, 0), *overhang_of(windows), (0, 0)))
        before.append(f"ops.pad({{0}}, {cells})")
    output = site.output
    build = (
        f"LocallyConnected({hole('filters', output[-1])}, {hole('positions', output[:-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('strides', tuple(window.stride for window in windows))}"
        f", {hole('dilation_rate', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("use_bias", site.layer.has_bias, True)
        + _initial(site.layer)
    )
    return _layer(build, *before)


def _transposed_conv(site: Site[layers.TransposedConv]) -> Operation:
    windows, rank = site.transposed, site.rank
    if site.layer.groups > 1:
        raise InexpressibleError(
            f"its transposed convolutions have no groups, the layer has {site.layer.groups}",
            "`groups: 1`, or `--to flax` or `--to torch`",
            ("groups",),
        )
    strides, dilation = [w.stride for w in windows], [w.dilation for w in windows]
    if max(strides) > 1 and max(dilation) > 1:
        raise InexpressibleError(
            f"its transposed convolutions take a stride (={max(strides)}) or a dilation "
            f"(={max(dilation)}), not both",
            "`--to flax` or `--to torch`",
            ("dilation",),
        )
    # Keras's `valid` gives the extent D·S + max(F′ − S, 0), of which a part is kept.
    if any(
        w.before + w.output > w.extent * w.stride + max(w.dilated - w.stride, 0) for w in windows
    ):
        raise InexpressibleError(
            "its transposed convolutions give no cells beyond the reach of the kernel, which this "
            "`output_padding` adds",
            "a larger `kernel` or `padding`, or `--to flax` or `--to torch`",
            ("output_padding",),
        )
    build = (
        f"layers.Conv{rank}DTranspose({hole('filters', site.output[-1])}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("strides", brief(strides), 1)
        + option("dilation_rate", brief(dilation), 1)
        + option("use_bias", site.layer.has_bias, True)
        + _initial(site.layer, swapped=True)
    )
    kept = [(w.before, w.before + w.output) for w in windows]
    whole = [(0, w.extent * w.stride + max(w.dilated - w.stride, 0)) for w in windows]
    return _layer(build, after=[] if kept == whole else [_slice(kept)])


def _slice(spans: Sequence[tuple[int, int]]) -> str:
    written = ", ".join(f"{hole('start', a)}:{hole('stop', b)}" for a, b in spans)
    return f"{{0}}[:, {written}]"


def _dense(site: Site[layers.Dense]) -> Operation:
    units = hole("units", site.output[-1])
    return _layer(
        f"layers.Dense({units}{option('use_bias', site.layer.has_bias, True)}{_initial(site.layer)}"
    )


def _max_pool(site: Site[layers.MaxPool]) -> Operation:
    windows, before = site.windows, []
    padding = _padding(windows)
    dilated = any(window.dilation > 1 for window in windows)
    if padding is None or (dilated and padding != "valid"):
        cells = ((0, 0), *both(sides_of(windows), overhang_of(windows)), (0, 0))
        before.append(f'ops.pad({{0}}, {hole("sides", cells)}, constant_values=float("-inf"))')
        padding = "valid"
    if dilated:
        values = (
            hole("pool_size", tuple(window.size for window in windows)),
            hole("strides", tuple(window.stride for window in windows)),
            hole("dilation_rate", tuple(window.dilation for window in windows)),
            hole("outputs", tuple(window.output for window in windows)),
        )
        return Operation((*before, f"dilated_max_pool({{0}}, {', '.join(values)})"))
    build = (
        f"layers.MaxPooling{len(windows)}D("
        f"{hole('pool_size', brief([window.size for window in windows]))}"
        + option("strides", brief([window.stride for window in windows]), None)
        + option("padding", padding, "valid")
    )
    return _layer(build, *before)


def _mean_pool(site: Site[layers.MeanPool]) -> Operation:
    windows = site.windows
    padding = _padding(windows)
    if padding is None or (site.layer.count_padding and padding == "same"):
        values = (
            hole("pool_size", tuple(window.size for window in windows)),
            hole("strides", tuple(window.stride for window in windows)),
            hole("sides", sides_of(windows)),
            hole("overhang", overhang_of(windows)),
            f"count_padding={site.layer.count_padding}",
        )
        return Operation((f"mean_pool({{0}}, {', '.join(values)})",))
    build = (
        f"layers.AveragePooling{len(windows)}D("
        f"{hole('pool_size', brief([window.size for window in windows]))}"
        + option("strides", brief([window.stride for window in windows]), None)
        + option("padding", padding, "valid")
    )
    return _layer(build)


def _global_pool(site: Site[Any]) -> Operation:
    name = "Max" if site.layer.kind == "global_max_pool" else "Average"
    keep = "keepdims=True, " if site.layer.keep_axes else ""
    text = f"layers.Global{name}Pooling{site.rank}D({keep}{_named()})({{0}})"
    return Operation((text,))


def _adaptive_pool(site: Site[Any]) -> Operation:
    name = "Max" if site.layer.kind == "adaptive_max_pool" else "Average"
    output = hole("output_size", brief(site.output[:-1]))
    return _layer(f"layers.Adaptive{name}Pooling{site.rank}D({output}")


def _activation(name: str) -> Callable[[Site[Any]], Operation]:
    """An activation without fields."""
    return lambda _: _layer(f'layers.Activation("{name}"')


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return _layer(f"layers.LeakyReLU({hole('negative_slope', site.layer.slope)}")


def _elu(site: Site[layers.Elu]) -> Operation:
    return _layer(f"layers.ELU({hole('alpha', site.layer.alpha)}")


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation((f"ops.gelu({{0}}, approximate={site.layer.approximate})",))


def _prelu(site: Site[layers.Prelu]) -> Operation:
    axes = list(range(1, len(site.shape)))
    shared = f", shared_axes={axes}" if axes else ""
    return _layer(
        f"layers.PReLU(keras.initializers.Constant({hole('init', site.layer.init)}){shared}"
    )


def _maxout(site: Site[layers.Maxout]) -> Operation:
    return Operation((f"maxout({{0}}, {hole('pieces', site.layer.pieces)})",))


def _norm(name: str, momentum: bool = False) -> Callable[[Site[Any]], Operation]:
    def written(site: Site[Any]) -> Operation:
        groups = {"group_norm": f"groups={hole('groups', vars(site.layer).get('groups'))}, "}
        groups["instance_norm"] = "groups=-1, "  # a group for each channel
        first = groups.get(site.layer.kind, "")
        if momentum:
            first += f"momentum={hole('momentum', site.layer.momentum)}, "
        return _layer(
            f"layers.{name}({first}epsilon={hole('epsilon', site.layer.epsilon)}"
            + option("center", site.layer.shift, True)
            + option("scale", site.layer.scale, True)
        )

    return written


def _rms_norm(site: Site[layers.RmsNorm]) -> Operation:
    epsilon = hole("epsilon", site.layer.epsilon)
    if not site.layer.scale:
        return Operation((f"rms_norm({{0}}, {epsilon})",))
    return _layer(f"layers.RMSNormalization(epsilon={epsilon}")


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
        f"ops.array({hole(name, value)})" if isinstance(value, tuple) else hole(name, value)
        for name, value in (("mean", site.layer.mean), ("deviation", site.layer.deviation))
    )
    return Operation((f"({{0}} - {mean}) / {deviation}",))


def _dropout(site: Site[Any]) -> Operation:
    rank, rate = site.rank, hole("rate", site.layer.rate)
    if site.layer.kind == "drop_path":
        return _layer(f"layers.Dropout({rate}, noise_shape={(None, *[1] * len(site.shape))}")
    if site.layer.kind == "spatial_dropout" and rank:
        return _layer(f"layers.SpatialDropout{rank}D({rate}")
    return _layer(f"layers.Dropout({rate}")


def _gaussian_noise(site: Site[layers.GaussianNoise]) -> Operation:
    return _layer(f"layers.GaussianNoise({hole('deviation', site.layer.deviation)}")


def _flatten(site: Site[Any]) -> Operation:
    return Operation((f"layers.Flatten({_named()})({{0}})" if len(site.shape) > 1 else "{0}",))


def _reshape(site: Site[Any]) -> Operation:
    return _layer(f"layers.Reshape({hole('shape', site.output)}")


def _pad(site: Site[layers.Pad]) -> Operation:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = []
    if not is_zero(cells) and site.layer.padding_mode == "zeros":
        calls.append(_zeros(cells))
    elif not is_zero(cells):
        calls.append(f'pad({{0}}, {hole("sides", cells)}, "{_MODES[site.layer.padding_mode]}")')
    added = site.layer.channels
    before, after = (added, added) if isinstance(added, int) else added
    if before or after:
        widths = (*((0, 0),) * len(site.shape), (before, after))
        calls.append(f"ops.pad({{0}}, {hole('channels', widths)})")
    return Operation(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Operation:
    output = site.output
    if site.layer.cells is None:
        cut: Sides = tuple(map(centred, site.shape[:-1], output[:-1]))
    else:
        cut = sides(site.layer.cells, site.rank) or ()
    pairs = zip(cut, output[:-1], strict=True)
    return Operation((_slice([(before, before + kept) for (before, _), kept in pairs]),))


def _upsample(site: Site[layers.Upsample]) -> Operation:
    extents = site.output[:-1]
    if site.layer.method == "nearest" and site.layer.factor is not None:
        factors = tuple(a // b for a, b in zip(extents, site.shape[:-1], strict=True))
        size = hole("size", brief(factors))
        return _layer(f"layers.UpSampling{len(factors)}D({size}")
    return Operation((f'resize({{0}}, {hole("extents", extents)}, "{site.layer.method}")',))


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
    return _layer(f"Scale({hole('init', site.layer.init)}")


def _joined(layer: Joined, shapes: tuple[Shape, ...]) -> Operation:
    rank = max(map(len, shapes))
    inputs = [f"{{{place}}}" for place in range(len(shapes))]
    if layer.by == "multiply":
        for place, shape in enumerate(shapes):
            if len(shape) == 1 < rank:  # a factor for each channel of a map
                axes = brief(range(1, rank)) if rank == 2 else tuple(range(1, rank))
                inputs[place] = f"ops.expand_dims({inputs[place]}, {axes})"
        return Operation((" * ".join(inputs),))
    names = {"concat": "Concatenate", "add": "Add", "mean": "Average", "maximum": "Maximum"}
    return Operation((f"layers.{names[layer.by]}({_named()})([{', '.join(inputs)}])",))


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
        "relu": _activation("relu"),
        "relu6": _activation("relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _activation("selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": _activation("silu"),
        "mish": _activation("mish"),
        "sigmoid": _activation("sigmoid"),
        "hard_sigmoid": _activation("hard_sigmoid"),
        "hard_silu": _activation("hard_silu"),
        "tanh": _activation("tanh"),
        "softplus": _activation("softplus"),
        "softmax": _activation("softmax"),
        "log_softmax": _activation("log_softmax"),
        "maxout": _maxout,
        "linear": lambda _: Operation(("{0}",)),
        "batch_norm": _norm("BatchNormalization", momentum=True),
        "layer_norm": _norm("LayerNormalization"),
        "group_norm": _norm("GroupNormalization"),
        "instance_norm": _norm("GroupNormalization"),
        "rms_norm": _rms_norm,
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
