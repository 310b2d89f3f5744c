"""The time that is estimated, held to sums by hand. Elements are of four bytes."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis import Analysis
from cnnkit.analysis.explain import explain
from cnnkit.analysis.machines import Machine
from cnnkit.analysis.work import OperationWork, Workload
from cnnkit.errors import SpecError, UsageError
from cnnkit.spec.tracing import graph_of

RATES = {"product": 1e9, "pointwise": 2e9, "pool": 2e8}
FILE = {
    "format": 1,
    "name": "a box",
    "measured": True,
    "source": "by hand",
    "memory": {"bandwidth": 1e9},
    "overhead": {"operation": 1e-6, "call": 1e-4},
    "rates": {"float32": RATES, "bfloat16": {"product": 1e10}, "int8": {"product": 4e9}},
    "training": {
        "overhead": {"operation": 1e-6, "call": 1e-4},
        "rates": {"float32": {"product": 5e8}},
    },
}
MACHINE = Machine.model_validate(FILE)
# 8·8·2 = 128 elements in, 8·8·8 = 512 out, 3·3·2·8 = 144 weights; 512·18 = 9,216 MACs.
FIRST = "  - conv: {filters: 8, kernel: 3, padding: 1, bias: false}\n"
# 512 in, 8·8·8 = 512 out, 8·8 = 64 weights; 512·8 = 4,096 MACs.
SECOND = "  - conv: {filters: 8, kernel: 1, bias: false}\n"


def analysis(layers: str, machine: Machine | str = MACHINE, **settings: object) -> Analysis:
    spec = cnnkit.load(f"input: 8x8x2\nlayers:\n{layers}")
    return cnnkit.analyze(spec, machine=machine, **settings)  # type: ignore[arg-type]


def works(layers: str, *, training: bool = False) -> list[OperationWork]:
    load = Workload(graph_of(cnnkit.load(f"input: 8x8x2\nlayers:\n{layers}")))
    return [*(load.training if training else load.inference)]


def test_a_layer_is_bound_by_its_products_or_by_its_bytes() -> None:
    # 18,432 FLOPs at 1e9 are 18.432 µs, (128 + 512 + 144)·4 = 3,136 bytes at 1e9 are 3.136 µs.
    one = analysis(FIRST)
    (layer,) = one.layers
    assert one.time_of(layer) == pytest.approx(18.432e-6 + 1e-6)
    assert one.totals.inference_time == pytest.approx(19.432e-6 + 1e-4)
    # 8,192 FLOPs at 2e9 are 4.096 µs, (512 + 512 + 64)·4 = 4,352 bytes are 4.352 µs.
    two = analysis(FIRST + SECOND)
    assert two.time_of(two.layers[1]) == pytest.approx(4.352e-6 + 1e-6)


def test_a_batch_multiplies_all_but_the_weights() -> None:
    many = analysis(FIRST, batch=10)
    (layer,) = many.layers
    assert many.time_of(layer) == pytest.approx(184.32e-6 + 1e-6)
    (work,) = Workload(many.graph, batch=10).inference
    assert work.bytes == 4 * (1280 + 5120 + 144)


def test_a_step_multiplies_by_the_gradients_that_are_needed() -> None:
    """The first layer's input needs none."""
    assert [work[3] for work in works(FIRST + SECOND, training=True)] == [2, 3]
    step = analysis(FIRST + SECOND, optimizer="momentum")
    first, second = (step.time_of(layer, "training") for layer in step.layers)
    assert first == pytest.approx(2 * (36.864e-6 + 1e-6))
    assert second == pytest.approx(3 * (16.384e-6 + 1e-6))
    # 208 weights are read and written, their gradients read, their momentum read and written, in
    # two arrays.
    update = 4 * 208 * 5 / 1e9 + 2e-6
    total = step.totals.training_time
    assert total == pytest.approx(2 * 37.864e-6 + 3 * 17.384e-6 + update + 1e-4)


def test_frozen_layers_have_no_gradient_of_their_weights() -> None:
    graph = graph_of(cnnkit.load(f"input: 8x8x2\nlayers:\n{FIRST}{SECOND}{SECOND}"))
    load = Workload(graph, frozen=frozenset({"layers.0", "layers.1"}))
    assert [work.times for work in load.training] == [1, 1, 2]


def test_what_follows_a_convolution_is_computed_with_it_at_inference() -> None:
    layers = FIRST + "  - batch_norm\n  - relu\n"
    assert [work[2:] for work in works(layers)] == [(3136, 1, False), (0, 1, True), (0, 1, True)]
    # In training the norm reads 512 elements twice and writes them; the relu goes with it.
    trained = works(layers, training=True)
    assert trained[1] == ("normalization", 0, 4 * (3 * 512 + 32), 3, False)
    assert trained[2] == ("elementwise", 0, 4 * 512, 3, True)  # kept for the backward pass


def test_a_relu_behind_a_convolution_is_a_pass_of_its_own_in_training() -> None:
    trained = works(FIRST + "  - relu\n  - tanh\n", training=True)
    assert trained[1:] == [
        ("elementwise", 0, 4 * 1024, 3, False),
        ("elementwise", 0, 4 * 512, 3, True),
    ]


def test_a_sum_is_not_read_again_in_the_backward_pass() -> None:
    layers = f"{FIRST}  - batch_norm\n  - residual: {{layers: [batch_norm]}}\n"
    assert works(layers, training=True)[3] == ("elementwise", 0, 4 * 512, 3, True)


def test_a_sum_reads_its_other_input() -> None:
    """It is computed with the later of both, as far as nothing else reads that."""
    layers = FIRST + "  - residual: {layers: [{conv: {filters: 8, kernel: 1, bias: false}}]}\n"
    assert works(layers)[2] == ("elementwise", 0, 4 * 512, 1, True)


def test_what_several_read_is_not_overwritten() -> None:
    """The second branch reads the convolution's result too: the relu is a pass of its own."""
    layers = FIRST + "  - parallel: {branches: [[relu], [max_pool: {size: 1}]]}\n"
    assert works(layers)[1] == ("elementwise", 0, 4 * 1024, 1, False)


def test_a_view_moves_nothing() -> None:
    found = works(FIRST + "  - dropout: {rate: 0.5}\n  - flatten\n")
    assert [work[3:] for work in found[1:]] == [(0, True), (0, True)]
    trained = works(FIRST + "  - dropout: {rate: 0.5}\n  - flatten\n", training=True)
    assert trained[1] == ("elementwise", 0, 4 * 1024, 3, False)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        ("conv: {filters: 8, kernel: 3, padding: 1}", "convolution"),
        ("conv: {filters: 8, kernel: 1}", "pointwise"),
        ("conv: {filters: 8, kernel: 3, groups: 2}", "grouped"),
        ("conv: {filters: 8, kernel: 3, groups: 8}", "depthwise"),
        ("depthwise_conv: {kernel: 3}", "depthwise"),
        ("transposed_conv: {filters: 4, kernel: 2, stride: 2}", "transposed"),
        ("max_pool: {size: 2}", "pool"),
        ("layer_norm", "normalization"),
        ("upsample: {factor: 2}", "elementwise"),
        ("flatten", "elementwise"),
    ],
)
def test_each_operation_is_of_a_kind(layer: str, kind: str) -> None:
    assert works(f"{FIRST}  - {layer}\n")[1][0] == kind
    assert works(f"{FIRST}  - {layer}\n")[0][0] == "first"


def test_a_dense_layer_is_a_kind_of_its_own() -> None:
    # 128 elements in, 5 out, 128·5 + 5 weights.
    (_, dense) = works("  - flatten\n  - dense: {units: 5}\n")
    assert dense == ("dense", 2 * 640, 4 * (128 + 5 + 645), 1, False)


def test_a_pool_has_a_bandwidth_of_its_own() -> None:
    pooled = analysis(FIRST + "  - max_pool: {size: 2}\n")
    # (512 + 128)·4 = 2,560 bytes at 2e8.
    assert pooled.time_of(pooled.layers[1]) == pytest.approx(12.8e-6 + 1e-6)


def test_half_the_width_is_half_the_bytes() -> None:
    # 18,432 FLOPs at 1e10 are 1.8432 µs, 3,136/2 bytes are 1.568 µs.
    half = analysis(FIRST, precision="bfloat16")
    assert half.time_of(half.layers[0]) == pytest.approx(1.8432e-6 + 1e-6)
    assert half.totals.training_time is None  # the file has no rates of such a step


def test_a_precision_of_inference_has_no_step() -> None:
    quantized = analysis(FIRST, precision="int8")
    assert quantized.totals.inference_time is not None
    assert quantized.totals.training_time is None


def test_the_layers_and_what_belongs_to_none_add_up() -> None:
    whole = analysis(FIRST + "  - batch_norm\n  - relu\n" + SECOND)
    layers = [whole.time_of(layer) or 0 for layer in whole.layers]
    assert sum(layers) + 1e-4 == pytest.approx(whole.totals.inference_time)


def test_without_a_machine_there_is_no_time() -> None:
    plain = cnnkit.analyze(cnnkit.load(f"input: 8x8x2\nlayers:\n{FIRST}"))
    assert plain.totals.inference_time is plain.totals.training_time is None
    assert plain.to_dict()["machine"] is None
    assert plain.to_dict()["layers"][0]["inference_time"] is None


def test_json_has_the_machine_and_the_seconds() -> None:
    shown = analysis(FIRST).to_dict()
    assert shown["machine"] == {
        "name": "a box", "measured": True, "source": "by hand", "date": None,
    }  # fmt: skip
    assert shown["layers"][0]["inference_time"] == pytest.approx(19.432e-6)
    assert shown["totals"]["training_time"] == pytest.approx(analysis(FIRST).totals.training_time)


def test_an_unknown_layer_has_no_time() -> None:
    faulty = analysis("  - conv: {filters: 8, kernel: 9}\n")
    assert faulty.time_of(faulty.layers[0]) is None


def test_a_machine_is_named_or_given_and_must_know_the_precision() -> None:
    assert analysis(FIRST, "h100").settings.machine == analysis(FIRST, "H100").settings.machine
    with pytest.raises(SpecError, match="there is no machine `h1000`"):
        analysis(FIRST, "h1000")
    message = "Google TPU v4 has no rates of float32: ask for the precision bfloat16 or int8"
    with pytest.raises(UsageError, match=message):
        analysis(FIRST, "tpu-v4")


def lines(shown: Analysis, path: str) -> dict[str, str]:
    (found,) = [each for each in explain(shown) if each.path == path]
    return {line.label: line.equation for line in found.lines if line.label.endswith(" time")}


def test_the_formula_is_shown_with_the_values_put_in() -> None:
    shown = analysis(FIRST + "  - relu\n  - max_pool: {size: 2}\n", optimizer="sgd")
    assert lines(shown, "layers.0") == {
        "inference time": "max(FLOPs/rate, bytes/bandwidth) + overhead = max(18,432/1 GFLOP/s, "
        "3,136/1 GB/s) + 1 µs = max(18.4 µs, 3.14 µs) + 1 µs = 19.4 µs, of the kind `first`",
        "training time": "2·(max(FLOPs/rate, bytes/bandwidth) + overhead) = 2·(max(18,432/500 "
        "MFLOP/s, 3,136/1 GB/s) + 1 µs) = 2·(max(36.9 µs, 3.14 µs) + 1 µs) = 75.7 µs, of the kind "
        "`first`",
    }
    assert lines(shown, "layers.1") == {
        "inference time": "none of its own: it is computed with the operation before it",
        "training time": "3·(bytes/bandwidth + overhead) = 3·(4,096/1 GB/s + 1 µs) = 3·(4.1 µs + "
        "1 µs) = 15.3 µs, of the kind `elementwise`",
    }
    assert lines(shown, "layers.2")["inference time"] == (
        "bytes/bandwidth + overhead = 2,560/200 MB/s + 1 µs = 12.8 µs + 1 µs = 13.8 µs, of the "
        "kind `pool`"
    )
    assert lines(shown, "") == {
        "inference time": "33.2 µs + 100 µs = 133 µs: the operations, and the overhead of a call, "
        "for batch 1 in float32 on a box, measured",
        "training time": "102 µs + 2.73 µs + 100 µs = 204 µs: the operations forward and "
        "backward, the update of the weights by sgd (1,728/1 GB/s + 1·1 µs), and the overhead of "
        "a call, for batch 1 in float32 on a box, measured",
    }
