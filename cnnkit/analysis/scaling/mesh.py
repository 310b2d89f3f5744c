"""Devices as a mesh of three axes, as `parallel:` of a recipe and ``--parallel`` name them.

- ``data``: each device has a part of the batch, and all weights;
- ``shard``: each device has a part of the batch, and a part of each array of weights (fully sharded
  data parallel; Rajbhandari et al., 2020, "ZeRO", stage 3);
- ``spatial``: each device has a part of every example, cut along the first extent of its maps.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Final

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.spec.text.scalars import shortened

ALL: Final = "all"
"""What `data` says where it takes all devices that the other axes leave."""
_NUMBER: Final = re.compile(r"0*[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class DeviceMesh:
    """How many devices there are along each axis.

    >>> DeviceMesh(data=4, shard=2).devices
    8
    """

    data: int = 1
    shard: int = 1
    spatial: int = 1

    def __str__(self) -> str:
        """The axes of more than one device: ``data 4 × shard 2``."""
        return " × ".join(f"{name} {getattr(self, name):,}" for name in self.axes or ("data",))

    @property
    def option(self) -> str:
        """As a command line says it: ``data=4,shard=2``."""
        return ",".join(f"{name}={getattr(self, name)}" for name in self.axes or ("data",))

    @property
    def axes(self) -> tuple[str, ...]:
        """Those along which there is more than one device."""
        return tuple(name for name, size in asdict(self).items() if size > 1)

    @property
    def devices(self) -> int:
        """All of them."""
        return self.data * self.shard * self.spatial

    @property
    def parts(self) -> int:
        """The parts that a batch is cut into."""
        return self.data * self.shard

    @property
    def replicas(self) -> int:
        """The devices that hold the same part of the weights."""
        return self.data * self.spatial


AXES: Final = ("data", "shard", "spatial")


def read_mesh(devices: int | None, parallel: str | None) -> DeviceMesh:
    """The mesh that two options of a command line name.

    >>> read_mesh(8, "shard=2")
    DeviceMesh(data=4, shard=2, spatial=1)

    Args:
        devices: How many there are; None for as many as the axes say.
        parallel: The axes, ``data=4,shard=2,spatial=1``. `data` may be left out, or `all`: it is
            then what the others leave.

    Raises:
        UsageError: An axis is unknown or no number, or they are not so many devices.
    """
    sizes = _sizes(parallel or "")
    given = sizes.pop("data", None)
    others = sizes.get("shard", 1) * sizes.get("spatial", 1)
    if devices is None:
        devices = others * (given or 1)
    if devices % others:
        raise UsageError(
            f"--parallel {parallel}: {devices:,} devices are not cut into groups of {others:,}: "
            f"take a multiple of {others:,}, such as --devices {_multiple(devices, others):,}"
        )
    data = given or devices // others
    if data * others != devices:
        raise UsageError(
            f"--parallel {parallel}: {data:,} × {others:,} = {data * others:,} devices, and "
            f"--devices says {devices:,}: leave `data` out, and it is {devices // others:,}"
        )
    return DeviceMesh(data=data, **sizes)


def _sizes(text: str) -> dict[str, int]:
    """The axes that a text gives a number."""
    sizes: dict[str, int] = {}
    seen = set()
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, value = (each.strip() for each in part.partition("="))
        shown = f"--parallel {shortened(part)}"
        if name not in AXES:
            near = did_you_mean(name, AXES)
            advice = f"did you mean `{near}`?" if near else f"there are {', '.join(AXES)}"
            raise UsageError(f"{shown}: there is no axis `{shortened(name)}`; {advice}")
        if name in seen:
            raise UsageError(f"{shown}: `{name}` is given twice")
        seen.add(name)
        if name == "data" and value == ALL:
            continue
        if not _NUMBER.fullmatch(value):
            beside = ", or `all`" if name == "data" else ""
            raise UsageError(f"{shown}: write a whole number above 0{beside}, such as {name}=2")
        sizes[name] = int(value)
    return sizes


def _multiple(devices: int, of: int) -> int:
    """The multiple that is nearest below, or the least one."""
    return max(devices // of, 1) * of
