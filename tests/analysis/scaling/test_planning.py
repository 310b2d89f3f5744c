"""A plan put to an analysis: what keeps it from its devices, and what makes it fit."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis.machines import Machine
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.scaling import DeviceMesh, planned, plans_of
from cnnkit.errors import Finding, UsageError

IMAGE = "input: 30x20x3\nlayers: [{conv: {filters: 4, kernel: 3, padding: same}}]\n"
# 2,048 + 32 parameters; 64 + 32 values of each example are live at once.
DENSE = "input: 64\nlayers: [{dense: {units: 32}}]\n"


def machine(size: int | None = None, **links: float) -> Machine:
    """A machine of a round rate, with so many bytes, and links of these bandwidths."""
    found: Machine = Machine.model_validate(
        {
            "format": 1,
            "name": "a machine",
            "measured": False,
            "source": "a test",
            "memory": {"bandwidth": 1e12, "size": size},
            "rates": {"float32": {"product": 1e9}},
            "links": {name: {"bandwidth": each} for name, each in links.items()},
        }
    )
    return found


def findings(
    text: str, mesh: DeviceMesh, batch: int | None = None
) -> list[tuple[str, str, str | None]]:
    found = planned(cnnkit.analyze(cnnkit.load(text)), mesh, batch=batch).findings
    return [(each.rule, each.message, each.help) for each in found]


def test_a_batch_that_is_not_cut_into_equal_parts() -> None:
    assert findings(IMAGE, DeviceMesh(data=4, shard=2, spatial=2), batch=20) == [
        (
            "wrong-value",
            "a batch of 20 is not cut into 8 equal parts, for data 4 × shard 2",
            "take a multiple of 8: --batch 16 or --batch 24",
        )
    ]
    assert findings(IMAGE, DeviceMesh(data=8), batch=3) == [
        (
            "wrong-value",
            "a batch of 3 is not cut into 8 equal parts, for data 8",
            "take a multiple of 8: --batch 8",
        )
    ]


def test_maps_that_are_not_cut_into_equal_parts() -> None:
    analysis = planned(cnnkit.analyze(cnnkit.load(IMAGE)), DeviceMesh(spatial=4))
    (found,) = analysis.findings
    assert found.message == (
        "`spatial: 4` cuts the height of images or the depth of volumes into equal parts, and "
        "`input: 30x20x3` has a height of 30"
    )
    assert found.help == ("make the height a multiple of 4, or take a `spatial` that divides 30")
    assert (found.rule, found.level, found.location and found.location.line) == (
        "wrong-value",
        "error",
        1,
    )
    assert not analysis.ok
    text = "inputs: {scan: 7x8x8x1, age: 5}\nlayers: [{conv: {filters: 1, kernel: 1}}]\n"
    # What stands beside a volume is whole on each device, as in a training.
    assert [message for _, message, _ in findings(text, DeviceMesh(spatial=2))] == [
        (
            "`spatial: 2` cuts the height of images or the depth of volumes into equal parts, and "
            "`inputs.scan: 7x8x8x1` has a depth of 7"
        ),
    ]
    assert [
        message for _, message, _ in findings("input: 8x1\nlayers: [relu]", DeviceMesh(spatial=2))
    ][:1] == [
        (
            "`spatial: 2` cuts the height of images or the depth of volumes, and `input: 8x1` is a "
            "signal"
        )
    ]


def test_the_batch_is_the_recipes_or_one_on_each_device() -> None:
    text = DENSE + "train: {batch_size: 96}\n"
    for given, batch in ((text, 96), (DENSE, 8), (DENSE + "train: {batch_size: auto}\n", 8)):
        scaling = planned(cnnkit.analyze(cnnkit.load(given)), DeviceMesh(data=8)).scaling
        assert scaling is not None
        assert scaling.plan.batch == batch


def test_gradients_that_a_recipe_accumulates_are_held() -> None:
    text = DENSE + "train: {batch_size: 16, accumulate: 2}\n"
    one = machine(50_000, net=1e9)
    scaling = planned(cnnkit.analyze(cnnkit.load(text), machine=one), DeviceMesh()).scaling
    assert scaling is not None
    assert scaling.plan.memory.gradients == 2 * 4 * 2080
    # 33,280 + 8,320 + 384 of each example: of 32 they are 53,888, of 16, half of it, 47,744.
    full = planned(cnnkit.analyze(cnnkit.load(text), machine=one), DeviceMesh(), batch=32)
    assert [each.help for each in full.findings] == [
        (
            "accumulate the gradients of 4 steps: `batch_size: 16` with `accumulate: 4` takes "
            "47,744 bytes"
        )
    ]


def test_what_does_not_fit_is_accumulated_or_cut() -> None:
    def planned_on(size: int, mesh: DeviceMesh, batch: int) -> tuple[Finding, ...]:
        one = machine(size, net=1e9)
        return planned(cnnkit.analyze(cnnkit.load(DENSE), machine=one), mesh, batch=batch).findings

    # Weights, gradients and two slots are 4·4·2,080 = 33,280 bytes, an example 384: a batch of 64
    # on each of 2 devices takes 57,856. In steps of 16 and with a second array of gradients they
    # are 33,280 + 8,320 + 16·384 = 47,744, in steps of 32 they would be 53,888.
    (found,) = planned_on(50_000, DeviceMesh(data=2), 128)
    assert (found.rule, found.level) == ("over-budget", "error")
    assert found.message == (
        "a batch of 128, 64 on each device, takes 57,856 bytes of it, and a machine has 50,000"
    )
    # Cut for 2 devices the kernel, its gradient and slots are half, and for its use the kernel is
    # whole beside: 57,856 − 4·4·1,024 + 4·2,048 = 49,664.
    assert found.help == (
        "accumulate the gradients of 4 steps: `batch_size: 32` with `accumulate: 4` takes 47,744 "
        "bytes; or cut the weights for more devices: --parallel shard=2 takes 49,664 bytes"
    )
    (found,) = planned_on(1000, DeviceMesh(), 1)
    assert found.help == "take devices of more memory, or a smaller network"
    assert planned_on(57_856, DeviceMesh(data=2), 128) == ()


def test_a_network_without_shapes_has_no_plan() -> None:
    faulty = planned(
        cnnkit.analyze(cnnkit.load("input: 4x4x1\nlayers: [{dense: {units: 2}}]")), DeviceMesh()
    )
    assert faulty.scaling is None


def test_a_precision_of_inference_alone_has_no_plan() -> None:
    analysis = cnnkit.analyze(cnnkit.load(DENSE), precision="int8")
    with pytest.raises(UsageError) as caught:
        planned(analysis, DeviceMesh(data=2))
    assert str(caught.value) == (
        "--devices plans a training, and int8 is a precision of inference alone: take another "
        "--precision"
    )


@pytest.mark.parametrize(
    ("given", "link", "message"),
    [
        (None, "NVLink", "--link NVLink joins the devices of a machine: name it, --machine h100"),
        (
            machine(),
            None,
            (
                "--machine: a machine names no link: say the bytes that a device sends in a "
                "second, such as --link 25e9"
            ),
        ),
        (
            machine(NVLink=1e9),
            "nvlink",
            (
                "--link nvlink: a machine has no such link; did you mean `NVLink`? Or give bytes a "
                "second, such as --link 25e9"
            ),
        ),
        (
            machine(NVLink=1e9, PCIe=1e9),
            "-1",
            (
                "--link -1: a machine has no such link; its links: NVLink, PCIe. Or give bytes a "
                "second, such as --link 25e9"
            ),
        ),
    ],
)
def test_links_that_are_not_there(given: Machine | None, link: str | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        planned(cnnkit.analyze(cnnkit.load(DENSE), machine=given), DeviceMesh(data=2), link=link)
    assert str(caught.value) == message


def of_recipe(parallel: str, devices: int | None) -> Analysis:
    text = (
        IMAGE.replace("30x20x3", "32x20x3") + f"train: {{batch_size: 64, parallel: {parallel}}}\n"
    )
    (found,) = plans_of([cnnkit.analyze(cnnkit.load(text))], devices)
    assert isinstance(found, Analysis)
    return found


@pytest.mark.parametrize(
    ("parallel", "devices", "mesh"),
    [
        ("{}", 8, DeviceMesh(data=8)),
        ("{shard: 4}", 8, DeviceMesh(data=2, shard=4)),
        ("{data: 2, shard: 2, spatial: 2}", 8, DeviceMesh(data=2, shard=2, spatial=2)),
        ("{shard: 4, spatial: 2}", None, DeviceMesh(shard=4, spatial=2)),
    ],
)
def test_the_mesh_is_the_recipes(parallel: str, devices: int | None, mesh: DeviceMesh) -> None:
    scaling = of_recipe(parallel, devices).scaling
    assert scaling is not None
    assert scaling.plan.mesh == mesh


def test_fewer_devices_than_the_recipe_takes() -> None:
    analysis = of_recipe("{shard: 4}", 2)
    (found,) = analysis.findings
    assert (found.rule, found.level, found.message, found.help) == (
        "wrong-value",
        "error",
        "`shard: 4` takes 4 devices, and there are 2",
        "take fewer, or run it where there are as many",
    )
    assert found.location is not None
    assert found.location.line == 3
    assert analysis.scaling is None


def test_batch_norms_of_their_own_send_their_means_alone() -> None:
    text = "input: 8x8x2\nlayers: [{conv: {filters: 4, kernel: 3}}, batch_norm]\n"
    sent = {}
    for sync in ("true", "false"):
        recipe = f"train: {{batch_size: 8, parallel: {{sync_batch_norm: {sync}}}}}\n"
        scaling = planned(cnnkit.analyze(cnnkit.load(text + recipe)), DeviceMesh(data=4)).scaling
        assert scaling is not None
        sent[sync] = {each.what: each.bytes for each in scaling.plan.collectives}
    assert sent["true"]["statistics of batch norms"] == 4 * 3 * 4
    assert sent["false"]["statistics of batch norms"] == 4 * 2 * 4
