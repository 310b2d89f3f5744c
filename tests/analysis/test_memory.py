"""Memory, held to sums by hand. Sizes are counted in elements of four bytes."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis.result import Totals
from cnnkit.spec.optimizer_state import STATE_ARRAYS


def totals(layers: str, input_shape: str = "8x8x2", **settings: object) -> Totals:
    text = f"input: {input_shape}\nlayers:\n{layers}"
    return cnnkit.analyze(cnnkit.load(text), **settings).totals  # type: ignore[arg-type]


CONV = "  - conv: {filters: 4, kernel: 3, padding: 1}\n"  # 8·8·2 = 128 in, 8·8·4 = 256 out
WEIGHTS = 3 * 3 * 2 * 4 + 4
MIXED = "  - conv: {filters: 4, kernel: 1, bias: false}\n"  # 4·4 = 16 weights


def test_inference_holds_weights_input_and_output() -> None:
    assert totals(CONV).inference_memory == 4 * (WEIGHTS + 128 + 256)


def test_relu_overwrites_its_input() -> None:
    assert totals(CONV + "  - relu\n").inference_memory == 4 * (WEIGHTS + 128 + 256)


def test_input_of_the_network_is_not_overwritten() -> None:
    assert totals("  - relu\n").inference_memory == 4 * (128 + 128)


def test_pool_needs_a_buffer_of_its_own() -> None:
    # The network's input, 128, is its caller's and stays.
    pooled = totals(CONV + "  - max_pool: {size: 2}\n")
    assert pooled.inference_memory == 4 * (WEIGHTS + 128 + 256 + 64)
    wide = totals(CONV + "  - upsample: {factor: 2}\n")
    assert wide.inference_memory == 4 * (WEIGHTS + 128 + 256 + 1024)


def test_flatten_is_a_view() -> None:
    assert totals(CONV + "  - flatten\n").inference_memory == 4 * (WEIGHTS + 128 + 256)


def test_shortcut_is_kept_until_the_sum() -> None:
    # A residual's input (256) lives beside its branch; both convs keep 4 channels.
    layers = CONV + (
        "  - residual:\n      layers:\n"
        "        - conv: {filters: 4, kernel: 1, bias: false}\n"
        "        - conv: {filters: 4, kernel: 1, bias: false}\n"
    )
    assert totals(layers).inference_memory == 4 * (WEIGHTS + 32 + 128 + 3 * 256)


def test_saved_tensor_lives_until_it_is_merged() -> None:
    layers = (
        CONV + "  - save: skip\n  - max_pool: {size: 2}\n  - upsample: {factor: 2}\n"
        "  - merge: {with: skip}\n"
    )
    # At the end: the input, skip 256, upsampled 256 and their concatenation 512.
    assert totals(layers).inference_memory == 4 * (WEIGHTS + 128 + 256 + 256 + 512)


def test_side_output_is_not_run_at_inference() -> None:
    head = "  - head: {layers: [{conv: {filters: 100, kernel: 1}}]}\n"
    assert totals(CONV + head).inference_memory == totals(CONV).inference_memory


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [("sgd", 0), ("momentum", 1), ("rmsprop", 1), ("lion", 1), ("adam", 2), ("adamw", 2)],
)
def test_training_holds_gradients_slots_and_saved_activations(optimizer: str, slots: int) -> None:
    # The conv's backward pass reads its input, the ReLU's its output.
    expected = WEIGHTS * (2 + slots) + 3 * (128 + 256)
    found = totals(CONV + "  - relu\n", batch=3, optimizer=optimizer).training_memory
    assert found == 4 * expected


def test_muon_leaves_all_but_kernels_to_adam() -> None:
    # The conv has a kernel of 3·3·2·4 = 72 and 4 biases; beside them are 72 + 2·4 slots.
    # The forward pass holds the input and the output at once: 128 + 256.
    expected = 2 * WEIGHTS + 72 + 2 * 4 + 128 + 256
    assert totals(CONV, optimizer="muon").training_memory == 4 * expected


def test_frozen_weights_have_neither_gradients_nor_slots() -> None:
    # The conv has 72 + 4 weights, the batch norm 8 and a state of 8; both save what they read.
    layers = CONV + "  - batch_norm\n"
    frozen = "train: {freeze: [layers.0]}\n"
    whole, part = totals(layers), totals(layers + frozen)
    assert (whole.trained_parameters, part.trained_parameters) == (84, 8)
    assert whole.training_memory == (part.training_memory or 0) + 4 * 3 * 76
    muon = [totals(text, optimizer="muon").training_memory for text in (layers, layers + frozen)]
    assert muon[0] == (muon[1] or 0) + 4 * (76 + 72 + 2 * 4)
    assert part.parameters == whole.parameters
    later = totals(layers + "train: {freeze: [layers.0], unfreeze: {at: 1}}\n")
    assert later.training_memory == whole.training_memory


def test_every_optimizer_of_a_recipe_is_known() -> None:
    sizes = {name: totals(CONV, optimizer=name).training_memory or 0 for name in STATE_ARRAYS}
    assert len(sizes) == 21
    assert sizes["sgd"] < sizes["lion"] < sizes["adam"] < sizes["amsgrad"]


def test_training_holds_at_least_what_the_forward_pass_does() -> None:
    # No backward pass reads the map of 128 again, or the mean of it; both are live at once.
    pool = totals("  - global_mean_pool\n", optimizer="sgd")
    assert pool.training_memory == pool.inference_memory == 4 * (128 + 2)
    # The conv saves the input alone, and makes 256.
    assert totals(CONV, optimizer="sgd").training_memory == 4 * (WEIGHTS * 2 + 128 + 256)


def test_only_a_learnt_scale_saves_its_input() -> None:
    # The first layer's output is read by the scale alone, whose 4 factors have slots of their own.
    # Each of the two convs before it reads a map of 256 again.
    layers = CONV + 2 * MIXED + "  - scale: {learnt: LEARNT}\n"
    learnt, constant = (
        totals(layers.replace("LEARNT", word), optimizer="sgd").training_memory
        for word in ("true", "false")
    )
    assert learnt == 4 * ((WEIGHTS + 32 + 4) * 2 + 128 + 3 * 256)
    assert constant == 4 * ((WEIGHTS + 32) * 2 + 128 + 2 * 256)


def test_a_product_saves_both_factors() -> None:
    gate = "  - save: map\n  - conv: {filters: 1, kernel: 1, bias: false}\n"
    product = CONV + gate + "  - merge: {with: map, by: multiply}\n"
    # The input, the map, which the second conv reads as well, and 64 factors.
    expected = (WEIGHTS + 4) * 2 + 128 + 256 + 64
    assert totals(product, optimizer="sgd").training_memory == 4 * expected


def test_a_tensor_read_twice_is_saved_once() -> None:
    # The first ReLU's output is the next conv's input.
    layers = CONV + "  - relu\n" + MIXED + "  - relu\n"
    expected = (WEIGHTS + 16) * 2 + 128 + 2 * 256
    assert totals(layers, optimizer="sgd").training_memory == 4 * expected


def test_running_statistics_have_no_gradient() -> None:
    # Batch norm: 8 parameters, 8 of state; its backward pass reads its input, the conv's output.
    expected = (WEIGHTS + 8) * (2 + 2) + 8 + 128 + 256
    assert totals(CONV + "  - batch_norm\n").training_memory == 4 * expected


def test_half_precision_halves_activations_and_keeps_trained_weights() -> None:
    half = totals(CONV, precision="bfloat16", optimizer="sgd")
    assert half.training_memory == 4 * WEIGHTS * 2 + 2 * (128 + 256)
    assert half.inference_memory == 2 * (WEIGHTS + 128 + 256)


def test_double_precision_widens_all() -> None:
    assert totals(CONV, precision="float64").inference_memory == 8 * (WEIGHTS + 128 + 256)


def test_batch_multiplies_activations_only() -> None:
    assert totals(CONV, batch=10).inference_memory == 4 * (WEIGHTS + 10 * (128 + 256))


def test_vgg_16_saves_what_is_known_of_it() -> None:
    """Stanford's CS231n counts about 24 M activations, 93 MiB an image, for VGG-16's forward pass.

    Its table lists the output of each conv with its ReLU, of each pool and dense layer, and the
    input: 15.1 M in all, which its text then says is "~24 M". What training saves is the same
    but the last dense layer's output.
    """
    analysis = cnnkit.analyze(cnnkit.load("specs/zoo/vgg-16.yaml"), optimizer="sgd")
    saved = (analysis.totals.training_memory or 0) // 4 - 2 * analysis.totals.parameters
    assert 14_000_000 < saved < 16_000_000


def test_of_an_inference_weights_and_activations_are_told_apart() -> None:
    found = totals(CONV + "  - relu\n", batch=2)
    assert found.weight_memory == 4 * WEIGHTS
    assert found.activation_memory == 4 * 2 * (128 + 256)
    assert found.inference_memory == found.weight_memory + found.activation_memory


def test_eight_bits_are_a_byte_and_biases_and_norms_stay_wide() -> None:
    kernel, bias, norm = 3 * 3 * 2 * 4, 4, 4 * 4  # scale, shift, mean, variance
    found = totals(CONV + "  - batch_norm\n  - relu\n", precision="int8", batch=3)
    assert found.weight_memory == kernel + 4 * (bias + norm)
    assert found.activation_memory == 3 * (128 + 256)
    assert found.training_memory is None


def test_of_four_bits_two_share_a_byte_and_each_tensor_begins_one() -> None:
    # A kernel of 5·3 weights; an input of 5 elements, an output of 3.
    found = totals("  - dense: {units: 3}\n", "5", precision="int4")
    assert found.weight_memory == 8 + 4 * 3
    assert found.activation_memory == 3 + 2
    assert found.memory_traffic == (3 + 2) + (8 + 4 * 3)
    of_two = totals("  - dense: {units: 3}\n", "5", precision="int4", batch=2)
    assert of_two.activation_memory == 5 + 3


def test_traffic_of_a_pointwise_convolution_is_the_access_cost_of_shufflenet_v2() -> None:
    """Guideline 1 of Ma et al. (2018): h·w·(c1 + c2) + c1·c2 for a 1x1 convolution."""
    h, w, c1, c2 = 8, 6, 16, 24
    found = totals(f"  - conv: {{filters: {c2}, kernel: 1, bias: false}}\n", f"{h}x{w}x{c1}")
    assert found.memory_traffic == 4 * (h * w * (c1 + c2) + c1 * c2)


def test_traffic_counts_each_operation_and_no_view() -> None:
    # The conv reads 128 and its weights and writes 256; the ReLU reads and writes 256.
    layers = CONV + "  - relu\n"
    expected = (128 + 256 + WEIGHTS) + (256 + 256)
    assert totals(layers).memory_traffic == 4 * expected
    assert totals(layers + "  - flatten\n").memory_traffic == 4 * expected
    assert totals(layers, batch=5).memory_traffic == 4 * (WEIGHTS + 5 * (expected - WEIGHTS))
    head = "  - head: {layers: [{conv: {filters: 100, kernel: 1}}]}\n"
    assert totals(layers + head).memory_traffic == 4 * expected


def test_the_sum_of_a_shortcut_reads_both() -> None:
    layers = "  - residual: {layers: [relu]}\n"
    assert totals(layers).memory_traffic == 4 * (2 * 128 + 3 * 128)


def test_a_spec_is_told_what_is_not_defined() -> None:
    from cnnkit.analysis.explain import explain
    from cnnkit.report.analysis.summary import figures

    analysis = cnnkit.analyze(cnnkit.load(f"input: 8x8x2\nlayers:\n{CONV}"), precision="int8")
    assert analysis.totals.to_dict()["training_memory"] is None
    assert "training_memory" not in analysis.budgeted
    shown = {figure.label: figure[1:] for figure in figures(analysis)}
    assert shown["training memory"] == ("not defined", "int8 is a precision of inference")
    assert shown["inference memory"] == (
        "472 bytes",
        "384 of them activations; batch 1, int8",
    )
    lines = {line.label: line.text for line in explain(analysis)[-1].lines}
    assert lines["inference memory"].startswith(
        "88 + 384 = 472 bytes: the weights, and the tensors"
    )
    assert lines["quantized"] == (
        "kernels and tensors in 8 bits; biases and norms in 4 bytes an element; scales and zero "
        "points left out"
    )
    assert lines["training memory"] == "not defined: int8 is for inference alone"


def test_shared_weights_are_kept_once_and_read_each_time() -> None:
    # 64 cells of 2 channels go in and out of each; the kernel has 3·3·2·2 weights and 2 biases.
    conv = "  - {name: twin, conv: {filters: 2, kernel: 3, padding: same}}\n"
    found = totals(conv + "  - shared: twin\n")
    assert found.parameters == 38
    assert found.memory_traffic == 4 * 2 * (128 + 128 + 38)
    quantized = totals(conv + "  - shared: twin\n", precision="int8")
    assert quantized.weight_memory == 36 + 4 * 2
    assert quantized.memory_traffic == 2 * (128 + 128 + 36 + 4 * 2)
