"""Comparisons: which layer is which, what changed, and conditions on it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnkit
from cnnkit.analysis.change import Change
from cnnkit.analysis.compare import Comparison, compare
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding

ZOO = sorted((Path(__file__).parents[2] / "specs" / "zoo").glob("*.yaml"))


def analysis(*layers: str, head: str = "input: 8x8x1") -> cnnkit.Analysis:
    lines = "".join(f"  - {layer}\n" for layer in layers)
    return cnnkit.analyze(cnnkit.load(f"{head}\nlayers:\n{lines}"))


def said(comparison: Comparison) -> list[str]:
    """Each change as its mark, its path before and after, and its settings."""
    marks = {"same": "=", "changed": "~", "inserted": "+", "removed": "-"}
    return [
        " ".join(
            [
                marks[change.status],
                ">".join(side.path if side else "." for side in (change.old, change.new)),
                *(f"{s.field}:{s.old}>{s.new}" for s in change.settings),
            ]
        )
        for change in comparison.layers
    ]


CONV = "conv: {filters: 4, kernel: 3}"  # 3·3·1·4 + 4 = 40 weights on one channel
WIDE = "conv: {filters: 8, kernel: 3}"


def test_a_field_that_changed() -> None:
    result = compare(analysis(CONV, "relu"), analysis(WIDE, "relu"))
    assert said(result) == ["~ layers.0>layers.0 filters:4>8", "~ layers.1>layers.1"]
    first, second = result.layers
    assert first.count("parameters") == Change(40, 80)
    assert first.count("macs") == Change(6 * 6 * 4 * 9, 6 * 6 * 8 * 9)
    assert first.differences[:2] == ("settings", "output")
    assert second.differences == ("input", "output", "activations", "operations")
    assert result.totals["parameters"].absolute == 40
    assert result.totals["parameters"].percent == 100


def test_a_layer_put_in_front_moves_the_others() -> None:
    result = compare(analysis(CONV, "relu"), analysis("dropout: {rate: 0.5}", CONV, "relu"))
    assert said(result) == ["+ .>layers.0", "= layers.0>layers.1", "= layers.1>layers.2"]


def test_a_width_doubled_everywhere_changes_each_layer_and_moves_none() -> None:
    old = analysis("conv: {filters: 16, kernel: 3}", "relu", "conv: {filters: 32, kernel: 3}")
    new = analysis("conv: {filters: 32, kernel: 3}", "relu", "conv: {filters: 64, kernel: 3}")
    assert said(compare(old, new)) == [
        "~ layers.0>layers.0 filters:16>32",
        "~ layers.1>layers.1",
        "~ layers.2>layers.2 filters:32>64",
    ]


def test_a_name_says_more_than_a_place() -> None:
    stem, head = "{name: stem, conv: {filters: 2, kernel: 1}}", "{name: head, relu: {}}"
    renamed = stem.replace("filters: 2", "filters: 3")
    result = compare(analysis(stem, CONV, head), analysis(CONV, renamed, head))
    assert said(result) == [
        "+ .>layers.0",
        "~ layers.stem>layers.stem filters:2>3",
        "- layers.1>.",
        "~ layers.head>layers.head",
    ]


def test_another_kind_of_the_same_family_is_a_change() -> None:
    result = compare(analysis(CONV, "relu"), analysis(CONV, "leaky_relu: {slope: 0.2}"))
    assert said(result)[1] == "~ layers.1>layers.1 kind:relu>leaky_relu"


def test_another_family_is_another_layer() -> None:
    result = compare(analysis(CONV, "relu"), analysis(CONV, "dropout: {rate: 0.1}"))
    assert said(result)[1:] == ["- layers.1>.", "+ .>layers.1"]


def test_a_name_given_is_a_change_of_its_path() -> None:
    result = compare(analysis(CONV), analysis("{name: stem, " + CONV + "}"))
    assert said(result) == ["~ layers.0>layers.stem name:None>stem"]


def test_what_changes_no_figure_is_seen() -> None:
    result = compare(analysis("dropout: {rate: 0.1}"), analysis("dropout: {rate: 0.2}"))
    assert said(result) == ["~ layers.0>layers.0 rate:0.1>0.2"]
    assert not result.same
    assert result.totals["parameters"].absolute == 0


def test_a_layer_that_only_sees_more_is_distant() -> None:
    old = analysis("conv: {filters: 1, kernel: 1, padding: 0}", "relu")
    new = analysis("conv: {filters: 1, kernel: 3, padding: 1}", "relu")
    first, second = compare(old, new).layers
    assert (first.distant, second.distant) == (False, True)
    assert second.differences == ("receptive_field",)


RESIDUAL = "residual: {layers: [{conv: {filters: 1, kernel: 3, padding: 1}}], activation: relu}"


def test_the_layers_inside_are_aligned() -> None:
    new = analysis(RESIDUAL.replace("}}]", "}}, batch_norm]"))
    assert said(compare(analysis(RESIDUAL), new)) == [
        "= layers.0.layers.0>layers.0.layers.0",
        "+ .>layers.0.layers.1",
        "= layers.0.add>layers.0.add",
        "= layers.0.activation>layers.0.activation",
    ]


def test_depth_leaves_them_inside() -> None:
    new = analysis(RESIDUAL.replace("kernel: 3, padding: 1", "kernel: 1"))
    (change,) = compare(analysis(RESIDUAL), new, depth=1).layers
    assert change.layer.path == "layers.0"
    assert change.count("parameters") == Change(10, 2)
    same = analysis(RESIDUAL.replace("padding: 1", "padding: same"))
    (change,) = compare(analysis(RESIDUAL), same, depth=1).layers
    assert change.differences == ("layers",)


def test_a_head_is_listed_for_what_it_says_itself() -> None:
    head = "head: {layers: [flatten, {dense: {units: 2}}], loss_weight: 0.3}"
    result = compare(analysis(head), analysis(head.replace("0.3", "0.4")))
    assert said(result)[0] == "~ layers.0>layers.0 loss_weight:0.3>0.4"
    assert result.changes[0].group
    assert result.changes[0].count("parameters") == Change(0, 0)


REPEAT = "repeat: {times: 3, layers: [{conv: {filters: 1, kernel: 3, padding: 1}}, relu]}"


def test_copies_that_are_alike_are_compared_once() -> None:
    result = compare(analysis(REPEAT), analysis(REPEAT.replace("3, padding: 1", "1")))
    assert [change.times for change in result.layers] == [3, 3]
    assert result.changes[0].count("parameters") == Change(30, 6)


def test_a_repeat_of_more_copies_is_one_change() -> None:
    (change,) = compare(analysis(REPEAT), analysis(REPEAT.replace("times: 3", "times: 5"))).layers
    assert [(s.field, s.old, s.new) for s in change.settings] == [("times", "3", "5")]
    assert change.count("parameters") == Change(30, 50)


def test_the_network_as_a_whole() -> None:
    pool = "max_pool: {size: 3, stride: 2}"
    head = "rounding: floor\ninput: 10x10x1"
    result = compare(
        analysis(pool, head="rounding: ceil\ninput: 10x10x1"), analysis(pool, head=head)
    )
    assert [(s.field, s.old, s.new) for s in result.settings] == [
        ("output", "5x5x1", "4x4x1"),
        ("rounding", "ceil", "floor"),
    ]


def test_findings_gained_and_lost_wherever_they_stand() -> None:
    def found(*layers: str) -> cnnkit.Analysis:
        text = "input: 8x8x1\nlayers:\n" + "".join(f"  - {each}\n" for each in layers)
        spec = cnnkit.spec.reading.read(text).spec
        assert spec is not None
        return cnnkit.analyze(spec)

    stride = "conv: {filters: 1, kernel: 3, stride: 2}"
    large = "conv: {filters: 1, kernel: 9}"
    result = compare(found(stride), found("relu", stride))
    assert (result.gained, result.lost) == ((), ())
    result = compare(found(stride), found(large))
    assert [f.rule for f in result.gained] == ["window-too-large"]
    assert [f.rule for f in result.lost] == ["invalid-stride"]
    assert not result.ok
    assert compare(found(stride), found("relu")).ok, "faults of the old network are history"


def test_a_count_that_is_unknown_has_no_change() -> None:
    text = "input: 8x8x1\nlayers:\n  - conv: {filters: 1, kernel: 9}\n"
    spec = cnnkit.spec.reading.read(text).spec
    assert spec is not None
    change = compare(analysis(CONV), cnnkit.analyze(spec)).layers[0]
    assert change.count("parameters") == Change(40, None)
    assert change.count("parameters").to_dict() == {
        "old": 40,
        "new": None,
        "absolute": None,
        "percent": None,
    }


def test_a_side_that_cannot_be_read() -> None:
    finding = Finding("syntax", "error", "this is no YAML")
    result = compare(Unreadable("a.yaml", (finding,)), analysis(CONV))
    assert (result.readable, result.ok, result.same) == (False, False, False)
    assert result.lost == (finding,)
    document = result.to_dict()
    assert document["totals"] is None
    assert document.keys() == compare(analysis(CONV), analysis(CONV)).to_dict().keys()


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_a_network_is_the_same_as_itself(path: Path) -> None:
    network = cnnkit.analyze(cnnkit.load(path))
    result = compare(network, cnnkit.analyze(cnnkit.load(path)))
    assert result.same
    assert result.changes == ()


@pytest.mark.parametrize("pair", list(pairwise(ZOO)), ids=lambda p: p[0].stem)
@pytest.mark.parametrize("depth", [None, 1, 3])
def test_the_changes_of_layers_add_up_to_those_of_the_totals(
    pair: tuple[Path, Path], depth: int | None
) -> None:
    old, new = (cnnkit.analyze(cnnkit.load(path)) for path in pair)
    result = compare(old, new, depth)
    for name in ("neurons", "parameters", "state", "macs", "activations"):
        changes = [change.count(name).absolute or 0 for change in result.layers]
        assert sum(changes) == result.totals[name].absolute


LAYERS = st.sampled_from(
    [
        "conv: {filters: 4, kernel: 3, padding: 1}",
        "conv: {filters: 8, kernel: 1}",
        "{name: stem, conv: {filters: 2, kernel: 1}}",
        "relu",
        "batch_norm",
        "max_pool: {size: 3, stride: 1, padding: 1}",
        RESIDUAL.replace("filters: 1", "filters: 4"),
        "repeat: {times: 2, layers: [{conv: {filters: 4, kernel: 1}}, relu]}",
        "repeat: {times: 3, layers: [{conv: {filters: 4, kernel: 1}}, relu]}",
    ]
)
NETWORKS = st.lists(LAYERS, min_size=1, max_size=6).filter(
    lambda layers: sum("stem" in layer for layer in layers) < 2
)


@settings(max_examples=60, deadline=None)
@given(NETWORKS, NETWORKS)
def test_properties_of_any_two_networks(first: list[str], second: list[str]) -> None:
    a, b = (_tolerant(layers) for layers in (first, second))
    assert compare(a, a).same
    there, back = compare(a, b), compare(b, a)
    for name, change in there.totals.items():
        assert (back.totals[name].old, back.totals[name].new) == (change.new, change.old)
        grown = change.absolute
        assert back.totals[name].absolute == (None if grown is None else -grown)
    olds = [change.old for change in there.layers if change.old and not change.group]
    news = [change.new for change in there.layers if change.new and not change.group]
    assert len({id(each) for each in olds}) == len(olds)
    assert [each.path for each in olds] == sorted((e.path for e in olds), key=_order(a))
    assert [each.path for each in news] == sorted((e.path for e in news), key=_order(b))
    assert there.same == (first == second)


def _tolerant(layers: list[str]) -> cnnkit.Analysis:
    text = "input: 8x8x4\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers)
    reading = cnnkit.spec.reading.read(text)
    assert reading.spec is not None
    return cnnkit.analyze(reading.spec)


def _order(network: cnnkit.Analysis):  # type: ignore[no-untyped-def]
    paths: list[str] = []

    def walk(layer: cnnkit.LayerAnalysis) -> None:
        paths.append(layer.path)
        for child in layer.children:
            walk(child)

    walk(network.tree)
    return paths.index


def test_thousands_of_layers_are_aligned_in_a_moment() -> None:
    layers = ["conv: {filters: 4, kernel: 1}", "relu"] * 2500
    changed = list(layers)
    for index in (3, 2000, 4999):
        changed[index] = "batch_norm"
    del changed[2500:2502]
    result = compare(analysis(*layers), analysis(*changed))
    assert result.totals["parameters"].absolute == 3 * 8 - 20 - 20
    assert len(result.changes) < 20
