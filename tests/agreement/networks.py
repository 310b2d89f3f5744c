"""Random layers and networks over all kinds, as plain data that ``cnnkit.load`` reads.

A layer is drawn for the shape that comes in. Where what was drawn does not fit, a plain layer of
the kind stands in, so that nearly every network that is drawn can be built.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

from cnnkit.layers.shape import Shape
from cnnkit.spec.reading import read
from cnnkit.spec.tracing import trace

Fields = dict[str, Any]
LayerData = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

LARGEST = 3000
"""Elements above which a layer's output is too large to go on with."""
DEPTH = 2
"""How deep layers nest."""
MOST = 8
"""How many layers a network has at most, those inside others left aside."""
ROW = 6
"""How many layers of a kind stand side by side."""

SEEDS = st.integers(0, 2**32 - 1)

CHANNELS = st.sampled_from([1, 2, 3, 4, 6, 8])
SMALL = st.integers(1, 3)
FLAGS = st.booleans()
RATES = st.sampled_from([0.0, 0.1, 0.5])
ROUNDINGS = st.sampled_from(["floor", "ceil"])
WEIGHT_NORMS = st.sampled_from(
    ["standardize", "scaled_standardize", "weight_norm", "spectral_norm"]
)
INITS = st.sampled_from(
    [
        *(None, "lecun", "lecun_uniform", "he", "he_uniform", "glorot", "glorot_uniform"),
        *("orthogonal", "zeros", "ones", 0.5),
    ]
)
# Without `divide`: what is divided by may be almost 0.
JOINS = st.sampled_from(["concat", "add", "subtract", "multiply", "mean", "maximum", "minimum"])
OVER = ["channels", "all"]
GATES = st.sampled_from(["sigmoid", "silu", "gelu", "relu", "tanh", "linear"])
ACTIVATIONS: dict[str, st.SearchStrategy[Fields]] = {
    **{
        kind: st.just({})
        for kind in (
            *("relu", "relu6", "selu", "silu", "mish", "sigmoid", "hard_sigmoid", "hard_silu"),
            *("tanh", "softplus", "softmax", "log_softmax", "linear", "softsign", "quick_gelu"),
            *("log_sigmoid", "tanhshrink"),
        )
    },
    "leaky_relu": st.fixed_dictionaries({}, optional={"slope": st.floats(0, 1)}),
    "elu": st.fixed_dictionaries({}, optional={"alpha": st.floats(0, 2)}),
    "prelu": st.fixed_dictionaries(
        {},
        optional={
            "init": st.floats(0, 1),
            "per": st.sampled_from(["channel", "layer", "cell"]),
        },
    ),
    "gelu": st.fixed_dictionaries({}, optional={"approximate": FLAGS}),
    "celu": st.fixed_dictionaries({}, optional={"alpha": st.floats(0.1, 2)}),
    "hard_tanh": st.fixed_dictionaries({}, optional={"maximum": st.floats(0, 2)}),
    "softshrink": st.fixed_dictionaries({}, optional={"threshold": st.floats(0, 1)}),
    "hard_shrink": st.fixed_dictionaries({}, optional={"threshold": st.floats(0, 1)}),
    "threshold": st.fixed_dictionaries(
        {}, optional={"threshold": st.floats(-1, 1), "value": st.floats(-1, 1)}
    ),
    "power": st.fixed_dictionaries({}, optional={"exponent": st.sampled_from([1, 2, 3])}),
    "glu": st.fixed_dictionaries({}, optional={"gate": GATES}),
    "maxout": st.fixed_dictionaries({"pieces": st.integers(1, 3)}),
}


def outcome(
    layers: list[LayerData], shape: Shape, saved: dict[str, Shape], blocks: Fields
) -> Shape | None:
    """The shape after layers; None where they do not fit. ``saved`` are names seen from outside."""
    before: list[LayerData] = []
    for name, known in saved.items():  # a saved tensor of any shape, from the input's elements
        before += [*_of_shape(known), {"save": {"tensor": name}}]
    before += _of_shape(shape)
    reading = read({"input": [1], "blocks": blocks, "layers": [*before, *layers]})
    assert reading.spec is not None, reading.findings
    assert not reading.findings, reading.findings
    graph = trace(reading.spec.layers, reading.spec.input)
    failed = any(finding.level == "error" for finding in graph.findings)
    return None if failed else graph.output


def _of_shape(shape: Shape) -> list[LayerData]:
    """Layers that make a tensor of a shape, whatever comes in."""
    return [
        {"flatten": {}},
        {"dense": {"units": math.prod(shape)}},
        {"reshape": {"shape": list(shape)}},
    ]


def per_axis(draw: Draw, rank: int, values: st.SearchStrategy[int]) -> Any:
    """One number for all axes, or a list of one for each."""
    if draw(FLAGS):
        return draw(values)
    return [draw(values) for _ in range(rank)]


def padding(draw: Draw, rank: int, *, causal: bool) -> Any:
    """Each way to write a padding."""
    ways = ["valid", "same", "number", "list", "pairs", *(["causal"] if causal else [])]
    way = draw(st.sampled_from(ways))
    few = st.integers(0, 2)
    if way == "number":
        return draw(few)
    if way == "list":
        return [draw(few) for _ in range(rank)]
    if way == "pairs":
        return [[draw(few), draw(few)] for _ in range(rank)]
    return way


def activation(draw: Draw) -> Any:
    """An activation as a field, in both forms; or none."""
    kind = draw(st.sampled_from([None, *ACTIVATIONS]))
    if kind is None:
        return None
    fields = draw(ACTIVATIONS[kind])
    return {kind: fields} if fields else kind


def weighted(draw: Draw) -> Fields:
    """The fields that layers with weights share."""
    fields = {"bias": draw(FLAGS), "activation": activation(draw), "init": draw(INITS)}
    if draw(st.integers(0, 4)) == 0:
        fields["weight_norm"] = draw(WEIGHT_NORMS)
    if draw(st.integers(0, 4)) == 0:
        fields["learnt"] = draw(FLAGS)
    return {name: value for name, value in fields.items() if value is not None}


def window(draw: Draw, rank: int, size: str) -> Fields:
    """The fields of a sliding window."""
    fields = {
        size: per_axis(draw, rank, st.integers(1, 4)),
        "padding": padding(draw, rank, causal=rank == 1),
    }
    if draw(FLAGS):
        fields |= {"stride": per_axis(draw, rank, SMALL), "rounding": draw(ROUNDINGS)}
    return fields


def convolution(draw: Draw, rank: int) -> Fields:
    """The fields that all convolutions share."""
    modes = st.sampled_from(["zeros", "zeros", "reflect", "edge", "circular"])
    fields = {**window(draw, rank, "kernel"), **weighted(draw), "padding_mode": draw(modes)}
    return {**fields, "dilation": per_axis(draw, rank, st.integers(1, 2))}


def groups(draw: Draw, channels: int) -> int:
    """A number that divides the channels."""
    return int(draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0])))


def conv(draw: Draw, shape: Shape) -> Fields:
    number = groups(draw, shape[-1])
    filters = number * draw(SMALL)
    return {**convolution(draw, len(shape) - 1), "filters": filters, "groups": number}


def transposed_conv(draw: Draw, shape: Shape) -> Fields:
    rank, number = len(shape) - 1, groups(draw, shape[-1])
    fields = {
        "filters": number * draw(SMALL),
        "groups": number,
        "kernel": per_axis(draw, rank, st.integers(1, 4)),
        "stride": per_axis(draw, rank, SMALL),
        "padding": padding(draw, rank, causal=False),
        "dilation": per_axis(draw, rank, st.integers(1, 2)),
        **weighted(draw),
    }
    if fields["padding"] != "same":
        fields["output_padding"] = draw(st.integers(0, 1))
    return fields


def separable_conv(draw: Draw, shape: Shape) -> Fields:
    fields = convolution(draw, len(shape) - 1)
    return {**fields, "filters": draw(CHANNELS), "multiplier": draw(st.integers(1, 2))}


def depthwise_conv(draw: Draw, shape: Shape) -> Fields:
    return {**convolution(draw, len(shape) - 1), "multiplier": draw(st.integers(1, 2))}


def pool(draw: Draw, shape: Shape) -> Fields:
    return window(draw, len(shape) - 1, "size")


def max_pool(draw: Draw, shape: Shape) -> Fields:
    return {**pool(draw, shape), "dilation": draw(st.integers(1, 2))}


def mean_pool(draw: Draw, shape: Shape) -> Fields:
    return {**pool(draw, shape), "count_padding": draw(FLAGS)}


def adaptive(draw: Draw, shape: Shape) -> Fields:
    return {"output": per_axis(draw, len(shape) - 1, st.integers(1, 5))}


def reshape(draw: Draw, shape: Shape) -> Fields:
    elements = math.prod(shape)
    rows = groups(draw, elements)
    columns = groups(draw, elements // rows)
    full = [rows, columns, elements // rows // columns]
    open_ended = draw(st.integers(-1, 2))
    return {"shape": [-1 if at == open_ended else n for at, n in enumerate(full)]}


def pad(draw: Draw, shape: Shape) -> Fields:
    cells = draw(st.integers(0, 2)) if draw(FLAGS) else [[1, 2]] * (len(shape) - 1)
    mode = draw(st.sampled_from(["zeros", "reflect", "edge", "circular"]))
    return {"padding": cells, "padding_mode": mode, "channels": draw(st.sampled_from([0, [1, 2]]))}


def channel_slice(draw: Draw, shape: Shape) -> Fields:
    start = draw(st.integers(0, shape[-1] - 1))
    return {"start": start, "stop": draw(st.integers(start + 1, shape[-1]))}


def slice_(draw: Draw, shape: Shape) -> Fields:
    place = draw(st.integers(0, len(shape) - 1))
    axis = "channels" if place == len(shape) - 1 else place
    start = draw(st.integers(0, shape[place] - 1))
    return {"axis": axis, "start": start, "stop": draw(st.integers(start + 1, shape[place]))}


def over(draw: Draw, shape: Shape) -> Fields:
    return {"over": draw(st.sampled_from([*range(len(shape) - 1), "channels"]))}


def transpose(draw: Draw, shape: Shape) -> Fields:
    axes: list[Any] = [*range(len(shape) - 1)]
    if draw(FLAGS) or not axes:
        axes.append("channels")
    return {"axes": draw(st.permutations(axes))}


def reduce(draw: Draw, shape: Shape) -> Fields:
    axes = st.sampled_from([*range(len(shape) - 1), "channels"])
    return {
        "over": draw(st.one_of(axes, st.lists(axes, min_size=1, max_size=3))),
        "by": draw(st.sampled_from(["mean", "max", "sum", "norm"])),
        "keep": draw(FLAGS),
    }


def recurrent(draw: Draw, shape: Shape) -> Fields:
    return {
        "units": draw(CHANNELS),
        "sequences": draw(FLAGS),
        "direction": draw(st.sampled_from(["forward", "backward", "both"])),
        "bias": draw(FLAGS),
        "learnt": draw(FLAGS),
    }


def conv_lstm(draw: Draw, shape: Shape) -> Fields:
    fields = recurrent(draw, shape)
    fields["filters"] = fields.pop("units")
    return {
        **fields,
        "kernel": per_axis(draw, len(shape) - 2, SMALL),
        "padding": draw(st.sampled_from(["valid", "same"])),
    }


def affine(draw: Draw, shape: Shape) -> Fields:
    fields = {"scale": draw(FLAGS), "shift": draw(FLAGS), "learnt": draw(FLAGS)}
    return {**fields, "epsilon": draw(st.floats(1e-6, 1e-2))}


def upsample(draw: Draw, shape: Shape) -> Fields:
    factor = per_axis(draw, len(shape) - 1, SMALL)
    return {"factor": factor, "method": draw(st.sampled_from(["nearest", "linear"]))}


def depth_to_space(draw: Draw, shape: Shape) -> Fields:
    return {"block": [groups(draw, shape[-1]), *[1] * (len(shape) - 2)]}


def space_to_depth(draw: Draw, shape: Shape) -> Fields:
    return {"block": [groups(draw, extent) for extent in shape[:-1]]}


def constants(draw: Draw, shape: Shape) -> Fields:
    each = st.floats(0.1, 2)
    return {
        "mean": draw(each),
        "deviation": [draw(each) for _ in range(shape[-1])] if draw(FLAGS) else draw(each),
    }


# What is drawn for each primitive kind, and fields that fit any input it takes.
ANY: dict[str, tuple[Callable[[Draw, Shape], Fields], Fields]] = {
    **{
        kind: (lambda draw, shape, fields=fields: draw(fields), {})  # type: ignore[misc]
        for kind, fields in ACTIVATIONS.items()
        if kind not in ("maxout", "glu", "softmax", "log_softmax")
    },
    "softmax": (over, {}),
    "log_softmax": (over, {}),
    "maxout": (lambda draw, shape: {"pieces": groups(draw, shape[-1])}, {"pieces": 1}),
    "glu": (lambda draw, shape: {"gate": draw(GATES)}, {}),
    "batch_norm": (affine, {}),
    "layer_norm": (
        lambda draw, shape: {**affine(draw, shape), "over": draw(st.sampled_from(OVER))},
        {},
    ),
    "group_norm": (
        lambda draw, shape: {**affine(draw, shape), "groups": groups(draw, shape[-1])},
        {"groups": 1},
    ),
    "rms_norm": (lambda draw, shape: {"scale": draw(FLAGS)}, {}),
    "local_response_norm": (lambda draw, shape: {"size": draw(SMALL)}, {}),
    "rescale": (constants, {}),
    "dropout": (lambda draw, shape: {"rate": draw(RATES)}, {"rate": 0.5}),
    "spatial_dropout": (lambda draw, shape: {"rate": draw(RATES)}, {"rate": 0.5}),
    "drop_path": (lambda draw, shape: {"rate": draw(RATES)}, {"rate": 0.5}),
    "gaussian_noise": (lambda draw, shape: {"deviation": draw(RATES)}, {}),
    "flatten": (lambda draw, shape: {"keep_channels": draw(FLAGS)}, {}),
    "reshape": (reshape, {"shape": [-1]}),
    "channel_shuffle": (lambda draw, shape: {"groups": groups(draw, shape[-1])}, {"groups": 1}),
    "channel_slice": (channel_slice, {"start": 0}),
    "slice": (slice_, {"start": 0}),
    "transpose": (transpose, {"axes": ["channels"]}),
    "reduce": (reduce, {"over": "channels"}),
    "scale": (
        lambda draw, shape: {
            "init": 0.5,
            "learnt": draw(FLAGS),
            "per": draw(st.sampled_from(["channel", "layer"])),
        },
        {},
    ),
}
MAPS: dict[str, tuple[Callable[[Draw, Shape], Fields], Fields]] = {
    "conv": (conv, {"filters": 3, "kernel": 1}),
    "depthwise_conv": (depthwise_conv, {"kernel": 1}),
    "separable_conv": (separable_conv, {"filters": 2, "kernel": 1}),
    "transposed_conv": (transposed_conv, {"filters": 2, "kernel": 2, "stride": 2}),
    "locally_connected": (conv, {"filters": 2, "kernel": 1}),
    "max_pool": (max_pool, {"size": 1}),
    "mean_pool": (mean_pool, {"size": 1}),
    "lp_pool": (lambda draw, shape: {**pool(draw, shape), "p": draw(SMALL)}, {"size": 1}),
    "blur_pool": (pool, {"size": 1, "stride": 1}),
    "global_max_pool": (lambda draw, shape: {"keep_axes": draw(FLAGS)}, {}),
    "global_mean_pool": (lambda draw, shape: {"keep_axes": draw(FLAGS)}, {}),
    "adaptive_max_pool": (adaptive, {"output": 1}),
    "adaptive_mean_pool": (adaptive, {"output": 1}),
    "instance_norm": (affine, {}),
    "global_response_norm": (lambda draw, shape: {"epsilon": draw(st.floats(1e-6, 1e-2))}, {}),
    "pad": (pad, {"padding": 1}),
    "crop": (lambda draw, shape: {"cells": draw(st.integers(0, 1))}, {"cells": 0}),
    "upsample": (upsample, {"factor": 1}),
    "lstm": (recurrent, {"units": 2}),
    "gru": (recurrent, {"units": 2}),
    "coordinates": (lambda draw, shape: {}, {}),
    "conv_lstm": (conv_lstm, {"filters": 2, "kernel": 1}),
    "position_embedding": (lambda draw, shape: {}, {}),
    "depth_to_space": (depth_to_space, {"block": 1}),
    "space_to_depth": (space_to_depth, {"block": 1}),
}
VECTORS: dict[str, tuple[Callable[[Draw, Shape], Fields], Fields]] = {
    "dense": (lambda draw, shape: {**weighted(draw), "units": draw(CHANNELS)}, {"units": 3}),
}


def primitive(draw: Draw, kind: str, shape: Shape) -> LayerData:
    """A layer of a primitive kind that takes an input of this shape."""
    fields, plain = {**ANY, **MAPS, **VECTORS}[kind]
    layer = {kind: fields(draw, shape)}
    output = outcome([layer], shape, {}, {})
    return layer if output and math.prod(output) <= LARGEST else {kind: plain}


class Sequence:
    """A list of layers that is being drawn, with the shape at its end and the names seen in it.

    The blocks of all lists are the same: those of the spec.
    """

    def __init__(
        self,
        draw: Draw,
        chance: Random,
        shape: Shape,
        depth: int,
        saved: dict[str, Shape],
        blocks: Fields,
        *,
        sliced: bool = False,
    ) -> None:
        self.draw, self.chance, self.shape, self.depth = draw, chance, shape, depth
        self.saved, self.blocks = dict(saved), blocks
        self.sliced = sliced  # a slice has no side outputs
        self.layers: list[LayerData] = []

    def add(self, kind: str | None = None) -> None:
        """Adds a layer of a kind, or of any, and what it takes to have one there."""
        kind = kind or self.chance.choice(self.kinds())
        if kind in COMPOSITES:
            layers = COMPOSITES[kind](self)
        elif kind in ("crop", "upsample") and self.chance.random() < 0.5:
            layers = sized(self, kind)
        else:
            layers = [primitive(self.draw, kind, self.shape)]
        output = outcome(layers, self.shape, self.saved, self.blocks)
        if output is None or math.prod(output) > LARGEST:
            return
        if kind == "head":  # a named one is all that those layers give; the tensor goes on
            output = self.shape
        if layers and "save" in layers[0] and kind != "shared":  # it saves at its beginning
            self.saved[layers[0]["save"]["tensor"]] = self.shape
        self.layers += layers
        self.shape = output

    def kinds(self) -> list[str]:
        """The kinds that take the shape at the end, those with most to say more than once."""
        composites = [
            kind
            for kind in COMPOSITES
            if (self.depth or kind in ("save", "load"))
            and (self.depth == DEPTH or kind != "output")
            and not (self.sliced and kind == "head")
        ]
        fitting = [*MAPS] * 2 if len(self.shape) > 1 else [*VECTORS] * 5
        return [*ANY, *fitting, *composites * 2]

    def inner(self, least: int = 0, most: int = 2) -> tuple[list[LayerData], Shape]:
        """Layers inside this one, and the shape after them."""
        below = Sequence(
            self.draw,
            self.chance,
            self.shape,
            self.depth - 1,
            self.saved,
            self.blocks,
            sliced=self.sliced,
        )
        for _ in range(self.chance.randint(least, most)):
            below.add()
        return below.layers, below.shape


def axis(sequence: Sequence, by: str) -> Fields:
    """Sometimes an axis that a concatenation is along."""
    rank = len(sequence.shape) - 1
    if by != "concat" or not rank or sequence.draw(FLAGS):
        return {}
    return {"axis": sequence.chance.randrange(rank)}


def _same_shape(sequence: Sequence) -> list[LayerData]:
    """Layers that end in the shape they begin with."""
    layers, after = sequence.inner()
    return layers if after == sequence.shape else [*layers, *_of_shape(sequence.shape)]


def residual(sequence: Sequence) -> list[LayerData]:
    fields = {"layers": _same_shape(sequence), "activation": activation(sequence.draw)}
    if sequence.draw(FLAGS):
        fields["shortcut"] = _same_shape(sequence)
    return [{"residual": {k: v for k, v in fields.items() if v is not None}}]


def parallel(sequence: Sequence) -> list[LayerData]:
    branches = [_same_shape(sequence) for _ in range(sequence.draw(st.integers(0, 3)))]
    named = {f"branch-{index}": branch for index, branch in enumerate(branches)}
    merge = sequence.draw(JOINS)
    given = named if sequence.draw(FLAGS) else branches
    return [{"parallel": {"branches": given, "merge": merge, **axis(sequence, merge)}}]


def repeat(sequence: Sequence) -> list[LayerData]:
    """Copies of layers or of a block; of some, what each copy reads or gives is read later."""
    draw, layers = sequence.draw, _same_shape(sequence)
    if draw(FLAGS):
        name = f"block{len(sequence.blocks)}"
        sequence.blocks[name] = {"layers": layers}
        layers = [{name: {}}]
    times = draw(st.integers(0, 3))
    tensor = f"copy-{sequence.depth}-$index"
    save, after = {"save": {"tensor": tensor}}, []
    where = draw(st.sampled_from(["nowhere", "first", "last", "around"]))
    if where == "around":
        layers = [save, *layers, {"merge": {"with": tensor, "by": "add"}}]
    elif where != "nowhere":
        layers = [save, *layers] if where == "first" else [*layers, save]
        names = [tensor.replace("$index", str(index)) for index in range(times)]
        read = [name for name in names if draw(FLAGS)]
        if read:
            by = draw(JOINS)
            merge = {"merge": {"with": read, "by": by}}
            after = [draw(st.sampled_from([merge, {"load": {"tensor": read[0]}}]))]
    return [{"repeat": {"times": times, "layers": layers}}, *after]


def sized(sequence: Sequence, kind: str) -> list[LayerData]:
    """A crop or an upsampling to the extents of a saved tensor, from larger or fewer cells."""
    name = f"reference-{sequence.depth}"
    rank, few = len(sequence.shape) - 1, st.integers(0, 2)
    cells = [[sequence.draw(few), sequence.draw(few)] for _ in range(rank)]
    output = [sequence.chance.randint(1, extent) for extent in sequence.shape[:-1]]
    smaller: dict[str, LayerData] = {
        "crop": {"pad": {"padding": cells}},
        "upsample": {"adaptive_max_pool": {"output": output}},
    }
    method = {"method": sequence.draw(st.sampled_from(["nearest", "linear"]))}
    fields = {"to": name, **(method if kind == "upsample" else {})}
    return [{"save": {"tensor": name}}, smaller[kind], {kind: fields}]


def max_unpool(sequence: Sequence) -> list[LayerData]:
    """A pool and what undoes it, of a map that is saved here."""
    *extents, _ = sequence.shape
    if not extents:
        return []
    name = f"pooled-{sequence.depth}"
    size = [sequence.chance.randint(1, min(3, extent)) for extent in extents]
    pool = {"max_pool": {"size": size, "rounding": "floor"}}
    return [{"save": {"tensor": name}}, pool, {"max_unpool": {"to": name, "size": size}}]


def split(sequence: Sequence) -> list[LayerData]:
    """Two parts of the channels, joined again the other way round."""
    channels = sequence.shape[-1]
    if channels < 2:
        return []
    first = sequence.chance.randint(1, channels - 1)
    parts = [f"part-{sequence.depth}-{number}" for number in range(2)]
    into = dict(zip(parts, (first, channels - first), strict=True))
    merge = {"merge": {"with": parts[0], "by": "concat"}}
    return [{"split": {"into": into}}, {"load": {"tensor": parts[1]}}, merge]


def embedding(sequence: Sequence) -> list[LayerData]:
    """The first channel as numbers of entries."""
    draw = sequence.draw
    first = [{"slice": {"stop": 1}}] if len(sequence.shape) > 1 else []
    return [*first, {"embedding": {"entries": draw(SMALL), "units": draw(CHANNELS)}}]


def squeeze_excite(sequence: Sequence) -> list[LayerData]:
    if len(sequence.shape) == 1:
        return []
    return [{"squeeze_excite": {"ratio": 0.5, "bias": sequence.draw(FLAGS)}}]


def attention(sequence: Sequence) -> list[LayerData]:
    """Over all positions, in windows, or with what is saved here and pooled as the context."""
    *extents, channels = sequence.shape
    if not extents:
        return []
    draw = sequence.draw
    units = draw(st.sampled_from([None, 2, 6]))
    fields: Fields = {"heads": groups(draw, units or channels), "bias": draw(FLAGS)}
    fields |= {"dropout": draw(RATES), **({"units": units} if units else {})}
    way = draw(st.sampled_from(["all", "windows", "context"]))
    if way == "context":
        name = f"context-{sequence.depth}"
        return [
            {"save": {"tensor": name}},
            {"adaptive_max_pool": {"output": [max(1, extent // 2) for extent in extents]}},
            {"attention": {**fields, "context": name}},
        ]
    fields["relative_bias"] = draw(FLAGS)
    if way == "windows":
        window = [groups(draw, extent) for extent in extents]
        fields |= {"window": window, "shift": draw(st.integers(0, max(window) - 1))}
    return [{"attention": fields}]


def save(sequence: Sequence) -> list[LayerData]:
    return [{"save": {"tensor": f"tensor-{sequence.depth}"}}]


def load(sequence: Sequence) -> list[LayerData]:
    if not sequence.saved:
        return []
    return [{"load": {"tensor": sequence.draw(st.sampled_from(sorted(sequence.saved)))}}]


def merge(sequence: Sequence) -> list[LayerData]:
    name = f"merged-{sequence.depth}"
    by = sequence.draw(JOINS)
    between = _same_shape(sequence)
    merge = {"merge": {"with": name, "by": by, **axis(sequence, by)}}
    return [{"save": {"tensor": name}}, *between, merge]


def head(sequence: Sequence) -> list[LayerData]:
    layers, _ = sequence.inner(1, 3)
    fields: Fields = {"layers": layers or [{"relu": {}}]}
    if sequence.depth == DEPTH and sequence.draw(FLAGS):
        names = [layer for layer in sequence.layers if "output" in layer.get("head", {})]
        return [{"head": {**fields, "output": f"head-{len(names)}"}}]
    return [{"head": {**fields, "loss_weight": 0.3}}]


def each(sequence: Sequence) -> list[LayerData]:
    """Layers that see one slice along an axis, and no tensor that is saved outside."""
    shape, rank = sequence.shape, len(sequence.shape) - 1
    if not rank:
        return []
    place = sequence.chance.randrange(rank)
    below = Sequence(
        sequence.draw,
        sequence.chance,
        (*shape[:place], *shape[place + 1 :]),
        sequence.depth - 1,
        {},
        sequence.blocks,
        sliced=True,
    )
    for _ in range(sequence.chance.randint(0, 2)):
        below.add()
    return [{"each": {"axis": place, "layers": below.layers}}]


def class_token(sequence: Sequence) -> list[LayerData]:
    """Before what is a sequence, or is made one."""
    rank = len(sequence.shape) - 1
    flat: list[LayerData] = [{"flatten": {"keep_channels": True}}] if rank > 1 else []
    return [*flat, {"class_token": {}}] if rank else []


def output(sequence: Sequence) -> list[LayerData]:
    """An output; only the network's own list names some, each once."""
    names = [layer["output"] for layer in sequence.layers if "output" in layer]
    return [{"output": f"output-{len(names)}"}]


def shared(sequence: Sequence) -> list[LayerData]:
    """A layer or block applied once more, to the same tensor, to another, or to what it gives."""
    draw, name = sequence.draw, f"twin-{sequence.chance.randrange(10**9)}"
    if draw(FLAGS):
        layers, _ = sequence.inner(1)
        block = f"block{len(sequence.blocks)}"  # counted after those inside it
        sequence.blocks[block] = {"layers": layers}
        twin: LayerData = {"name": name, block: {}}
    else:
        weighted = "conv" if len(sequence.shape) > 1 else "dense"
        kind = sequence.chance.choice([weighted, weighted, "batch_norm", "prelu"])
        twin = {"name": name, **primitive(draw, kind, sequence.shape)}
    again = {"shared": name}
    where = draw(st.sampled_from(["after", "beside", "larger"]))
    if where == "after":
        return [twin, again]
    load = [{"save": {"tensor": f"{name}-in"}}, twin, {"save": {"tensor": f"{name}-out"}}]
    load += [{"load": {"tensor": f"{name}-in"}}]
    merge = {"merge": {"with": f"{name}-out", "by": "concat"}}
    if where == "beside" or len(sequence.shape) == 1:
        return [*load, again, merge]
    pooled: list[LayerData] = [{"pad": {"padding": 1}}, again, {"reduce": {"over": "channels"}}]
    return [*load, *pooled]


COMPOSITES: dict[str, Callable[[Sequence], list[LayerData]]] = {
    "residual": residual,
    "parallel": parallel,
    "repeat": repeat,
    "squeeze_excite": squeeze_excite,
    "attention": attention,
    "class_token": class_token,
    "save": save,
    "load": load,
    "merge": merge,
    "head": head,
    "output": output,
    "shared": shared,
    "each": each,
    "max_unpool": max_unpool,
    "split": split,
    "embedding": embedding,
}
OF_MAPS = ("squeeze_excite", "attention", "class_token", "each", "max_unpool", "split")
"""The composites that take a map or sequence."""
DRAWN = frozenset({*ANY, *MAPS, *VECTORS, *COMPOSITES})
"""The kinds that are drawn."""


@st.composite
def shapes(draw: Draw) -> Shape:
    """Input shapes: vectors, signals, images and volumes."""
    rank = draw(st.integers(0, 3))
    extents = st.integers(1, 9 if rank < 3 else 5)
    return (*(draw(extents) for _ in range(rank)), draw(CHANNELS))


def taken(kind: str | None, shape: Shape) -> Shape:
    """A shape made one that a kind takes."""
    if len(shape) == 1 and (kind in MAPS or kind in OF_MAPS):
        shape = (7, *shape)
    if kind in ("lstm", "gru"):  # a sequence, and no map
        return (shape[0], shape[-1])
    if kind == "conv_lstm":
        return shape if len(shape) > 2 else (3, *shape)
    if kind == "glu":
        return (*shape[:-1], 2 * shape[-1])
    return shape[-1:] if kind in VECTORS else shape


@st.composite
def networks(draw: Draw, first: str | None = None) -> LayerData:
    """A spec of a few layers, the first of a kind where one is given."""
    shape = taken(first, draw(shapes()))
    chance = Random(draw(SEEDS))  # noqa: S311 - drawn evenly, which Hypothesis does not
    blocks: Fields = {}
    inputs = {"first": shape}
    if chance.random() < 0.3:
        inputs["second"] = shape if draw(FLAGS) else draw(shapes())
    several = len(inputs) > 1
    sequence = Sequence(draw, chance, shape, DEPTH, inputs if several else {}, blocks)
    if first == "load":
        sequence.add("save")
    if first is not None:
        sequence.add(first)
    for _ in range(chance.randint(1, MOST)):
        sequence.add()
    layers = sequence.layers or [{"relu": {}}]
    named = ("output" in layer or "output" in layer.get("head", {}) for layer in layers)
    if any(named):  # else what comes after the last leads nowhere
        layers.append({"output": "last"})
    if several:
        shown = {name: list(each) for name, each in inputs.items()}
        return {"inputs": shown, "blocks": blocks, "layers": layers}
    return {"input": list(shape), "blocks": blocks, "layers": layers}


@st.composite
def rows(draw: Draw, kind: str) -> LayerData:
    """A spec of some layers of a primitive kind side by side, over one input."""
    shape = taken(kind, draw(shapes()))
    branches = [[primitive(draw, kind, shape), {"flatten": {}}] for _ in range(ROW)]
    return {"input": list(shape), "layers": [{"parallel": {"branches": branches}}]}
