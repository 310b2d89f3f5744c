"""How a training is spread over devices: the parts of its batches, of its state and of its maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from cnnkit.layers.field import Count, Expects, Flag
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.language.faults import Fault
from cnnkit.spec.model.section import Section

SMALLEST_SHARDED = 1024
"""The values of the smallest array that is cut: a message costs more than a smaller one takes."""

_AXES = ("data", "shard", "spatial")


class Parallelism(Section):
    """The extents of a mesh of devices, whose axes are `data`, `shard` and `spatial`."""

    data: Annotated[
        Annotated[int, Field(gt=0)] | Literal["all"],
        Expects("a whole number above 0, or `all`"),
    ] = Field("all", description="into how many parts a batch is cut; `all` takes all devices")
    shard: Count = Field(
        1,
        description="over how many devices the weights and the optimizer's state are cut (fully "
        "sharded data parallel); the batch is cut for these too",
    )
    spatial: Count = Field(
        1,
        description="over how many devices the height of images, or the depth of volumes, is cut",
    )
    sync_batch_norm: Flag = Field(
        True,
        description="whether a batch norm takes its statistics over the whole batch, or each "
        "part of a batch its own",
    )

    @property
    def group(self) -> int:
        """The devices that hold one state, and of which there may be several groups."""
        return self.shard * self.spatial

    @property
    def fewest(self) -> int:
        """The devices that it takes at least."""
        return self.group * (1 if self.data == "all" else self.data)

    @property
    def batch_parts(self) -> int:
        """Into how many equal parts a batch is to be cut, at least."""
        return self.fewest // self.spatial

    def said(self, *axes: str) -> str:
        """The axes of the mesh that are cut, as a recipe says them: `data: 2` times `shard: 4`.

        Args:
            axes: Which of them; by default all.
        """
        wanted = [f"`{name}: {extent}`" for name, extent in self._cut if name in (axes or _AXES)]
        return " times ".join(wanted) or "`data: all`"

    @property
    def _cut(self) -> list[tuple[str, int]]:
        """The axes of the mesh of which more than one device is asked for, and how many."""
        extents = [(axis, getattr(self, axis)) for axis in _AXES]
        return [(axis, extent) for axis, extent in extents if extent not in (1, "all")]

    def not_cut(self, size: int) -> str:
        """What is said of a batch that is not cut into equal parts."""
        said = self.said("data", "shard")
        return f"a batch of {size} is not cut into {self.batch_parts} equal parts, for {said}"

    def shortage(self, devices: int) -> Fault | None:
        """What keeps a training from being spread over so many devices."""
        axes = [
            axis for axis in ("data", "shard", "spatial") if getattr(self, axis) not in (1, "all")
        ]
        field = ("parallel", *(axes if len(axes) == 1 else ()))
        if self.fewest > devices:
            there = f"there {'is' if devices == 1 else 'are'} {devices}"
            return Fault(
                "wrong-value",
                f"{self.said()} takes {self.fewest} devices, and {there}",
                "take fewer, or run it where there are as many",
                field,
            )
        if self.data == "all" and devices % self.group:
            return Fault(
                "wrong-value",
                f"{devices} devices are not cut into groups of {self.group}, for {self.said()}",
                f"take a number that divides {devices}, or say how many groups there are, "
                f"`data: {devices // self.group}`",
                field,
            )
        return None

    def misfits(self, shape: Shape, name: str = "input") -> Iterator[Fault]:
        """What keeps examples of this shape, channels last, from being cut.

        Args:
            shape: That of an example.
            name: What messages call the input.
        """
        if self.spatial == 1:
            return
        what = f"`spatial: {self.spatial}` cuts the height of images or the depth of volumes"
        if len(shape) < 3:
            kind = "a signal" if len(shape) > 1 else "a vector"
            yield Fault(
                "wrong-value",
                f"{what}, and `{name}: {show(shape)}` is {kind}",
                "leave `spatial` out: the devices then share out the batch",
                ("parallel", "spatial"),
            )
        elif shape[0] % self.spatial:
            extent = "height" if len(shape) == 3 else "depth"
            yield Fault(
                "wrong-value",
                f"{what} into equal parts, and `{name}: {show(shape)}` has a {extent} of "
                f"{shape[0]}",
                f"make the {extent} a multiple of {self.spatial}, or take a `spatial` that "
                f"divides {shape[0]}",
                ("parallel", "spatial"),
            )


def cut_inputs(inputs: Mapping[str, Shape]) -> Mapping[str, Shape]:
    """The inputs that `spatial` cuts: images and volumes, and of an example without any all.

    >>> cut_inputs({"scan": (8, 8, 8, 1), "age": (5,)})
    {'scan': (8, 8, 8, 1)}
    """
    return {name: shape for name, shape in inputs.items() if len(shape) > 2} or inputs


def sharded_axis(shape: Sequence[int], count: int) -> int | None:
    """The axis along which an array is cut into so many equal parts; None where it stays whole.

    It is the longest that can be, of equal ones the last: that of a kernel's filters.

    >>> sharded_axis((3, 3, 64, 128), 4), sharded_axis((3, 3, 64, 10), 4)
    (3, 2)
    >>> sharded_axis((128,), 4)  # small, so whole on each device
    """
    size = 1
    for extent in shape:
        size *= extent
    if count == 1 or size < SMALLEST_SHARDED:
        return None
    found = [axis for axis, extent in enumerate(shape) if extent and extent % count == 0]
    return max(found, key=lambda axis: (shape[axis], axis), default=None)
