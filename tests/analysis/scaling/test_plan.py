"""What devices hold, compute and send in a step, by hand."""

from __future__ import annotations

from pathlib import Path

import cnnkit
from cnnkit.analysis.memory import TrainingBytes
from cnnkit.analysis.scaling import DeviceMesh, TrainingPlan

SPECS = Path(__file__).parents[3] / "specs"
# A product of 64 values by 32: a kernel of 2,048 and 32 biases, 2,080 parameters.
DENSE = "input: 64\nlayers: [{dense: {units: 32}}]\n"
# Maps of 16x16 to 16x16 and to 8x8: kernels of 3·3·2·4 = 72 and 3·3·4·6 = 216.
MAPS = """
input: 16x16x2
layers:
  - conv: {filters: 4, kernel: 3, padding: same, bias: false}
  - batch_norm
  - conv: {filters: 6, kernel: 3, stride: 2, padding: 1, rounding: floor, bias: false}
  - global_mean_pool
  - dense: {units: 3, bias: false}
"""


def plan(text: str, mesh: DeviceMesh, batch: int, **settings: str) -> TrainingPlan:
    analysis = cnnkit.analyze(cnnkit.load(text), **settings)  # type: ignore[arg-type]
    return TrainingPlan(analysis.totals.memory, mesh, batch)


def sent(found: TrainingPlan) -> dict[str, tuple[int, int, int]]:
    """The devices, the bytes and what is sent, by kind and purpose."""
    return {
        f"{each.kind} of {each.what}": (each.devices, each.bytes, each.sent)
        for each in found.collectives
    }


def test_one_device_holds_what_the_analysis_says_and_sends_nothing() -> None:
    for path in (*sorted(SPECS.glob("*.yaml"))[:6], SPECS / "zoo" / "resnet-18.yaml"):
        analysis = cnnkit.analyze(cnnkit.load(path), batch=4, optimizer="muon")
        found = TrainingPlan(analysis.totals.memory, DeviceMesh(), 4)
        assert found.memory.total == analysis.totals.training_memory, path
        assert (found.collectives, found.sent) == ((), 0)


def test_each_device_has_its_part_of_the_batch() -> None:
    found = plan(DENSE, DeviceMesh(data=8), 16)
    assert found.local_batch == 2
    # The input and the output are live at once, 64 + 32 values of each of 2 examples.
    assert found.memory == TrainingBytes(4 * 2080, 4 * 2080, 4 * 2 * 2080, 0, 4 * 2 * 96)
    # 2 FLOPs for each product, forwards and for the kernel; no gradient of the input is needed.
    assert found.flops == 2 * 2 * 2 * 64 * 32
    assert sent(found) == {"all-reduce of gradients": (8, 8320, 2 * 7 * 8320 // 8)}


def test_large_arrays_are_cut_and_small_ones_stay_whole() -> None:
    found = plan(DENSE, DeviceMesh(data=2, shard=4), 16)
    held = 2048 // 4 + 32
    tensors, whole = 4 * 2 * 96, 4 * 2048
    assert found.memory == TrainingBytes(4 * held, 4 * held, 8 * held, 0, tensors, whole)
    assert sent(found) == {
        "all-reduce of gradients of the parts": (2, 2048, 2048),  # 2·(2−1)/2
        "all-reduce of gradients": (8, 128, 224),  # 2·(8−1)/8
        "reduce-scatter of gradients": (4, 8192, 6144),  # (4−1)/4
        "all-gather of weights": (4, 8192, 6144),
        # Two squares of the one array that is cut.
        "all-reduce of squares of the parts": (4, 8, 12),
    }
    assert found.sent == 2048 + 224 + 6144 + 6144 + 12


def test_of_bfloat16_the_weights_stay_float32() -> None:
    found = plan(DENSE, DeviceMesh(data=8), 16, precision="bfloat16")
    assert found.memory == TrainingBytes(4 * 2080, 4 * 2080, 4 * 2 * 2080, 0, 2 * 2 * 96)
    assert sent(found) == {"all-reduce of gradients": (8, 8320, 14560)}


def test_frozen_weights_have_no_gradients_to_send() -> None:
    text = DENSE.replace("}]", "}, {dense: {units: 2}}]") + "train: {freeze: [layers.0]}\n"
    found = plan(text, DeviceMesh(data=4), 4)
    # The second kernel of 32·2 and its 2 biases alone.
    assert sent(found)["all-reduce of gradients"] == (4, 4 * 66, 2 * 3 * 66)
    # Forwards both; backwards the second kernel, before which nothing is trained.
    assert found.flops == 2 * (64 * 32 + 2 * 32 * 2)


def test_accumulated_gradients_are_held_twice() -> None:
    analysis = cnnkit.analyze(cnnkit.load(DENSE))
    found = TrainingPlan(analysis.totals.memory, DeviceMesh(data=8), 16, accumulate=4)
    assert found.memory.gradients == 2 * 4 * 2080


def rounds(found: TrainingPlan) -> dict[str, int]:
    return {f"{each.kind} of {each.what}": each.rounds for each in found.collectives}


def test_what_waits_for_something_else_goes_in_rounds_of_its_own() -> None:
    two = DENSE.replace("}]", "}, {dense: {units: 64}}]")  # two kernels of 2,048
    assert rounds(plan(two, DeviceMesh(shard=4), 16)) == {
        "all-reduce of gradients": 1,
        "reduce-scatter of gradients": 2,
        "all-gather of weights": 2,
        "all-reduce of squares of the parts": 1,
    }
    # A norm asks for its first values, the mean, the variance, and backwards for its gradients. The
    # strips meet for both convolutions, forwards and for their kernels, and for the second map.
    assert rounds(plan(MAPS, DeviceMesh(data=2, spatial=2), 4)) == {
        "all-reduce of gradients of the strips": 1,
        "all-reduce of gradients": 1,
        "all-reduce of statistics of batch norms": 4,
        "collective-permute of borders of maps": 5,
        "all-reduce of pooled maps": 1,
    }


def test_maps_are_cut_into_strips() -> None:
    found = plan(MAPS, DeviceMesh(data=2, spatial=2), 4)
    elements = 4 * 2  # bytes of an element of each of 2 examples
    # Rows of 16·2 and 16·4 elements: F′ − S = 2 and 1 of them forwards and for the kernel, and of
    # the outputs ⌈3/2⌉ − 1 = 1 row of 8·6 for the gradient of the second map.
    borders = 2 * 2 * 16 * 2 + 2 * 1 * 16 * 4 + 1 * 8 * 6
    # Those of the maps' layers, a norm's scale and shift among them, and the dense layer's 18.
    strips = 3 * 3 * 2 * 4 + 3 * 3 * 4 * 6 + 8
    assert sent(found) == {
        "all-reduce of gradients of the strips": (2, 4 * strips, 4 * strips),
        "all-reduce of gradients": (2, 4 * (strips + 18), 4 * (strips + 18)),
        "all-reduce of statistics of batch norms": (4, 4 * 3 * 4, 4 * 3 * 4 * 2 * 3 // 4),
        "collective-permute of borders of maps": (2, elements * borders, elements * borders // 2),
        "all-reduce of pooled maps": (2, elements * 6, elements * 6),
    }
    # Half of the maps; the dense layer, 6 values to 3, does all of it on each device, thrice.
    whole = plan(MAPS, DeviceMesh(data=2), 4)
    dense = 2 * 2 * 3 * 6 * 3
    assert 2 * (found.flops - dense) == whole.flops - dense
    # The saved ones: 16·16·2, 16·16·4 twice, of which half, and the 6 values of the vector.
    assert whole.memory.activations - found.memory.activations == elements * 16 * 16 * 10 // 2


def test_between_two_neighbours_a_device_sends_both_borders() -> None:
    (found,) = (
        each
        for each in plan(MAPS, DeviceMesh(spatial=4), 1).collectives
        if each.kind == "collective-permute"
    )
    assert found.sent == found.bytes


def test_a_batch_norm_without_scale_and_shift_sums_up_its_gradients_itself() -> None:
    text = MAPS.replace("  - batch_norm\n", "  - batch_norm: {scale: false, shift: false}\n")
    found = sent(plan(text, DeviceMesh(data=4), 4))
    assert found["all-reduce of statistics of batch norms"][1] == 4 * (3 + 2) * 4
