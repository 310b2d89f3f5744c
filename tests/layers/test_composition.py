"""Composite layers: their models, and what they make of shapes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import cnnkit
from cnnkit.layers.activation import Maxout, Relu, Tanh
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block
from cnnkit.layers.composition import (
    Head,
    Load,
    Merge,
    Parallel,
    Repeat,
    Residual,
    Save,
    SqueezeExcite,
)
from cnnkit.layers.convolution import Conv
from cnnkit.layers.dense import Dense
from cnnkit.layers.pooling import GlobalMeanPool


def analysed(*layers: Layer, shape: str = "8x8x4") -> cnnkit.Analysis:
    return cnnkit.analyze(cnnkit.Spec(input=shape, layers=layers))


def messages(*layers: Layer, shape: str = "8x8x4") -> list[str]:
    findings = analysed(*layers, shape=shape).findings
    return [finding.message for finding in findings if finding.level == "error"]


def same(filters: int, stride: int = 1) -> Conv:
    return Conv(filters=filters, kernel=3, stride=stride, padding="same")


def test_layers_of_layers_are_equal_where_they_say_the_same() -> None:
    assert Residual(layers=(Relu(),)) == Residual(layers=(Relu(),))
    assert Residual(layers=(Relu(),)) != Residual(layers=(Tanh(),))
    assert hash(Residual(layers=(Relu(),))) == hash(Residual(layers=(Relu(),)))


def test_a_residual() -> None:
    analysis = analysed(Residual(layers=(same(4),), activation="relu"))
    assert analysis.output == (8, 8, 4)
    assert analysis.totals.operations.add == 8 * 8 * 4 * 2  # the bias and the sum
    assert analysis.totals.operations.compare == 8 * 8 * 4


@pytest.mark.parametrize("shortcut", ["identity", (), []])
def test_the_identity_is_a_shortcut_without_layers(shortcut: object) -> None:
    assert Residual(layers=[Relu()], shortcut=shortcut).shortcut == ()


def test_a_residual_of_two_shapes_names_the_axes_and_what_would_fit() -> None:
    analysis = analysed(Residual(layers=(same(8, stride=2),)))
    (finding,) = analysis.findings
    assert finding.message == (
        "cannot add 4x4x8 of `layers` and 8x8x4 of `shortcut`: they differ in height 4 and 8, "
        "width 4 and 8, channels 8 and 4"
    )
    assert finding.help is not None
    offered = Conv(filters=8, kernel=1, stride=2, padding="same")
    assert "`conv: {filters: 8, kernel: 1, stride: 2, padding: same}`" in finding.help
    assert messages(Residual(layers=(same(8, stride=2),), shortcut=(offered,))) == []


def test_a_residual_of_vectors() -> None:
    (finding,) = analysed(Residual(layers=(Dense(units=5),)), shape="12").findings
    assert finding.message.endswith("they differ in channels 5 and 12")
    assert finding.help is not None
    assert "`dense: {units: 5}`" in finding.help


@pytest.mark.parametrize(
    ("merge", "output"),
    [("concat", (8, 8, 12)), ("add", (8, 8, 4)), ("maximum", (8, 8, 4)), ("mean", (8, 8, 4))],
)
def test_a_parallel(merge: str, output: tuple[int, ...]) -> None:
    layer = Parallel(branches={"a": (Relu(),), "b": (), "c": (Tanh(),)}, merge=merge)
    assert analysed(layer).output == output


def test_a_parallel_names_the_branch_that_differs() -> None:
    layer = Parallel(branches={"wide": (same(6),), "narrow": (same(4),)}, merge="add")
    (message,) = messages(layer)
    assert message == (
        "cannot add 8x8x6 of branch wide and 8x8x4 of branch narrow: "
        "they differ in channels 6 and 4"
    )


def test_concat_asks_for_equal_extents_alone() -> None:
    layer = Parallel(branches={"a": (same(6),), "b": (same(6, stride=2),)})
    (message,) = messages(layer)
    assert message == (
        "cannot concat 8x8x6 of branch a and 4x4x6 of branch b: they differ in height 8 and 4, "
        "width 8 and 4"
    )


def test_a_parallel_of_no_branches_or_one_is_no_join() -> None:
    assert analysed(Parallel(branches={})).output == (8, 8, 4)
    one = analysed(Parallel(branches={"a": (Relu(),)}, merge="add"))
    assert [node.layer.kind for node in one.graph.nodes] == ["relu"]


def test_a_repeat() -> None:
    assert analysed(Repeat(times=3, layers=(same(4),))).totals.parameters == 3 * (9 * 16 + 4)
    assert analysed(Repeat(times=0, layers=(same(4),))).graph.nodes == ()
    copies = ((Relu(),), (Tanh(),))
    kinds = [
        node.layer.kind for node in analysed(Repeat(times=2, layers=(), copies=copies)).graph.nodes
    ]
    assert kinds == ["relu", "tanh"]


def test_a_repeat_is_a_whole_number_of_times() -> None:
    for times in (-1, 1.0, "1", True):
        with pytest.raises(ValidationError):
            Repeat(times=times, layers=())


@pytest.mark.parametrize(
    ("channels", "fields", "units"),
    [
        (64, {}, 16),
        (10, {}, 2),  # 2.5 is floored
        (3, {}, 1),  # never below 1
        (1, {}, 1),
        (64, {"ratio": 0.5}, 32),
        (64, {"ratio": 0.0625}, 4),
        (24, {"ratio": 0.25 / 6}, 1),
        (100, {"ratio": 0.29}, 29),  # 100·0.29 is 28.999999999999996
        (64, {"units": 7}, 7),
        (64, {"units": 7, "ratio": 0.5}, 7),
        (64, {"ratio": 2}, 128),
    ],
)
def test_the_units_of_squeeze_excite(channels: int, fields: dict[str, float], units: int) -> None:
    analysis = analysed(SqueezeExcite(**fields), shape=f"8x8x{channels}")
    assert analysis.graph.nodes[1].output == (units,)
    assert analysis.totals.parameters == 2 * channels * units + units + channels
    assert analysis.output == (8, 8, channels)


def test_squeeze_excite_without_bias_activation_and_gate() -> None:
    layer = SqueezeExcite(units=2, bias=False, activation=None, gate=None)
    analysis = analysed(layer)
    assert analysis.totals.parameters == 2 * 4 * 2
    assert len(analysis.graph.nodes) == 4


def test_squeeze_excite_takes_a_map() -> None:
    assert messages(SqueezeExcite(), shape="12") == [
        "global_mean_pool takes a feature map, the input is a vector of 12"
    ]


def test_a_vector_is_spread_over_a_map_in_any_order() -> None:
    factors = (Save(tensor="map"), GlobalMeanPool(), Merge(others="map", by="multiply"))
    assert analysed(*factors).output == (8, 8, 4)
    other = (
        Save(tensor="map"),
        GlobalMeanPool(),
        Save(tensor="factors"),
        Load(tensor="map"),
        Merge(others=("factors",), by="multiply"),
    )
    assert analysed(*other).output == (8, 8, 4)
    assert messages(*factors[:2], Merge(others="map", by="add")) != []


def test_merge_is_written_with_with_and_built_with_others() -> None:
    assert Merge.model_validate({"with": "a"}) == Merge(others="a")
    with pytest.raises(cnnkit.SpecError, match="`merge` has no field `others`"):
        cnnkit.load("input: 8\nlayers: [{save: a}, {merge: {others: a}}]")
    with pytest.raises(ValidationError):
        Merge.model_validate({"with": []})
    with pytest.raises(ValidationError):
        Merge.model_validate({"with": ""})


def test_a_head_counts_and_macs_are_given_with_and_without() -> None:
    analysis = analysed(
        Head(layers=(GlobalMeanPool(), Dense(units=10)), loss_weight=0.4), GlobalMeanPool()
    )
    assert analysis.output == (4,)
    assert analysis.totals.parameters == 50
    assert (analysis.totals.macs, analysis.totals.macs_without_heads) == (40, 0)


def test_maxout_multiplies_parameters_and_macs_and_not_neurons() -> None:
    plain = analysed(same(6)).totals
    maxout = analysed(same(6).model_copy(update={"activation": Maxout(pieces=3)}))
    assert maxout.totals.parameters == 3 * plain.parameters
    assert maxout.totals.macs == 3 * plain.macs
    assert maxout.totals.neurons == plain.neurons
    assert maxout.output == (8, 8, 6)
    alone = analysed(same(6), Maxout(pieces=3))
    assert alone.output == (8, 8, 2)
    assert alone.totals.parameters == plain.parameters


def test_a_block_is_named_after_itself() -> None:
    block = Block(block="unit", layers=(Relu(),), name="own")
    assert (block.title, block.segment(3)) == ("unit", "own.unit")
    assert Block(block="unit", layers=()).segment(3) == "3.unit"
    assert [row.path for row in analysed(block).layers] == ["layers.own.unit.layers.0"]
