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
    assert found.memory == TrainingBytes(4 * held, 4 * held, 4 * 2 * held, 0, 4 * 2 * 96)
    assert sent(found) == {
        "all-reduce of gradients of the parts": (2, 2048, 2048),  # 2·(2−1)/2
        "all-reduce of gradients": (8, 128, 224),  # 2·(8−1)/8
        "reduce-scatter of gradients": (4, 8192, 6144),  # (4−1)/4
        "all-gather of weights": (4, 8192, 6144),
    }
    assert found.sent == 2048 + 224 + 6144 + 6144


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
