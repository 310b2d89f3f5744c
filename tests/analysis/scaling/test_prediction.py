"""How long a step takes on many devices: by hand, and as a table."""

from __future__ import annotations

from typing import Any

import pytest

import cnnkit
from cnnkit.analysis.estimate import TimeEstimate
from cnnkit.analysis.machines import Machine
from cnnkit.analysis.scaling import Collective, DeviceMesh, Scaling, planned, speeds_of
from cnnkit.errors import UsageError

# 2,080 parameters: 8,320 bytes of gradients in float32.
DENSE = "input: 64\nlayers: [{dense: {units: 32}}]\n"


def machine(**other: Any) -> Machine:
    """1 MFLOP/s, a memory that costs nothing, a link of 1 MB/s and a millisecond."""
    fields = {
        "format": 1,
        "name": "a machine",
        "measured": False,
        "source": "a test",
        "memory": {"bandwidth": 1e30},
        "rates": {"float32": {"product": 1e6}},
        "links": {"net": {"bandwidth": 1e6, "latency": 1e-3}},
        **other,
    }
    found: Machine = Machine.model_validate(fields)
    return found


def scaling(mesh: DeviceMesh, batch: int, **other: Any) -> Scaling:
    analysis = cnnkit.analyze(cnnkit.load(DENSE), machine=machine(**other))
    found = planned(analysis, mesh, batch=batch, tabulated=True).scaling
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "devices", "sent", "messages"),
    [
        ("all-reduce", 4, 1500, 6),  # 2·3/4, in 2·3 steps
        ("reduce-scatter", 4, 750, 3),
        ("all-gather", 4, 750, 3),
        ("collective-permute", 4, 1000, 2),
        ("collective-permute", 2, 500, 2),
        ("all-reduce", 3, 1334, 4),  # ⌈2·2/3·1,000⌉
        ("all-reduce", 1, 0, 0),
    ],
)
def test_what_a_ring_sends(kind: Any, devices: int, sent: int, messages: int) -> None:
    found = Collective(kind, "gradients", ("data",), devices, 1000)
    assert (found.sent, found.messages) == (sent, messages)
    seconds = speeds_of(machine()).exchange(found)
    assert seconds == pytest.approx(sent / 1e6 + messages * 1e-3)
    # Five that wait for one another send no more, and wait five times.
    apart = Collective(kind, "gradients", ("data",), devices, 1000, rounds=5)
    seconds = speeds_of(machine()).exchange(apart)
    assert seconds == pytest.approx(sent / 1e6 + 5 * messages * 1e-3)


def test_a_step_computes_and_then_sends() -> None:
    found = scaling(DeviceMesh(data=8), 16)
    assert found.time is not None
    # Forwards and for the kernel, 2 examples: 2·2·2·2,048 FLOPs at 1e6 a second.
    assert found.time.compute == pytest.approx(16_384e-6)
    # Gradients, and of 32 classes 32² + 4 figures: 8,320 and 4,112 bytes, each 2·7/8 times and in
    # 14 steps.
    sent = 14_560 + 7_196
    assert found.plan.sent == sent
    assert found.time.exchange == pytest.approx(sent / 1e6 + 28e-3)
    assert found.time.step == found.time.compute + found.time.exchange


def test_a_strip_takes_its_part_of_the_time() -> None:
    text = "input: 8x8x2\nlayers: [{conv: {filters: 2, kernel: 3, padding: same}}]\n"
    analysis = cnnkit.analyze(cnnkit.load(text), machine=machine())
    times = []
    for mesh in (DeviceMesh(), DeviceMesh(spatial=4)):
        found = planned(analysis, mesh, batch=1).scaling
        assert found is not None
        assert found.time is not None
        times.append(found.time.compute)
    assert times == pytest.approx([2 * 2 * 64 * 2 * 18e-6, 2 * 2 * 16 * 2 * 18e-6])


def test_vectors_are_computed_as_a_whole_on_each_device() -> None:
    conv = "{conv: {filters: 2, kernel: 3, padding: same}}"
    text = f"input: 8x8x2\nlayers: [{conv}, flatten, {{dense: {{units: 4}}}}]\n"
    analysis = cnnkit.analyze(cnnkit.load(text), machine=machine())
    found = planned(analysis, DeviceMesh(spatial=4), batch=1).scaling
    assert found is not None
    assert found.time is not None
    # A quarter of the convolution's rows, twice; and all of 128 values to 4, three times.
    flops = 2 * 2 * 16 * 2 * 18 + 3 * 2 * 128 * 4
    assert found.plan.flops == flops
    assert found.time.compute == pytest.approx(flops * 1e-6)


def test_each_device_updates_its_part_of_the_weights() -> None:
    found = scaling(DeviceMesh(data=2, shard=4), 16)
    own = 2048 // 4 + 32  # the biases are whole
    # Adam reads weights, gradients and two slots of each, and writes the weights and the slots.
    assert TimeEstimate(machine(), found.plan.device).updated_bytes == 4 * own * (2 + 2 + 1 + 2)


def test_weak_scaling_keeps_the_examples_of_each_device() -> None:
    rows = scaling(DeviceMesh(data=8), 16).tables["weak"]
    assert [row.plan.mesh.devices for row in rows] == [8 * 2**each for each in range(10)]
    assert [row.plan.batch for row in rows] == [16 * 2**each for each in range(10)]
    for row in rows:
        assert row.time is not None
        assert row.time.compute == pytest.approx(16_384e-6)
        assert row.efficiency == pytest.approx(row.time.compute / row.time.step)
        assert row.examples_per_second == pytest.approx(row.plan.batch / row.time.step)


def test_strong_scaling_keeps_the_batch_as_far_as_it_has_parts() -> None:
    rows = scaling(DeviceMesh(data=8), 32).tables["strong"]
    assert [row.plan.mesh.devices for row in rows] == [8, 16, 32]
    assert [row.plan.local_batch for row in rows] == [4, 2, 1]
    first, *_, last = rows
    assert first.time is not None
    assert last.time is not None
    assert first.time.compute == pytest.approx(4 * last.time.compute)
    # One device computes for all 32 examples what 32 devices do at once.
    alone = 32 * last.time.compute
    assert last.efficiency == pytest.approx(alone / (32 * last.time.step))


def test_the_other_axes_stay_as_they_are() -> None:
    rows = scaling(DeviceMesh(data=2, shard=4), 16).tables["weak"]
    assert {row.plan.mesh.shard for row in rows} == {4}
    assert rows[-1].plan.mesh == DeviceMesh(data=1024, shard=4)
    # Groups of three do not make 8 devices, nor any power of two.
    assert scaling(DeviceMesh(shard=3), 3).tables == {"weak": (), "strong": ()}


def test_without_a_machine_there_are_bytes_and_no_times() -> None:
    found = planned(cnnkit.analyze(cnnkit.load(DENSE)), DeviceMesh(data=8), tabulated=True).scaling
    assert found is not None
    assert found.time is None
    (row, *_) = found.tables["weak"]
    assert (row.time, row.efficiency, row.examples_per_second) == (None, None, None)
    data = found.to_dict()
    assert (data["machine"], data["step"], data["weak"][0]["step"]) == (None, None, None)
    assert data["weak"][0]["sent"] == found.plan.sent


def test_a_machine_without_rates_of_training_has_no_time() -> None:
    analysis = cnnkit.analyze(
        cnnkit.load(DENSE), machine=machine(training={"rates": {"bfloat16": {"product": 1e6}}})
    )
    with pytest.raises(UsageError) as caught:
        planned(analysis, DeviceMesh(data=2))
    assert str(caught.value) == (
        "a machine has no rates of a step of training in float32: ask with another --precision"
    )


def test_a_network_that_computes_nothing_takes_no_time() -> None:
    analysis = cnnkit.analyze(cnnkit.load("input: 4x4x1\nlayers: [flatten]"), machine=machine())
    found = planned(analysis, DeviceMesh(data=8), tabulated=True).scaling
    assert found is not None
    assert found.time is None
    assert found.tables["weak"][0].time is None
