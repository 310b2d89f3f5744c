"""Receptive fields: the published table of Araujo, Norris and Sim, hand calculation, brute force.

The table is that of github.com/google-research/receptive_field: TF-Slim's networks, written as
specs in `tests/specs/slim/`, whose end-points are named layers.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnkit
from cnnkit.analysis.receptive_field import Field
from cnnkit.analysis.result import Analysis
from cnnkit.spec.reading import read

TESTS = Path(__file__).parents[1]
TABLE = TESTS / "oracles" / "receptive-field.tsv"
SLIM = TESTS / "specs" / "slim"

DEPTHS = {"50": "[3,4,6,3]", "101": "[3,4,23,3]", "152": "[3,8,36,3]", "200": "[3,24,36,3]"}
# The spec of each network of the table, and what it sets.
NETWORKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "alexnet_v2": ("alexnet_v2", ()),
    "vgg_a": ("vgg_a", ()),
    "vgg_16": ("vgg_16", ()),
    "mobilenet_v1": ("mobilenet_v1", ()),
    "mobilenet_v1_075": ("mobilenet_v1", ("variables.multiplier=0.75",)),
    "inception_v2": ("inception_v2", ()),
    "inception_v2-no-separable-conv": ("inception_v2", ("variables.separable=false",)),
    "inception_v3": ("inception_v3", ()),
    "inception_v4": ("inception_v4", ()),
    "inception_resnet_v2": ("inception_resnet_v2", ()),
    "inception_resnet_v2-same": ("inception_resnet_v2", ("variables.edges=same",)),
    **{
        f"resnet_v{version}_{layers}": (f"resnet_v{version}_50", (f"variables.depths={depths}",))
        for version in (1, 2)
        for layers, depths in DEPTHS.items()
    },
}
# Where the table leaves the resolution open, size and stride are those of any input, and so is
# the padding, where it has one: where no `same` window strides.
OPEN_RESOLUTION = "321"


class Row(NamedTuple):
    """A line of the table."""

    cnn: str
    resolution: str
    endpoint: str
    gflops: str
    size: str
    stride: str
    padding: str


def _rows() -> list[Row]:
    with TABLE.open(newline="") as file:
        return [Row(*row) for row in csv.reader(file, delimiter="\t")][1:]


ROWS = _rows()


@cache
def _slim(cnn: str, resolution: str) -> Analysis:
    name, overrides = NETWORKS[cnn]
    extent = OPEN_RESOLUTION if resolution == "None" else resolution
    reading = read(SLIM / f"{name}.yaml", [*overrides, f"input={extent}x{extent}x3"])
    assert reading.spec is not None
    assert not reading.findings
    analysis = cnnkit.analyze(reading.spec)
    assert analysis.ok
    return analysis


@cache
def _endpoints(cnn: str, resolution: str) -> dict[str, tuple[tuple[Field, ...], int]]:
    """The fields of each named layer, and the MACs up to it."""
    found = {}
    macs = 0
    for layer in _slim(cnn, resolution).tree.children:
        macs += layer.macs
        name = layer.path.removeprefix("layers.").split(".")[0]
        assert layer.fields is not None
        found[name] = (layer.fields, macs)
    return found


def test_the_table_is_whole() -> None:
    """No network and no row of the table is left out below."""
    assert {row.cnn for row in ROWS} == set(NETWORKS)
    assert {row.resolution for row in ROWS} == {"None", "224", "321"}
    assert len(ROWS) == 561


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:3]).replace("/", "."))
def test_fields_agree_with_the_published_table(row: Row) -> None:
    fields, macs = _endpoints(row.cnn, row.resolution)[row.endpoint.rsplit("/", 1)[-1]]
    assert len(fields) == 2
    for field in fields:
        assert field.size == int(row.size)
        assert field.stride == int(row.stride)
        if row.padding != "None":
            assert field.padding == int(row.padding)
    if row.gflops != "None":
        # TensorFlow's profiler adds the biases and the comparisons of the pools.
        published = float(row.gflops)
        assert published * 0.95 - 0.001 <= 2 * macs / 1e9 <= published + 0.0005


@pytest.mark.parametrize("cnn", NETWORKS)
@pytest.mark.parametrize("resolution", ["224", "321"])
def test_slims_networks_are_aligned(cnn: str, resolution: str) -> None:
    """Their program refuses a network whose branches are misaligned; each has its row."""
    assert not _slim(cnn, resolution).findings


# By hand --------------------------------------------------------------------------------------


def analyse(layers: list[Any], shape: str = "64x64x4") -> Analysis:
    return cnnkit.analyze(cnnkit.load({"input": shape, "layers": layers}))


def last(layers: list[Any], shape: str = "64x64x4") -> tuple[Field, ...]:
    """The fields of the output, an axis each."""
    fields = analyse(layers, shape).tree.fields
    assert fields is not None
    return fields


def conv(kernel: Any, **fields: Any) -> dict[str, Any]:
    return {"conv": {"filters": 4, "kernel": kernel, **fields}}


def test_the_input_sees_itself() -> None:
    assert last([]) == (Field(1, 1, 0), Field(1, 1, 0))
    assert last(["relu", "batch_norm", {"dropout": {"rate": 0.5}}]) == last([])
    assert last([], "150") == ()


def test_a_window_sees_its_size_and_the_next_one_its_stride_further() -> None:
    (height, width) = last([conv([3, 5], stride=[1, 2], padding=[1, [0, 1]])])
    assert height == Field(3, 1, 1)
    assert width == Field(5, 2, 0)
    assert (height.centre, width.centre) == (0, 2)


def test_sizes_add_up_in_steps_of_the_stride_so_far() -> None:
    # 3; 3 + 1·1 = 4 at stride 2; 4 + 2·2 = 8; 8 + 1·2 = 10 at stride 4; 10 + 4·4 = 26.
    pool = {"max_pool": {"size": 2}}
    field = last([conv(3, padding=1), pool, conv(3, padding=1), pool, conv(5)])[0]
    assert field == Field(26, 4, 1 + 2)


def test_dilation_spreads_the_window() -> None:
    # F′ = 4·(3 − 1) + 1 = 9; a second one with dilation 2 on stride 2 adds (5 − 1)·2.
    assert last([conv(3, dilation=4, padding=4)])[0] == Field(9, 1, 4)
    field = last([conv(3, dilation=4, stride=2, padding="same"), conv(3, dilation=2)])[0]
    assert field == Field(9 + 8, 2, 3)  # same: P = 31·2 + 9 − 64 = 7, 3 of them before
    assert field.centre == 5


def test_the_odd_cell_of_same_goes_after() -> None:
    assert last([conv(2, padding="same")])[0] == Field(2, 1, 0)
    assert last([conv(3, stride=2, padding="same")])[0] == Field(3, 2, 0)
    assert last([conv(3, stride=2, padding="same")], "65x65x4")[0] == Field(3, 2, 1)


def test_causal_padding_is_all_before() -> None:
    field = last([conv(3, dilation=2, padding="causal")], "64x4")[0]
    assert field == Field(5, 1, 4)
    assert field.centre == -2


def test_pad_and_crop_shift_the_centre() -> None:
    padded = last([{"pad": {"padding": [[2, 3], 0]}}])
    assert padded == (Field(1, 1, 2), Field(1, 1, 0))
    assert [field.centre for field in padded] == [-2, 0]
    assert last([conv(3, stride=2, rounding="floor"), {"crop": {"cells": 2}}])[0] == Field(3, 2, -4)


def test_a_nearest_upsampling_halves_the_stride() -> None:
    # After a 2x2 pool the cells lie at 0.5, 2.5, …; twice as many, at half-pixel centres, at
    # 0, 1, 2, …: where the input's own cells are.
    field = last([{"max_pool": {"size": 2}}, {"upsample": {"factor": 2}}])[0]
    assert (field.size, field.stride, field.centre) == (2, 1, 0)
    field = last([{"upsample": {"factor": 2}}])[0]
    assert (field.size, field.stride, field.centre) == (1, Fraction(1, 2), Fraction(-1, 4))


def test_a_linear_upsampling_reads_two_cells() -> None:
    field = last([{"upsample": {"factor": 4, "method": "linear"}}])[0]
    assert (field.size, field.stride) == (2, Fraction(1, 4))
    assert field.centre == Fraction(1, 8) - Fraction(1, 2)


def test_a_transposed_convolution_reads_a_part_of_its_kernel() -> None:
    # Output cell o reads input cells i with o = 2i + k − 1, k in 0..3: two of them, half a cell
    # further on each; cell 0 reads 0 (and −1, outside): its centre is (1 − 1.5)/2 = −1/4.
    layer = {"transposed_conv": {"filters": 4, "kernel": 4, "stride": 2, "padding": 1}}
    field = last([layer])
    assert (field[0].size, field[0].stride, field[0].centre) == (2, Fraction(1, 2), Fraction(-1, 4))
    field = last([conv(2, stride=2), {"transposed_conv": {"filters": 4, "kernel": 2, "stride": 2}}])
    assert (field[0].size, field[0].stride, field[0].centre) == (2, 1, 0)
    # with kernel 3 an even cell reads two input cells, an odd one reads one: at most two
    field = last([{"transposed_conv": {"filters": 4, "kernel": 3, "stride": 2}}])
    assert (field[0].size, field[0].stride, field[0].centre) == (2, Fraction(1, 2), Fraction(-1, 2))


def test_a_residual_sees_what_its_longer_side_sees() -> None:
    body = [conv(3, padding=1), conv(3, padding=1)]
    assert last([{"residual": {"layers": body}}])[0] == Field(5, 1, 2)
    strided = {"layers": [conv(3, padding=1, stride=2, rounding="floor")]}
    strided["shortcut"] = [conv(1, stride=2, rounding="floor")]
    analysis = analyse([{"residual": strided}])
    assert not analysis.findings  # both centred on the input's cells 0, 2, …
    assert analysis.tree.fields is not None
    assert analysis.tree.fields[0] == Field(3, 2, 1)


def test_parallel_branches_give_the_largest_axis_by_axis() -> None:
    branches = [[conv(1)], [conv([1, 7], padding="same")], [conv([5, 1], padding="same")]]
    analysis = analyse([{"parallel": {"branches": branches}}])
    assert analysis.tree.fields == (Field(5, 1, 2), Field(7, 1, 3))
    assert not analysis.findings


@pytest.mark.parametrize(
    ("kernel", "padding", "centre", "level"),
    [(2, [0, 1], "0.5", "info"), (5, [1, 3], "1", "warning")],
)
def test_a_branch_that_is_shifted_is_found(
    kernel: int, padding: list[int], centre: str, level: str
) -> None:
    """By half a cell, which an even kernel must be, it is a note."""
    branches = [[conv(7, padding=3)], [conv(kernel, padding=[padding, padding])]]
    (finding,) = analyse([{"parallel": {"branches": branches}}]).findings
    assert finding.rule == "misaligned-branches"
    assert finding.level == level
    assert finding.message == (
        "the branches that meet here are misaligned along the height: "
        f"their first cells centred at 0 and {centre}"
    )


def test_causal_branches_end_alike() -> None:
    """WaveNet's: each cell and those before it, 1 + 1 + 2 + 4 + … + 512 of them."""
    dilated = {"dilation": "$(2**index)", "padding": "causal"}
    body = [{"conv": {"filters": 8, "kernel": 2, **dilated}}, conv(1, filters=8)]
    blocks = {"repeat": {"times": 10, "layers": [{"residual": {"layers": body}}]}}
    analysis = analyse([conv(2, filters=8, padding="causal"), blocks], "4000x1")
    assert not analysis.findings
    assert analysis.tree.fields == (Field(2 + 1023, 1, 1024),)
    # Without padding, as the paper's authors cut their shortcuts.
    cut = [[conv(2, dilation=4)], [{"crop": {"cells": [[4, 0]]}}]]
    assert not analyse([{"parallel": {"branches": cut}}], "64x4").findings
    # Down a picture, rows before a row.
    above = [conv([3, 1], padding=[[2, 0], 0])]
    assert not analyse([{"residual": {"layers": above}}]).findings


def test_one_cause_is_told_once() -> None:
    """`same` at a stride of 2 pads an even extent after, and a shortcut of one cell does not."""
    stages = []
    for filters in (8, 16, 32):
        strided: dict[str, Any] = {"filters": filters, "stride": 2, "padding": "same"}
        body = [conv(3, **strided), conv(3, filters=filters, padding="same")]
        stages.append({"residual": {"layers": body, "shortcut": [conv(1, **strided)]}})
    (finding,) = analyse(stages).findings
    assert finding.level == "info"
    assert finding.path == "layers.0.add"
    assert finding.message == (
        "the branches that meet here are misaligned along the height: their first cells centred "
        "at 1 and 0, half a cell apart; so are those of 2 more joins"
    )


def test_branches_of_other_strides_are_found() -> None:
    branches = [[conv(3, padding=1)], [conv(2, stride=2), {"pad": {"padding": 16}}]]
    (finding,) = analyse([{"parallel": {"branches": branches}}]).findings
    assert finding.message == (
        "the branches that meet here are misaligned along the height: effective stride 1 and 2"
    ) or finding.message.endswith("effective stride 2 and 1")


def test_behind_a_squeeze_and_excitation_every_cell_sees_all() -> None:
    layers = [conv(3, padding=1), "squeeze_excite", conv(5, padding=2)]
    analysis = analyse(layers)
    assert [field.size for field in analysis.tree.fields or ()] == [64, 64]
    assert not analysis.findings
    # A window that reaches further is shown with what it reaches over the border: 3 + 4 + 98.
    far = last([*layers, conv(99, padding=49)])
    assert [(field.size, field.padding) for field in far] == [(105, 52), (105, 52)]


def test_a_gate_leaves_the_branches_where_they_are() -> None:
    gated = [conv(3, padding=1), "squeeze_excite"]
    assert not analyse([{"residual": {"layers": gated}}]).findings
    shifted = [{"pad": {"padding": [[4, 0], 0]}}, {"crop": {"cells": [[0, 4], 0]}}, *gated]
    (finding,) = analyse([{"residual": {"layers": shifted}}]).findings
    assert finding.message.endswith("along the height: their first cells centred at -4 and 0")


def test_the_channel_gate_of_cbam() -> None:
    """Means and maxima, added; alone they see all of the input, and so do the cells they gate."""
    pools = {"parallel": {"branches": [["global_mean_pool"], ["global_max_pool"]], "merge": "add"}}
    assert [field.size for field in last([pools], "8x6x4")] == [8, 6]
    gate = {"parallel": {"branches": [[], [pools]], "merge": "multiply"}}
    assert [field.size for field in last([gate], "8x6x4")] == [8, 6]
    assert [field.size for field in last([conv(3, padding=1), gate, conv(3)], "8x6x4")] == [8, 6]


def test_a_gate_may_be_reshaped() -> None:
    """Efficient channel attention: a convolution over the channels, as cells of one axis."""
    gate = [
        {"save": "map"},
        "global_mean_pool",
        {"reshape": {"shape": [4, 1]}},
        {"conv": {"filters": 1, "kernel": 3, "padding": "same", "activation": "sigmoid"}},
        {"reshape": {"shape": [1, 1, 4]}},
        {"merge": {"with": "map", "by": "multiply"}},
    ]
    fields = last([conv(3), *gate, conv(3)], "40x30x4")
    assert [(field.size, field.stride) for field in fields] == [(40, 1), (30, 1)]


def test_a_map_from_a_vector_sees_all() -> None:
    layers = ["flatten", {"dense": {"units": 48}}, {"reshape": {"shape": [4, 4, 3]}}, conv(3)]
    assert [field.size for field in last(layers, "8x6x4")] == [8, 6]


def test_a_gate_of_a_part_of_the_input_is_seen_beside_what_lies_elsewhere() -> None:
    """Of 64 cells the gate has seen 0 to 9; cell i sees these and itself."""
    gate = [{"save": "map"}, {"crop": {"cells": [[0, 54]]}}, "global_mean_pool"]
    field = last([*gate, {"merge": {"with": "map", "by": "multiply"}}], "64x4")[0]
    assert (field.size, field.smallest) == (64, 10)


def test_branches_apart_see_all_that_lies_between() -> None:
    """The first cell and the second: two. Windows of 3, one of them 8 further on: 3 + 8."""
    apart = [[{"crop": {"cells": [[0, 1]]}}], [{"crop": {"cells": [[1, 0]]}}]]
    assert last([{"parallel": {"branches": apart, "merge": "add"}}], "8x1") == (Field(2, 1, 0),)
    branches = [
        [conv(3), {"crop": {"cells": [[0, 8]]}}],
        [conv(3), {"crop": {"cells": [[8, 0]]}}],
    ]
    assert last([{"parallel": {"branches": branches}}], "64x1") == (Field(11, 1, 0),)


def test_branches_of_other_strides_see_more_and_more() -> None:
    """Cell i of 8 sees input cell i, and of a stride of 2 the cells 2i and 2i + 1: i + 2 cells."""
    branches = [[conv(2, stride=2)], [{"crop": {"cells": [[0, 8]]}}]]
    field = last([{"parallel": {"branches": branches}}], "16x1")[0]
    assert (field.size, field.smallest) == (9, 2)


def test_the_largest_field_behind_an_upsampling() -> None:
    """Windows of 7 at 0, 4, 8 …; a line between two of them sees 11, and three such lines 15."""
    up = {"upsample": {"factor": 4, "method": "linear"}}
    field = last([conv(7, stride=4, padding="same"), up, conv(3, padding="same")])[0]
    assert (field.size, field.smallest) == (15, 11)
    # Cells 0 0 1 1 2 2 …: two neighbours are of one cell or of two.
    field = last([{"upsample": {"factor": 2}}, conv(2)])[0]
    assert (field.size, field.smallest) == (2, 1)


def test_an_enormous_upsampling() -> None:
    """A window of 3 in cells that are repeated a billion times sees one of them or two."""
    field = last([{"upsample": {"factor": 10**9}}, conv(3), conv(3)], f"{10**18}x1")[0]
    assert field.stride == Fraction(1, 10**9)
    analysis = analyse([{"upsample": {"factor": 10**9}}, conv(3), conv(3)], f"{10**18}x1")
    assert analysis.to_dict()["layers"][-1]["receptive_field"] == [2]


def test_a_pooled_branch_that_is_spread_again_is_exempt() -> None:
    """The image pooling of DeepLab's pyramid: all of the input, beside every cell."""
    pooled = [{"global_mean_pool": {"keep_axes": True}}, conv(1), {"upsample": {"factor": 64}}]
    analysis = analyse([{"parallel": {"branches": [[conv(3, padding=1)], pooled]}}])
    assert not analysis.findings
    assert [field.size for field in analysis.tree.fields or ()] == [64, 64]


def test_branches_that_are_all_pooled_are_exempt() -> None:
    branches = [["global_mean_pool"], [conv(2, stride=2), "global_max_pool"]]
    analysis = analyse([{"parallel": {"branches": branches}}, {"dense": {"units": 3}}])
    assert not analysis.findings
    assert analysis.tree.fields is not None
    assert analysis.tree.fields[0].size == 64


def test_what_follows_a_flatten_or_a_global_pool_sees_the_whole_map() -> None:
    for bridge in ("flatten", "global_mean_pool", "global_max_pool"):
        field = last([conv(3, padding=1), bridge, {"dense": {"units": 3}}])[0]
        assert field.size == 3 + 63
        assert field.centre == Fraction(63, 2)
        assert field.pooled


def test_a_vector_has_no_field() -> None:
    assert last([{"dense": {"units": 3}}], "150") == ()


def test_a_crop_to_a_saved_tensor_reads_no_field_of_it() -> None:
    """U-Net's skip: 64, conv 62, pool 31, conv 29, up 58; cut to 58, the cells lie alike."""
    layers = [
        conv(3),
        {"save": "skip"},
        {"max_pool": {"size": 2}},
        conv(3),
        {"transposed_conv": {"filters": 4, "kernel": 2, "stride": 2}},
        {"save": "up"},
        {"load": "skip"},
        {"crop": {"to": "up"}},
        {"name": "cut", "relu": {}},
        {"merge": {"with": "up"}},
    ]
    analysis = analyse(layers)
    assert not analysis.findings
    (cut,) = [layer for layer in analysis.layers if layer.path == "layers.cut"]
    assert cut.fields is not None
    assert cut.fields[0] == Field(3, 1, -2)  # 2 cells off: the first is centred at 1 + 2
    # 3, 4 at stride 2, 4 + 2·2 = 8; 58 cells again, centred where the skip's are
    assert analysis.tree.fields is not None
    assert (analysis.tree.fields[0].size, analysis.tree.fields[0].centre) == (8, 3)


def test_an_upsampling_to_a_saved_tensor_reads_no_field_of_it() -> None:
    """A feature pyramid's: 64, pooled to 32, enlarged; its cells lie where they lay before."""
    layers = [
        {"save": "fine"},
        conv(5, padding=2),
        {"max_pool": {"size": 2}},
        {"upsample": {"to": "fine"}},
    ]
    field = last(layers)[0]
    assert (field.size, field.stride, field.centre) == (6, 1, 0)


def test_an_upsampling_by_no_whole_factor_keeps_the_middle() -> None:
    """63 cells are padded to 64 and pooled to 32, centred at 1, 3 … 63; then 63 again."""
    pad = {"pad": {"padding": [[0, 1], [0, 1]]}}
    pool, up = {"max_pool": {"size": 2}}, {"upsample": {"to": "odd"}}
    field = last([conv(2), {"save": "odd"}, pad, pool, up])[0]
    assert (field.size, field.stride) == (3, Fraction(64, 63))
    assert field.centre + 31 * field.stride == 32  # of 63 cells the middle one


def test_a_sub_pixel_convolution_lies_like_an_upsampling() -> None:
    up = last([{"max_pool": {"size": 2}}, conv(1, filters=16), {"depth_to_space": {"block": 2}}])
    assert (up[0].size, up[0].stride, up[0].centre) == (2, 1, 0)
    down = last([{"space_to_depth": {"block": [2, 4]}}, conv(3)])
    assert [(field.size, field.stride, field.centre) for field in down] == [
        (6, 2, Fraction(5, 2)),
        (12, 4, Fraction(11, 2)),
    ]


def test_factors_that_are_spread_are_misaligned_with_nothing() -> None:
    """Coordinate attention: means along one axis, factors along the other."""
    layers = [
        {"save": "map"},
        {"mean_pool": {"size": [64, 1]}},
        conv(1, activation="sigmoid"),
        {"merge": {"with": "map", "by": "multiply"}},
    ]
    analysis = analyse(layers)
    assert not analysis.findings
    assert analysis.output == (64, 64, 4)
    assert analysis.tree.fields is not None
    assert analysis.tree.fields[1] == Field(1, 1, 0)


# Brute force ----------------------------------------------------------------------------------

EXTENT = 97


class Step(NamedTuple):
    """One layer, and which cells of its input output cell 0 reads; cell 1, ``stride`` further."""

    layer: dict[str, Any]
    offsets: tuple[int, ...]
    stride: int
    extent: int


def output(extent: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    return (extent + padding - dilation * (kernel - 1) - 1) // stride + 1


@st.composite
def stacks(draw: st.DrawFn) -> list[Step]:
    steps: list[Step] = []
    extent = EXTENT
    for _ in range(draw(st.integers(0, 6))):
        kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        dilation = draw(st.integers(1, 3))
        reached = dilation * (kernel - 1)
        before, after = draw(st.integers(0, reached)), draw(st.integers(0, reached))
        padding: Any = [[before, after]]
        kind = draw(st.sampled_from(["valid", "same", "causal", "given"]))
        if kind == "valid":
            padding, before, after = kind, 0, 0
        elif kind == "causal":
            padding, before, after = kind, reached, 0
        elif kind == "same":
            needed = max((-(-extent // stride) - 1) * stride + reached + 1 - extent, 0)
            padding, before, after = kind, needed // 2, needed - needed // 2
        fields: dict[str, Any] = {"kernel": kernel, "stride": stride, "dilation": dilation}
        fields |= {"padding": padding, "rounding": "floor"}
        given_kind = draw(st.sampled_from(["conv", "depthwise_conv", "max_pool"]))
        if given_kind == "max_pool":
            fields["size"] = fields.pop("kernel")
        if given_kind == "conv":
            fields["filters"] = 2
        shorter = output(extent, kernel, stride, dilation, before + after)
        if shorter < 2:
            break
        offsets = tuple(dilation * tap - before for tap in range(kernel))
        steps.append(Step({given_kind: fields}, offsets, stride, shorter))
        extent = shorter
    return steps


def seen(steps: list[Step], cell: int, *, clipped: bool) -> set[int]:
    """The cells of the input that an output cell depends on, going back layer by layer.

    Padding depends on nothing: ``clipped`` leaves out the cells outside each map.
    """
    cells = {cell}
    extents = [EXTENT, *(step.extent for step in steps)]
    for step, extent in zip(reversed(steps), reversed(extents[:-1]), strict=True):
        cells = {place * step.stride + offset for place in cells for offset in step.offsets}
        if clipped:
            cells = {place for place in cells if 0 <= place < extent}
    return cells


@given(stacks(), st.integers(0, 1))
def test_the_field_of_a_stack_is_what_its_cells_depend_on(steps: list[Step], cell: int) -> None:
    layers = [step.layer for step in steps]
    analysis = analyse(layers, f"{EXTENT}x2")
    assert analysis.output == ((steps[-1].extent if steps else EXTENT), 2)
    assert analysis.tree.fields is not None
    (field,) = analysis.tree.fields
    first = cell * field.stride - field.padding
    reached = seen(steps, cell, clipped=False)
    assert (min(reached), max(reached)) == (first, first + field.size - 1)
    inside = seen(steps, cell, clipped=True)
    assert inside <= set(range(EXTENT)) & set(range(int(first), int(first + field.size)))


@given(stacks())
def test_a_cell_whose_field_meets_no_border_depends_on_all_of_its_span(steps: list[Step]) -> None:
    (field,) = last([step.layer for step in steps], f"{EXTENT}x2")
    extent = steps[-1].extent if steps else EXTENT
    for cell in range(extent):
        inside = seen(steps, cell, clipped=True)
        if inside != seen(steps, cell, clipped=False):
            continue
        first = cell * field.stride - field.padding
        assert (min(inside), max(inside)) == (first, first + field.size - 1)
        assert Fraction(min(inside) + max(inside), 2) == field.centre + cell * field.stride
        return


def test_maps_laid_end_to_end_may_be_seen_anywhere() -> None:
    spec = """
input: 9x9x2
layers:
  - parallel:
      axis: 0
      branches: [[{conv: {filters: 2, kernel: [3, 1]}}], [{max_pool: {size: [4, 1], stride: 1}}]]
  - conv: {filters: 2, kernel: 3}
"""
    analysis = cnnkit.analyze(cnnkit.load(spec))
    assert analysis.output == (11, 7, 2)
    assert analysis.tree.fields is not None
    height, width = analysis.tree.fields
    assert (height.size, height.pooled) == (9, True)
    assert (width.size, width.stride, width.pooled) == (3, 1, False)


@pytest.mark.parametrize(
    "layer",
    [
        "global_response_norm",
        {"layer_norm": {"over": "all"}},
        {"group_norm": {"groups": 2}},
        "instance_norm",
    ],
)
def test_norms_over_the_map_see_all_of_it(layer: Any) -> None:
    conv = {"conv": {"filters": 4, "kernel": 3, "padding": 1, "stride": 2, "rounding": "floor"}}
    fields = analyse([conv, layer], "33x33x3").tree.fields
    assert fields is not None
    assert [(field.size, field.stride) for field in fields] == [(33, 2), (33, 2)]
    assert [field.windowed.size for field in fields] == [3, 3]
    within = analyse([conv, "layer_norm"], "33x33x3").tree.fields
    assert within is not None
    assert [field.size for field in within] == [3, 3]
