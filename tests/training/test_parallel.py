"""A training that is spread over a mesh of devices is that of one device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.checking.admission import findings_of
from cnnkit.errors import SpecError, UsageError
from cnnkit.network import build
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Parallelism, Train
from cnnkit.spec.model.training.parallel import sharded_axis
from cnnkit.spec.reading import load, read
from cnnkit.training.distributed.mesh import adapted, require_devices, tell_of_kernels, usable
from cnnkit.training.view.display import Quiet
from tests.training.test_devices import CNNKIT

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What a training comes to on one device, and on meshes of four."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.on_four_devices", tmp_path_factory.mktemp("mesh")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    answer: Found = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("mesh", ["data", "shard and spatial"])
def test_the_curve_is_that_of_one_device(found: Found, mesh: str) -> None:
    sums = found["one"]["losses"]
    steps = np.diff([0, *sums])
    assert steps[-1] < 0.5 * steps[0]
    assert found[mesh]["losses"] == pytest.approx(sums, rel=1e-5)


@pytest.mark.parametrize("way", ["shard and spatial to one", "one to shard and spatial"])
def test_a_checkpoint_goes_on_on_another_mesh(found: Found, way: str) -> None:
    assert found[way]["losses"] == pytest.approx(found["one"]["losses"], rel=1e-5)


def test_each_device_holds_its_part_of_weights_and_slots(found: Found) -> None:
    assert found["data"]["parts"] == 4 * [[768, 3]]
    cut = found["shard and spatial"]
    assert cut["parts"] == 4 * [[384, 3]]  # of two halves, which two devices each have
    assert cut["slots"] == 8 * [[384, 3]]  # Adam keeps two means of each weight


def test_gradients_are_summed_in_one_round(found: Found) -> None:
    rounds = found["data"]["collectives"]
    assert {name for name, _ in rounds} == {"all-reduce"}
    floats = [shapes for _, shapes in rounds if "s32[]" not in shapes]
    # The batch norm asks for the sums of the first values, of all, and of their squares.
    *of_norm, of_gradients = floats
    assert of_norm == 3 * [["f32[2]"]]
    kernels = {"f32[3,768]", "f32[3,3,2,64]"}  # of the dense layer transposed
    assert kernels | {"f32[3]", "f32[64]", "f32[2]"} <= set(of_gradients)
    (counts,) = (shapes for _, shapes in rounds if "s32[]" in shapes)
    assert sorted(counts) == ["s32[3,3]", "s32[]", "s32[]"]  # of the totals, whose type is another


def test_weights_are_gathered_and_rows_at_the_cut_exchanged(found: Found) -> None:
    rounds = found["shard and spatial"]["collectives"]
    gathered = [shapes for name, shapes in rounds if name == "all-gather"]
    assert sorted(gathered) == [["f32[3,3,2,64]"], ["f32[768,3]"]]
    exchanged = [
        shape for name, shapes in rounds if name == "collective-permute" for shape in shapes
    ]
    assert "f32[8,1,6,2]" in exchanged  # a row of each of 8 images, for windows of 3
    assert {name for name, _ in rounds} == {"all-gather", "all-reduce", "collective-permute"}


def test_an_array_is_cut_along_its_longest_axis_that_can_be() -> None:
    assert sharded_axis((3, 3, 64, 128), 4) == 3
    assert sharded_axis((3, 3, 128, 128), 4) == 3  # of equal ones the last
    assert sharded_axis((4096, 10), 4) == 0
    assert sharded_axis((3, 3, 64, 127), 4) == 2
    assert sharded_axis((33, 33), 4) is None
    assert sharded_axis((1023,), 1) is sharded_axis((1020,), 4) is None  # a message costs more
    assert sharded_axis((1024,), 4) == 0
    assert sharded_axis((), 4) is None


SPEC = """\
input: {input}
layers: [flatten, {{dense: {{units: 10}}}}]
train:
  data: digits
  batch_size: 12
  parallel: {{{parallel}}}
"""


@pytest.mark.parametrize(
    ("shape", "parallel", "place", "message", "advice"),
    [
        (
            "8x8x1",
            "shard: 8",
            (5, 15),
            "a batch of 12 is not cut into 8 equal parts, for `shard: 8`",
            "make `batch_size` a multiple of 8",
        ),
        (
            "8x8x1",
            "data: 3, shard: 8, spatial: 2",
            (5, 15),
            "a batch of 12 is not cut into 24 equal parts, for `data: 3` times `shard: 8`",
            "make `batch_size` a multiple of 24",
        ),
        (
            "9x8x1",
            "spatial: 2",
            (6, 23),
            (
                "`spatial: 2` cuts the height of images or the depth of volumes into equal parts, "
                "and `input: 9x8x1` has a height of 9"
            ),
            "make the height a multiple of 2, or take a `spatial` that divides 9",
        ),
        (
            "6x8x8x1",
            "spatial: 4",
            (6, 23),
            (
                "`spatial: 4` cuts the height of images or the depth of volumes into equal parts, "
                "and `input: 6x8x8x1` has a depth of 6"
            ),
            "make the depth a multiple of 4, or take a `spatial` that divides 6",
        ),
        (
            "64x1",
            "spatial: 2",
            (6, 23),
            (
                "`spatial: 2` cuts the height of images or the depth of volumes, and `input: 64x1` "
                "is a signal"
            ),
            "leave `spatial` out: the devices then share out the batch",
        ),
        (
            "64",
            "spatial: 2",
            (6, 23),
            (
                "`spatial: 2` cuts the height of images or the depth of volumes, and `input: 64` "
                "is a vector"
            ),
            "leave `spatial` out: the devices then share out the batch",
        ),
        (
            "8x8x1",
            "shard: 0",
            (6, 21),
            "`shard` cannot be 0",
            "it takes a whole number above 0",
        ),
        (
            "8x8x1",
            "shards: 2",
            (6, 14),
            "`parallel` has no field `shards`",
            "did you mean `shard`?",
        ),
    ],
)
def test_what_cannot_be_cut_is_found_before_anything_is_trained(
    shape: str, parallel: str, place: tuple[int, int], message: str, advice: str
) -> None:
    (finding,) = read(SPEC.format(input=shape, parallel=parallel)).findings
    where = finding.location
    assert where is not None
    assert (finding.message, finding.help) == (message, advice)
    assert (where.line, where.column) == place


SEVERAL = """\
inputs: {{left: {left}, right: 5}}
layers: [flatten, {{merge: {{with: right}}}}, {{dense: {{units: 3}}}}]
train:
  parallel: {{spatial: 2}}
"""


def test_of_several_inputs_the_images_are_cut() -> None:
    assert findings_of(read(SEVERAL.format(left="4x4x1"))) == ()
    (finding,) = findings_of(read(SEVERAL.format(left="5x4x1")))
    assert str(finding.location) == "<text>:4:23"
    assert finding.message == (
        "`spatial: 2` cuts the height of images or the depth of volumes into equal parts, and "
        "`left: 5x4x1` has a height of 5"
    )


def devices(count: int, processes: int = 1, platform: str = "cpu") -> Any:
    return [
        SimpleNamespace(process_index=each * processes // count, platform=platform)
        for each in range(count)
    ]


@pytest.mark.parametrize(
    ("parallel", "there", "place", "message", "advice"),
    [
        (
            "shard: 4",
            2,
            (6, 21),
            "`shard: 4` takes 4 devices, and there are 2",
            "take fewer, or run it where there are as many",
        ),
        (
            "data: 2, spatial: 4",
            1,
            (6, 13),
            "`data: 2` times `spatial: 4` takes 8 devices, and there is 1",
            "take fewer, or run it where there are as many",
        ),
        (
            "shard: 3",
            8,
            (6, 21),
            "8 devices are not cut into groups of 3, for `shard: 3`",
            "take a number that divides 8, or say how many groups there are, `data: 2`",
        ),
    ],
)
def test_other_devices_than_are_there(
    parallel: str, there: int, place: tuple[int, int], message: str, advice: str
) -> None:
    spec = load(SPEC.format(input="8x8x1", parallel=parallel))
    assert spec.train is not None
    with pytest.raises(SpecError) as caught:
        require_devices(spec, spec.train, devices(there))
    (finding,) = caught.value.findings
    assert finding.location is not None
    assert (finding.location.line, finding.location.column) == place
    assert (finding.message, finding.help) == (message, advice)


def of_batch(size: int = 12, **parallel: Any) -> Train:
    return Train(batch_size=size, parallel=parallel)


class Told(Quiet):
    """Keeps what a user is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keeps it."""
        self.notes.append(text)


def test_as_many_groups_are_used_as_a_batch_is_cut_for() -> None:
    told = Told()
    assert len(usable(devices(8), of_batch(12), told)) == 6
    assert len(usable(devices(8), of_batch(12, shard=2), told)) == 6
    assert len(usable(devices(8), of_batch(12, shard=2, spatial=2), told)) == 8
    assert len(usable(devices(8), of_batch(12, data=3, shard=2), told)) == 6  # as it is asked for
    more = "6 of 8 devices are used: a batch of 12 is cut into equal parts, so `batch_size` is best"
    assert told.notes == 2 * [f"{more} a multiple of 8"]


@pytest.mark.parametrize(
    ("there", "active", "told"),
    [
        (devices(4, 2), True, True),
        (devices(4), False, False),
        (devices(1), True, False),
        (devices(4, platform="gpu"), True, False),
    ],
)
def test_kernels_that_cannot_be_divided_are_said_to_be_left_out(
    there: Any, active: bool, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cnnkit.training.distributed.mesh.onednn.load", lambda: SimpleNamespace(active=active)
    )
    display = Told()
    tell_of_kernels(there, display)
    said = (
        "layers are computed without oneDNN, whose functions XLA cannot divide among 4 CPU "
        "devices: one process on one device may be faster"
    )
    assert display.notes == ([said] if told else [])


@pytest.mark.parametrize(
    ("asked", "there", "text"),
    [
        (
            of_batch(10, shard=5).model_copy(update={"batch_size": 8}),
            devices(5),
            (
                "a batch of 8 is not cut into 5 equal parts, for `shard: 5`: make `batch_size` a "
                "multiple of 5"
            ),
        ),
        (
            of_batch(12, shard=2),
            devices(8, 2),
            (
                "a batch of 12 is not cut into equal parts for the 8 devices of 2 processes: make "
                "`batch_size` a multiple of 8, or take another number of processes"
            ),
        ),
        (
            of_batch(12, data=2, shard=2),
            devices(8, 2),
            (
                "`data: 2` times `shard: 2` takes 4 of the 8 devices of 2 processes, each of which "
                "must have its part: write `data: all`, or take fewer processes"
            ),
        ),
        (
            of_batch(12, spatial=2),
            devices(1),
            (
                "`spatial: 2` takes 2 devices, and there is 1: take fewer, or run it where there "
                "are as many"
            ),
        ),
    ],
)
def test_devices_that_cannot_be_used(asked: Train, there: Any, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        usable(there, asked, Quiet())
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("begun", "there", "goes_on", "said"),
    [
        (
            {"shard": 4},
            2,
            {"shard": 2},
            "the run is of `shard: 4`, and there are 2 devices: it goes on with `shard: 2`",
        ),
        (
            {"data": 2, "shard": 2, "spatial": 2, "sync_batch_norm": False},
            1,
            {"sync_batch_norm": False},
            (
                "the run is of `data: 2` times `shard: 2` times `spatial: 2`, and there is 1 "
                "device: it goes on with `data: all`; batch norms take the statistics of other "
                "parts now"
            ),
        ),
        (
            {"shard": 4, "spatial": 2},
            6,
            {"shard": 1, "spatial": 2},
            (
                "the run is of `shard: 4` times `spatial: 2`, and there are 6 devices: it goes on "
                "with `spatial: 2`"
            ),
        ),
    ],
)
def test_a_run_goes_on_with_the_devices_that_are_there(
    begun: dict[str, Any], there: int, goes_on: dict[str, Any], said: str
) -> None:
    told = Told()
    found = adapted(of_batch(64, **begun), devices(there), told)
    assert found.parallel == Parallelism(**goes_on)
    assert told.notes == [said]
    same = of_batch(64, shard=2)
    assert adapted(same, devices(4), told) is same


def test_each_part_of_a_batch_has_statistics_of_its_own() -> None:
    network = build(load({"input": "2x2x3", "layers": [{"batch_norm": {"momentum": 0.9}}]}))
    x = np.random.default_rng(0).normal(3, 2, (6, 2, 2, 3)).astype(np.float32)
    y = network.outputs(jnp.asarray(x), train=True, parts=2).scores
    halves = x.astype(np.float64).reshape(2, 3, 2, 2, 3)
    mean, variance = (
        getattr(halves, each)(axis=(1, 2, 3), keepdims=True) for each in ("mean", "var")
    )
    wanted = (halves - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(y, wanted.reshape(x.shape), rtol=1e-4, atol=1e-5)
    norm: Any = getattr(network.layers, "0")
    np.testing.assert_allclose(norm.mean[...], 0.1 * mean.mean(0).reshape(-1), rtol=1e-5)
    wanted = 0.9 + 0.1 * variance.mean(0).reshape(-1)
    np.testing.assert_allclose(norm.variance[...], wanted, rtol=1e-5)


def test_parts_of_a_batch_hold_for_a_norm_that_could_take_in_a_rectifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cnnkit.network.fused_norms.may_be_foreign", lambda: True)
    network = build(load({"input": "2x2x3", "layers": ["batch_norm", "relu"]}))
    x = np.random.default_rng(0).normal(3, 2, (2, 2, 2, 3)).astype(np.float32)
    x[1] += 5
    y = network.outputs(jnp.asarray(x), train=True, parts=2).scores
    over = (1, 2)
    wanted = (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, np.maximum(wanted, 0), rtol=1e-4, atol=1e-5)


@pytest.mark.long
def test_what_two_processes_began_goes_on_on_one_device(
    recipe: Callable[..., Spec], tmp_path: Path
) -> None:
    """Its weights lay in parts on four devices of two processes, its images in halves."""
    spec = recipe(epochs=2, optimizer={"sgd": {"momentum": 0.9}}).to_dict()
    spec["layers"][0]["conv"] |= {"filters": 64, "padding": "same"}
    source = tmp_path / "spec.json"
    source.write_text(json.dumps(spec))
    mesh = "train.parallel={shard: 2, spatial: 2}"
    begun = ["train", str(source), "--set", mesh, "--set", "train.epochs=1", "--device", "cpu"]
    said = [
        on_devices(2, "launch", "-n", "2", "--", *begun, "--run-dir", str(tmp_path / "cut")),
        on_devices(1, "train", "--resume", str(tmp_path / "cut"), "--set", "train.epochs=2"),
        on_devices(1, "train", str(source), "--run-dir", str(tmp_path / "one"), "--device", "cpu"),
    ]
    assert (
        "the run is of `shard: 2` times `spatial: 2`, and there is 1 device: it goes on with "
        "`data: all`"
    ) in said[1]
    cut, one = (
        [json.loads(line) for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("cut", "one")
    )
    assert len(cut) == len(one) == 2
    for ours, theirs in zip(cut, one, strict=True):
        for split in ("train", "validation"):
            assert ours[split] == pytest.approx(theirs[split], rel=1e-5)


def on_devices(count: int, *arguments: str) -> str:
    """What a command says on so many virtual devices of each process."""
    done = subprocess.run(
        [*CNNKIT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
