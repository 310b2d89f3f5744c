"""The trace: which operations there are, what they read, and which belong together."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.layers import layer_class
from cnnkit.layers.activation import Relu
from cnnkit.layers.base import Layer, numbered
from cnnkit.layers.block import Block, UnreadableLayer
from cnnkit.layers.composition import Parallel, Repeat, Residual
from cnnkit.layers.convolution import Conv
from cnnkit.spec.graph import INPUT, Graph
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.tracing import MAX_DEPTH, trace
from tests.spec.marked import fault, findings, only

HEAD = "input: 8x8x4\n"


def traced(layers: str, head: str = HEAD) -> Graph:
    spec = cnnkit.load(f"{head}layers: {layers}")
    return trace(spec.layers, spec.input, spec.rounding)


def wired(graph: Graph) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(node.path, node.layer.title, node.inputs) for node in graph.nodes]


# The operations -------------------------------------------------------------------------------


def test_layers_read_the_one_before_them() -> None:
    graph = traced("[relu, {conv: {filters: 2, kernel: 3, activation: relu}}, flatten]")
    assert wired(graph) == [
        ("layers.0", "relu", (INPUT,)),
        ("layers.1", "conv", (0,)),
        ("layers.1.activation", "relu", (1,)),
        ("layers.2", "flatten", (2,)),
    ]
    assert graph.output == (72,)
    assert graph.shape(INPUT) == (8, 8, 4)
    assert graph.shape(1) == (6, 6, 2)


def test_a_residual_adds_its_shortcut_to_its_layers() -> None:
    assert wired(traced("[relu, {residual: {layers: [tanh], activation: elu}}]")) == [
        ("layers.0", "relu", (INPUT,)),
        ("layers.1.layers.0", "tanh", (0,)),
        ("layers.1.add", "add", (1, 0)),
        ("layers.1.activation", "elu", (2,)),
    ]
    shortcut = "[{residual: {layers: [tanh], shortcut: [relu]}}]"
    assert [inputs for _, _, inputs in wired(traced(shortcut))] == [(INPUT,), (INPUT,), (0, 1)]


def test_a_parallel_joins_its_branches_in_order() -> None:
    text = "[{parallel: {branches: {a: [relu], b: [], c: [tanh, elu]}, merge: concat}}]"
    graph = traced(text)
    assert wired(graph) == [
        ("layers.0.branches.a.0", "relu", (INPUT,)),
        ("layers.0.branches.c.0", "tanh", (INPUT,)),
        ("layers.0.branches.c.1", "elu", (1,)),
        ("layers.0.concat", "concat", (0, INPUT, 2)),
    ]
    assert graph.output == (8, 8, 12)


def test_merge_puts_the_current_tensor_first() -> None:
    graph = traced("[{save: a}, relu, {save: b}, tanh, {merge: {with: [a, b]}}]")
    assert graph.nodes[-1].inputs == (1, INPUT, 0)
    assert graph.output == (8, 8, 12)


def test_load_goes_on_from_what_was_saved() -> None:
    assert [
        inputs for _, _, inputs in wired(traced("[relu, {save: a}, tanh, {load: a}, elu]"))
    ] == [
        (INPUT,),
        (0,),
        (0,),
    ]


def test_a_head_leaves_the_main_path_as_it_is() -> None:
    graph = traced(
        "[relu, {head: {layers: [flatten, {dense: {units: 2}}], loss_weight: 0.4}}, tanh]"
    )
    assert [(node.path, node.inputs, node.side) for node in graph.nodes] == [
        ("layers.0", (INPUT,), False),
        ("layers.1.layers.0", (0,), True),
        ("layers.1.layers.1", (1,), True),
        ("layers.2", (0,), False),
    ]
    assert graph.sides == ((2, 0.4),)
    assert graph.output == (8, 8, 4)


def test_a_head_inside_a_branch() -> None:
    graph = traced("[{residual: {layers: [{head: {layers: [flatten]}}, relu]}}]")
    assert [node.side for node in graph.nodes] == [True, False, False]


def test_squeeze_excite_is_a_small_network_of_the_means() -> None:
    graph = traced("[{squeeze_excite: {units: 3}}]")
    assert wired(graph) == [
        ("layers.0.squeeze", "global_mean_pool", (INPUT,)),
        ("layers.0.reduce", "dense", (0,)),
        ("layers.0.activation", "relu", (1,)),
        ("layers.0.expand", "dense", (2,)),
        ("layers.0.gate", "sigmoid", (3,)),
        ("layers.0.multiply", "multiply", (INPUT, 4)),
    ]
    assert graph.output == (8, 8, 4)


def test_a_separable_conv_is_two() -> None:
    graph = traced("[{separable_conv: {filters: 6, kernel: 3, activation: relu}}]")
    assert [(node.path, node.output) for node in graph.nodes] == [
        ("layers.0.depthwise", (6, 6, 4)),
        ("layers.0.pointwise", (6, 6, 6)),
        ("layers.0.activation", (6, 6, 6)),
    ]
    counted = cnnkit.analyze(
        cnnkit.load(f"{HEAD}layers: [{{separable_conv: {{filters: 6, kernel: 3}}}}]")
    )
    assert counted.totals.neurons == 6 * 6 * 4 + 6 * 6 * 6
    assert counted.totals.parameters == 9 * 4 + 4 * 6 + 6


# Groups ---------------------------------------------------------------------------------------


def test_a_group_spans_the_operations_inside_it() -> None:
    graph = traced(
        "[relu, {residual: {layers: [tanh, elu]}}, {repeat: {times: 3, layers: [relu]}}]"
    )
    relu, residual, repeat = graph.root.children
    assert (relu.start, relu.stop) == (0, 1)
    assert (residual.start, residual.stop, residual.tensor) == (1, 4, 3)
    assert (repeat.start, repeat.stop, repeat.copies) == (4, 7, [0, 1, 2])
    assert (graph.root.start, graph.root.stop, graph.root.kind) == (0, 7, "network")
    assert [group.kind for group in graph.root.walk()] == [
        "network",
        "relu",
        "residual",
        "tanh",
        "elu",
        "repeat",
        "relu",
        "relu",
        "relu",
    ]


def test_the_network_of_no_layers() -> None:
    graph = trace((), (3,))
    assert graph.output == (3,)
    assert (graph.nodes, graph.root.children, graph.findings) == ((), [], ())


# Scopes ---------------------------------------------------------------------------------------


def test_a_name_is_seen_in_its_list_and_in_those_inside_it_after_it() -> None:
    block = "blocks: {use: {layers: [{merge: {with: a, by: add}}]}}\n"
    for use in (
        "{merge: {with: a, by: add}}",
        "{residual: {layers: [{load: a}]}}",
        "{parallel: {branches: [[], [{load: a}]]}}",
        "{repeat: {times: 2, layers: [{load: a}]}}",
        "{residual: {layers: [{residual: {layers: [{load: a}]}}]}}",
        "use",
    ):
        assert findings(f"{HEAD}{block}layers: [{{save: a}}, {use}]") == []


@pytest.mark.parametrize(
    "layers",
    [
        "[{residual: {layers: [{save: a}]}}, {load: «a»}]",
        "[{residual: {layers: [{save: a}], shortcut: [{load: «a»}]}}]",
        "[{parallel: {branches: [[{save: a}], [{load: «a»}]]}}]",
        "[{head: {layers: [{save: a}]}}, {load: «a»}]",
        "[{load: «a»}, {save: a}]",
        "[keeps, {load: «a»}]",
    ],
)
def test_a_name_is_not_seen_before_it_beside_its_list_or_outside(layers: str) -> None:
    blocks = "blocks: {keeps: {layers: [{save: a}]}}\n"
    finding = fault(f"{HEAD}{blocks}layers: {layers}")
    assert (finding.rule, finding.message) == ("unknown-name", "no tensor is saved as `a` here")
    assert finding.help == (
        "put `- save: a` where the tensor is made, before this layer and not inside another "
        "branch or block"
    )


def test_repeat_opens_no_scope() -> None:
    assert (
        findings(
            f"{HEAD}layers: [{{repeat: {{times: 2, layers: [{{save: a}}, relu]}}}}, {{load: a}}]"
        )
        == []
    )


def test_saving_a_name_again_rebinds_it() -> None:
    text = "[{save: a}, relu, {save: a}, tanh, {merge: {with: a}}]"
    assert traced(text).nodes[-1].inputs == (1, 0)
    inner = "[{save: a}, relu, {residual: {layers: [{save: a}, elu]}}, {load: a}, tanh]"
    assert traced(inner).nodes[-1].inputs == (INPUT,)


def test_names_may_hold_the_index() -> None:
    text = "[{repeat: {times: 3, layers: [relu, {save: x$index}]}}, {merge: {with: [x0, x1, x2]}}]"
    assert traced(text).nodes[-1].inputs == (2, 0, 1, 2)


def test_cells_that_are_fed_by_the_two_before_them() -> None:
    text = """[{save: before}, {save: last},
      {repeat: {times: 3, layers: [
        {load: last}, relu, {merge: {with: before, by: add}}, {save: next},
        {load: last}, {save: before}, {load: next}, {save: last}]}}]"""
    assert [inputs for _, _, inputs in wired(traced(text))] == [
        (INPUT,),
        (0, INPUT),
        (1,),
        (2, INPUT),
        (3,),
        (4, 1),
    ]


def test_an_unknown_name_is_answered_with_those_that_are_known() -> None:
    near = fault(f"{HEAD}layers: [{{save: skip}}, {{load: «skp»}}]")
    assert near.help == "did you mean `skip`?"
    far = fault(f"{HEAD}layers: [{{save: skip}}, {{save: b}}, {{load: «xyz»}}]")
    assert far.help == "saved here are `skip`, `b`"
    saves = ", ".join(f"{{save: n{i}}}" for i in range(30))
    many = fault(f"{HEAD}layers: [{saves}, {{load: «xyz»}}]")
    assert many.help is not None
    assert many.help.endswith("`n19`, …")


def test_each_unknown_name_of_a_list_is_pointed_at() -> None:
    found = findings(f"{HEAD}layers: [{{merge: {{with: [x, y]}}}}]")
    assert [each.location and each.location.column for each in found] == [26, 29]


def test_after_an_unknown_name_the_shape_is_unknown_and_nothing_follows() -> None:
    assert len(findings(f"{HEAD}layers: [{{load: x}}, {{conv: {{filters: 1, kernel: 99}}}}]")) == 1


# Findings -------------------------------------------------------------------------------------


def test_a_problem_knows_its_place_its_path_and_the_use_of_its_block() -> None:
    finding = fault(
        f"{HEAD}blocks:\n"
        "  unit: {arguments: {k: 3}, layers: [relu, {max_pool: {size: «$k»}}]}\n"
        "layers:\n  - {name: own, unit: {k: 9}}\n"
    )
    assert finding.rule == "window-too-large"
    assert finding.path == "layers.own.unit.layers.1"
    assert [str(use) for use in finding.used_at] == ["spec.yaml:5:17"]


def test_the_copies_of_a_repeat_speak_as_one() -> None:
    text = (
        f"{HEAD}layers: [{{repeat: {{times: 5, layers: [{{channel_shuffle: {{groups: «3»}}}}]}}}}]"
    )
    assert fault(text).path == "layers.0.channel_shuffle[0]"


def test_a_finding_of_a_join_points_at_the_composite() -> None:
    finding = fault(
        f"{HEAD}layers: [{{«residual»: {{layers: [{{conv: {{filters: 2, kernel: 1}}}}]}}}}]"
    )
    assert finding.rule == "shape-mismatch"
    assert finding.path == "layers.0"


def test_a_finding_of_a_layer_built_in_python_has_a_path() -> None:
    graph = trace((Relu(), Conv(filters=1, kernel=9)), (8, 8, 1))
    finding = only(list(graph.findings))
    assert (finding.location, finding.path) == (None, "layers.1")


def test_analysis_goes_on_after_an_error_with_the_floored_shape() -> None:
    graph = traced("[{conv: {filters: 1, kernel: 3, stride: 2}}, {max_pool: {size: 2}}, flatten]")
    assert [finding.rule for finding in graph.findings] == ["invalid-stride", "invalid-stride"]
    assert graph.output == (1,)


def test_an_unreadable_layer_leaves_the_rest_unknown() -> None:
    graph = trace((UnreadableLayer(word="x"), Relu(), Residual(layers=(Relu(),))), (8,))
    assert graph.findings == ()
    assert graph.output is None
    assert [node.output for node in graph.nodes] == [None] * 3


# Rounding -------------------------------------------------------------------------------------


def test_the_rounding_of_the_spec_reaches_inner_layers() -> None:
    pool = layer_class("max_pool")(size=3, stride=2)
    layers = (Residual(layers=(pool,), shortcut=(pool,)),)
    for rounding, extent in (("floor", 3), ("ceil", 4)):
        assert trace(layers, (8, 8, 1), rounding).output == (extent, extent, 1)  # type: ignore[arg-type]
    assert trace(layers, (8, 8, 1)).findings[0].rule == "invalid-stride"


# Bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        Repeat(times=10**9, layers=(Relu(),)),
        Repeat(times=10**30, layers=()),
        Repeat(times=10**5, layers=(Repeat(times=10**5, layers=()),)),
        Repeat(times=10**3, layers=(Repeat(times=10**3, layers=(Relu(),)),)),
    ],
    ids=["copies", "nothing", "nothing of nothing", "copies of copies"],
)
def test_a_network_that_is_too_large_is_not_shown(layer: Layer) -> None:
    graph = trace((Relu(), layer), (8,))
    finding = only(list(graph.findings))
    assert finding.rule == "too-large"
    assert finding.message == "the network has more than 100,000 operations"
    assert finding.help == (
        "a `repeat` or a block used by blocks multiplies layers: lower its `times`"
    )
    assert (graph.nodes, graph.output, graph.root.children) == ((), None, [])
    analysis = cnnkit.analyze(cnnkit.Spec(input="8", layers=[layer]))
    assert analysis.totals.activations == 0
    assert not analysis.ok


def test_layers_nested_too_deep_are_a_finding() -> None:
    layer: Layer = Relu()
    for _ in range(MAX_DEPTH - 1):
        layer = Block(block="b", layers=(layer,))
    assert trace((layer,), (8,)).findings == ()
    for _ in range(200):
        layer = Parallel(branches={"0": (layer,)})
    finding = only(list(trace((layer,), (8,)).findings))
    assert finding.message == "layers are nested more than 60 deep"


def test_an_axis_beyond_all_bounds_is_a_finding() -> None:
    finding = fault(
        f"input: {'9' * 40}x1\nlayers: [{{upsample: {{factor: 10}}}}, flatten]".replace(
            "upsample", "«upsample»"
        )
    )
    assert (finding.rule, finding.message) == (
        "too-large",
        "an axis of the output is larger than 10^40",
    )


def test_exact_counts_of_any_size() -> None:
    side = 10**18
    spec = cnnkit.load(
        f"input: {side}x{side}x3\nlayers: [{{conv: {{filters: 7, kernel: 3, padding: 1}}}}]"
    )
    assert cnnkit.analyze(spec).totals.neurons == 7 * side**2


# Numbers of layers ----------------------------------------------------------------------------


def placed(index: int | None) -> Layer:
    document = cnnkit.load("input: 8\nlayers: [relu]").origin.document
    assert document is not None
    return Relu().placed(LayerPlace(document, None, index))


def test_layers_are_numbered_as_they_are_written_where_that_is_in_order() -> None:
    for indexes, numbers in (
        ([0, 1, 2], [0, 1, 2]),
        ([1, 4], [1, 4]),
        ([1, 1], [0, 1]),
        ([4, 1], [0, 1]),
        ([1, None], [0, 1]),
        ([], []),
    ):
        layers = [placed(index) for index in indexes]
        assert [number for number, _ in numbered(layers)] == numbers
    assert [number for number, _ in numbered([placed(3), Relu()])] == [0, 1]
