"""The augmentations of `train:`: random changes of the examples, anew in each epoch.

They see images whose values are from 0 to 1, before these are standardized, so that 0 is black.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, Strict, model_validator

from cnnkit.layers.field import Expects, Flag
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.language.faults import Fault, Faults
from cnnkit.spec.model.training.part import Fraction, Part, Positive, Variant, by_name

Cells = Annotated[
    Annotated[int, Field(gt=0)] | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Strict(False)],
    Expects("a whole number above 0, or a list of one for each axis"),
]
Fill = Annotated[Literal["zeros", "edge", "reflect"], Expects("`zeros`, `edge` or `reflect`")]
Pair = Annotated[
    Annotated[tuple[Annotated[float, Field(gt=0)], ...], Strict(False)],
    Field(min_length=2, max_length=2),
    Expects("the smallest and the largest, such as [0.5, 1]"),
]
_COLOURS = 3


class Augmentation(Part):
    """A random change of each example.

    Attributes:
        mixes: Whether it mixes examples with each other, and their targets too.
        moves: Whether what is seen moves, and targets with spatial extents with it.
        axes: How many spatial axes an example needs at least.
        shared: Whether it can be done to several images of an example alike.
    """

    mixes: ClassVar[bool] = False
    moves: ClassVar[bool] = False
    shared: ClassVar[bool] = True
    axes: ClassVar[int] = 1
    field_aliases: ClassVar = {"p": "probability", "prob": "probability"}

    probability: Fraction = Field(1.0, description="the part of the examples that are changed")

    @property
    def by_turns(self) -> bool:
        """Whether an example is changed in every second epoch, and not at random."""
        return False

    def misfit(self, shape: Shape) -> Fault | None:
        """What keeps it from changing an example of this shape, channels last."""
        if len(shape) - 1 >= self.axes:
            return None
        if self.axes == 1:
            what = "is a vector, which has no place to move in"
        else:
            what = f"has {len(shape) - 1} spatial axis, and `{self.kind}` needs {self.axes}"
        return Fault(
            "wrong-value",
            f"`{self.kind}` does not fit `input: {show(shape)}`, which {what}",
            "leave it out, or give the input its spatial extents",
        )


class Flip(Augmentation):
    """Mirrors half of the examples. Not for digits: a mirrored one is another, or none."""

    kind = "flip"
    moves = True
    scalar_field = "direction"

    direction: Annotated[
        Literal["horizontal", "vertical", "both"], Expects("`horizontal`, `vertical` or `both`")
    ] = Field("horizontal", description="left and right, up and down, or each by itself")
    probability: Fraction = Field(0.5, description="the part of the examples that are changed")
    alternate: Flag = Field(
        False,
        description="whether each example is mirrored in every second epoch, half of them in the "
        "even ones, instead of at random (Jordan, 2024)",
    )

    @property
    def by_turns(self) -> bool:
        """As the recipe says."""
        return self.alternate

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.alternate and self.direction == "both":
            raise Faults(
                Fault(
                    "wrong-value",
                    "`alternate` takes turns between an image and its mirror image, and "
                    "`direction: both` has four",
                    "write `horizontal` or `vertical`, or leave `alternate` out",
                    ("alternate",),
                )
            )
        if self.alternate and self.probability != 0.5:
            raise Faults(
                Fault(
                    "wrong-value",
                    f"`alternate` mirrors each example in every second epoch, and `probability` "
                    f"is {self.probability:g}",
                    "leave one of them out",
                    ("alternate",),
                )
            )
        return self

    def misfit(self, shape: Shape) -> Fault | None:
        """A signal has no up and down."""
        fault = super().misfit(shape)
        if fault is None and self.direction != "horizontal" and len(shape) < _COLOURS:
            return Fault(
                "wrong-value",
                f"`flip: {self.direction}` does not fit `input: {show(shape)}`, which has one axis",
                "write `flip: horizontal`, which mirrors a signal",
                ("direction",),
            )
        return fault


class Moved(Augmentation):
    """What is measured in cells of each axis."""

    cells_field: ClassVar[str] = ""

    def extents(self, shape: Shape) -> tuple[int, ...]:
        """The cells of each spatial axis."""
        cells: int | tuple[int, ...] = getattr(self, self.cells_field)
        return (cells,) * (len(shape) - 1) if isinstance(cells, int) else cells

    def misfit(self, shape: Shape) -> Fault | None:
        """One number for each axis, none as large as the axis."""
        if fault := super().misfit(shape):
            return fault
        field = self.cells_field
        cells = self.extents(shape)
        if len(cells) != len(shape) - 1:
            return Fault(
                "wrong-value",
                f"`{field}` of `{self.kind}` has {len(cells)} entries and "
                f"`input: {show(shape)}` {len(shape) - 1} spatial axes",
                "write one number, or one for each axis",
                (field,),
            )
        if any(cell >= extent for cell, extent in zip(cells, shape, strict=False)):
            return Fault(
                "wrong-value",
                f"`{field}` of `{self.kind}` is {show(cells)}: as large as the input, "
                f"{show(shape[:-1])}",
                "write fewer cells: of an eighth of the extent little is lost",
                (field,),
            )
        return None


class Shift(Moved):
    """Moves each example by up to so many cells along each axis."""

    kind = "shift"
    moves = True
    scalar_field = "cells"
    cells_field = "cells"

    cells: Cells = Field(description="the largest move, in cells of each axis")
    fill: Fill = Field("zeros", description="what comes in at the border")


class RandomCrop(Moved):
    """Pads each example at all sides and cuts its own extent out at a random place.

    The recipe of the ResNets on CIFAR-10 is `{crop: {padding: 4}}` (He et al., 2016).
    """

    kind = "crop"
    moves = True
    scalar_field = "padding"
    cells_field = "padding"

    padding: Cells = Field(description="the cells that are added at each side")
    fill: Fill = Field("zeros", description="what they hold")


class ResizedCrop(Augmentation):
    """Cuts out a random part and resizes it to the whole (Szegedy et al., 2015)."""

    kind = "resized_crop"
    moves = True
    scalar_field = "area"
    field_aliases: ClassVar = {**Augmentation.field_aliases, "scale": "area"}

    area: Pair = Field((0.5, 1.0), description="the part of the area that is cut out")
    ratio: Pair = Field((0.75, 4 / 3), description="its width over its height, where it has both")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name, (low, high), top in (("area", self.area, 1.0), ("ratio", self.ratio, math.inf)):
            if low > high or high > top:
                raise Faults(
                    Fault(
                        "wrong-value",
                        f"`{name}` cannot be [{low:g}, {high:g}]",
                        "write the smaller part first" + (", and none above 1" if top == 1 else ""),
                        (name,),
                    )
                )
        return self


class Rotate(Augmentation):
    """Turns each image by a random angle, in the plane of its last two axes."""

    kind = "rotate"
    moves = True
    scalar_field = "degrees"
    axes = 2

    degrees: Annotated[float, Field(gt=0, le=180), Expects("a number above 0, at most 180")] = (
        Field(15.0, description="the largest angle, to either side")
    )
    fill: Annotated[Literal["zeros", "edge"], Expects("`zeros` or `edge`")] = Field(
        "zeros", description="what comes in at the corners"
    )


class Elastic(Augmentation):
    """Draws each example out of shape by smooth random displacements (Simard et al., 2003)."""

    kind = "elastic"
    moves = True
    scalar_field = "alpha"

    alpha: Positive = Field(
        50.0, description="what displacements from −1 to 1 are multiplied by once they are smooth"
    )
    sigma: Positive = Field(5.0, description="the deviation of the Gaussian that smooths, in cells")
    fill: Annotated[Literal["zeros", "edge"], Expects("`zeros` or `edge`")] = Field(
        "zeros", description="what comes in at the border"
    )


class Erase(Augmentation):
    """Blanks out a random rectangle in half of the images (Zhong et al., 2020)."""

    kind = "erase"
    axes = 2

    area: Pair = Field((0.02, 0.33), description="the part of the area that is blanked out")
    ratio: Pair = Field((0.3, 10 / 3), description="the rectangle's width over its height")
    probability: Fraction = Field(0.5, description="the part of the examples that are changed")


class Cutout(Moved):
    """Blanks out a square at a random place, cut off at the border (DeVries and Taylor, 2017)."""

    kind = "cutout"
    scalar_field = "size"
    cells_field = "size"

    size: Cells = Field(description="the side of the square, in cells")


class Color(Augmentation):
    """Changes brightness, contrast, saturation and hue by random factors."""

    kind = "color"
    shared = False
    field_aliases: ClassVar = {**Augmentation.field_aliases, "colour": "hue"}

    brightness: Fraction = Field(0.0, description="factor from 1 − b to 1 + b")
    contrast: Fraction = Field(0.0, description="factor of the distance from the image's mean")
    saturation: Fraction = Field(0.0, description="factor of the distance from grey; of RGB only")
    hue: Annotated[float, Field(ge=0, le=0.5), Expects("a number from 0 to 0.5")] = Field(
        0.0, description="turn of the colour circle to either side, 0.5 is half; of RGB only"
    )

    def misfit(self, shape: Shape) -> Fault | None:
        """Saturation and hue are of red, green and blue."""
        for name in ("saturation", "hue"):
            if getattr(self, name) and shape[-1] != _COLOURS:
                return Fault(
                    "wrong-value",
                    f"`{name}` needs the 3 channels of RGB, and `input: {show(shape)}` has "
                    f"{shape[-1]}",
                    f"leave `{name}` out; brightness and contrast are of any channels",
                    (name,),
                )
        return super().misfit(shape)


class Noise(Augmentation):
    """Adds normal noise to each value."""

    kind = "noise"
    scalar_field = "deviation"
    axes = 0

    deviation: Positive = Field(0.05, description="its standard deviation; values are 0 to 1")


class Mixup(Augmentation):
    """Mixes each example with another, and their targets alike (Zhang et al., 2018)."""

    kind = "mixup"
    scalar_field = "alpha"
    mixes = True
    shared = False
    axes = 0

    alpha: Positive = Field(0.2, description="both parameters of the Beta distribution of the mix")


class Cutmix(Augmentation):
    """Puts a box of another example into each, and mixes the targets (Yun et al., 2019)."""

    kind = "cutmix"
    scalar_field = "alpha"
    mixes = True
    shared = False

    alpha: Positive = Field(1.0, description="both parameters of the Beta distribution of the box")


def no_maps(augmentation: Augmentation) -> Fault:
    """Says of what mixes examples that it does not mix the classes of pixels."""
    return Fault(
        "wrong-value",
        f"`{augmentation.kind}` mixes the targets of whole examples, and this network answers for "
        f"each pixel",
        "leave it out, or move and cut the examples: `flip`, `crop`, `resized_crop`",
    )


AUGMENTATIONS: Final = Variant(
    "augmentation",
    by_name(
        Flip,
        Shift,
        RandomCrop,
        ResizedCrop,
        Rotate,
        Elastic,
        Erase,
        Cutout,
        Color,
        Noise,
        Mixup,
        Cutmix,
    ),
    "`{flip: horizontal}`, `{shift: 4}`, `{mixup: 0.2}`",
    {
        "colour": "color",
        "color_jitter": "color",
        "brightness": "color",
        "contrast": "color",
        "random_erasing": "erase",
        "translate": "shift",
        "rotation": "rotate",
        "elastic_transform": "elastic",
        "random_crop": "crop",
    },
)
