"""Devices as a mesh: what a command line says of it, and what it says wrongly."""

from __future__ import annotations

import pytest

from cnnkit.analysis.scaling.mesh import DeviceMesh, read_mesh
from cnnkit.errors import UsageError


@pytest.mark.parametrize(
    ("devices", "parallel", "mesh"),
    [
        (8, None, DeviceMesh(data=8)),
        (None, None, DeviceMesh()),
        (8, "shard=2", DeviceMesh(data=4, shard=2)),
        (8, "data=all, spatial=4", DeviceMesh(data=2, spatial=4)),
        (None, "data=4,shard=2,spatial=3", DeviceMesh(data=4, shard=2, spatial=3)),
        (None, "shard=2", DeviceMesh(shard=2)),
    ],
)
def test_the_data_axis_takes_what_the_others_leave(
    devices: int | None, parallel: str | None, mesh: DeviceMesh
) -> None:
    assert read_mesh(devices, parallel) == mesh


def test_the_figures_of_a_mesh() -> None:
    mesh = DeviceMesh(data=4, shard=2, spatial=3)
    assert (mesh.devices, mesh.parts, mesh.replicas) == (24, 8, 12)
    assert str(mesh) == "data 4 × shard 2 × spatial 3"
    assert mesh.option == "data=4,shard=2,spatial=3"
    assert str(DeviceMesh()) == "data 1"


@pytest.mark.parametrize(
    ("devices", "parallel", "message"),
    [
        (8, "shards=2", "--parallel shards=2: there is no axis `shards`; did you mean `shard`?"),
        (
            8,
            "model=2",
            "--parallel model=2: there is no axis `model`; there are data, shard, spatial",
        ),
        (8, "shard=two", "--parallel shard=two: write a whole number above 0, such as shard=2"),
        (8, "spatial", "--parallel spatial: write a whole number above 0, such as spatial=2"),
        (8, "shard=0", "--parallel shard=0: write a whole number above 0, such as shard=2"),
        (
            8,
            f"data={10**40}",
            f"--parallel data=1{'0' * 33}…: write a whole number above 0, or `all`, such as data=2",
        ),
        (8, "data=2,data=4", "--parallel data=4: `data` is given twice"),
        (
            8,
            "shard=3",
            (
                "--parallel shard=3: 8 devices are not cut into groups of 3: take a multiple of 3, "
                "such as --devices 6"
            ),
        ),
        (
            2,
            "shard=3",
            (
                "--parallel shard=3: 2 devices are not cut into groups of 3: take a multiple of 3, "
                "such as --devices 3"
            ),
        ),
        (
            8,
            "data=2,shard=2",
            (
                "--parallel data=2,shard=2: 2 × 2 = 4 devices, and --devices says 8: leave "
                "`data` out, and it is 4"
            ),
        ),
    ],
)
def test_what_is_no_mesh_is_said(devices: int, parallel: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_mesh(devices, parallel)
    assert str(caught.value) == message
