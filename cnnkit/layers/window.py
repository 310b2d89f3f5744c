"""The arithmetic of sliding windows: the only home of extents, strides, padding and dilation.

For each axis, output = (D + P − F′)/S + 1 with D the extent, P the total padding,
F′ = dilation·(F − 1) + 1 the window, S the stride (Dumoulin and Visin, 2016,
"A guide to convolution arithmetic for deep learning").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import NonNegativeInt, Strict
from typing_extensions import override

from cnnkit.layers.field import Expects, Rounding
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape

Sides = Annotated[tuple[NonNegativeInt, NonNegativeInt], Strict(False)]
Padding = Annotated[
    Literal["valid", "same", "causal"]
    | NonNegativeInt
    | Annotated[tuple[NonNegativeInt | Sides, ...], Strict(False)],
    Expects(
        "`valid`, `same`, `causal`, a whole number of cells on each side, "
        "or a list of one for each axis, each a number or [before, after]"
    ),
]
PaddingMode = Annotated[
    Literal["zeros", "reflect", "edge", "stretch", "replicate", "circular"],
    Expects("`zeros`, `reflect`, `edge` or `circular`"),
]
RoundingField = Annotated[Rounding | None, Expects("`exact`, `floor` or `ceil`")]

_DEMANDING = frozenset({"nothing", "reflect", "circular"})
_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_CELLS = {1: ("cell",), 2: ("row", "column"), 3: ("slice", "row", "column")}


Pair = tuple[int, int]


def axis_names(rank: int) -> tuple[str, ...]:
    """The names of the spatial axes of a map of this rank."""
    return _AXES.get(rank) or tuple(f"axis {axis}" for axis in range(rank))


def cell_names(rank: int) -> tuple[str, ...]:
    """What one index of each spatial axis is called: a row, a column."""
    return _CELLS.get(rank) or ("cell",) * rank


class Uneven(Protocol):
    """A window whose cells of the output read unlike spans of the input."""

    def reads(self, position: int) -> range:
        """The input cells that an output cell reads, were the map to go on beyond its borders."""

    def __hash__(self) -> int:
        """Windows that read alike are equal."""


class Reach(NamedTuple):
    """How a cell of the output looks back along one axis of the input.

    It reads ``size`` cells, the next cell starts ``stride`` further on, and the first one
    starts ``before`` cells ahead of the first input cell.
    """

    size: int | Fraction
    stride: int | Fraction
    before: int | Fraction

    @property
    def uneven(self) -> Uneven | None:
        """What each cell reads, where that is not the same for all."""
        return None


class UnevenReach(Reach):
    """How a cell looks back where the cells of an output read unlike spans, as an upsampling's do.

    ``size`` is that of the largest, and ``before`` is such that the centres are right: cell i's
    is at i·stride − before + (size − 1)/2.
    """

    window: Uneven
    period: int

    @classmethod
    def of(
        cls, window: Uneven, size: int, stride: Fraction, before: Fraction, period: int = 1
    ) -> UnevenReach:
        """The reach of a window that says what each cell reads.

        What the cells of ``period`` times the stride's denominator read, the next ones read as
        many times its numerator further on.
        """
        reach = cls(
            size,
            stride if stride.denominator > 1 else stride.numerator,
            before if before.denominator > 1 else before.numerator,
        )
        reach.window, reach.period = window, period
        return reach

    @property
    @override
    def uneven(self) -> Uneven | None:
        return self.window


@dataclass(frozen=True, slots=True)
class Window:
    """One axis of a sliding window, with its values put in, and what follows from them.

    >>> Window(extent=32, size=7).output
    26
    >>> Window(extent=7, size=3, stride=3).exact
    False

    Attributes:
        extent: D, the cells of the axis.
        size: F, the cells of the window.
        stride: S, the cells from one position to the next.
        dilation: The distance of two neighbouring cells of the window.
        before: The padding before the first cell.
        after: The padding after the last cell.
        rounding: What a quotient that is no integer is.
        dilated: F′, the cells from the window's first to its last.
        slack: D + P − F′: how far the window can move; negative where it does not fit.
        output: The number of window positions: the floor where the combination is invalid.
    """

    extent: int
    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    rounding: Rounding = "exact"
    dilated: int = field(init=False, repr=False, compare=False)
    slack: int = field(init=False, repr=False, compare=False)
    output: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Each is read many times, so they are no properties.
        dilated = self.dilation * (self.size - 1) + 1
        slack = self.extent + self.before + self.after - dilated
        put = object.__setattr__
        put(self, "dilated", dilated)
        put(self, "slack", slack)
        put(self, "output", self._positions(slack))

    def _positions(self, slack: int) -> int:
        if slack < 0:
            return 0
        if self.rounding != "ceil":
            return slack // self.stride + 1
        count = -(-slack // self.stride) + 1
        # PyTorch's rule: a last window that would start in the padding after is dropped.
        return count - 1 if (count - 1) * self.stride >= self.extent + self.before else count

    @property
    def exact(self) -> bool:
        """Whether the window fits and its last position ends on the last cell."""
        return self.slack >= 0 and self.slack % self.stride == 0

    @property
    def fits(self) -> bool:
        """Whether the window has a position, and the last one ends as the rounding allows."""
        return self.slack >= 0 and (self.rounding != "exact" or self.exact)

    @property
    def unread(self) -> int:
        """Input cells, padding left aside, that lie behind the last window."""
        end = (self.output - 1) * self.stride + self.dilated
        return max(0, min(self.extent, self.extent + self.before - end))

    @property
    def reached(self) -> int:
        """The padding after that windows read: ``ceil`` drops one that would start in it."""
        if self.rounding != "ceil":
            return self.after
        end = (self.output - 1) * self.stride + self.dilated
        return min(self.after, max(0, end - self.extent - self.before))

    @property
    def overhang(self) -> int:
        """Cells by which ``ceil`` lets the last window reach past the padded input."""
        end = (self.output - 1) * self.stride + self.dilated
        return max(0, end - (self.extent + self.before + self.after))

    @property
    def blind(self) -> bool:
        """Whether the first or the last window lies in the padding altogether."""
        last = (self.output - 1) * self.stride - self.before
        return self.before >= self.dilated or last >= self.extent

    @property
    def reach(self) -> Reach:
        """The window as a step of the receptive field."""
        return Reach(self.dilated, self.stride, self.before)

    def formula(self, gap: str = "") -> str:
        """The quotient with its values put in: ``(32−7)/1+1``; ``gap`` goes round + and −."""
        parts = [str(self.extent)]
        if self.before or self.after:
            parts += ["+", str(self.before + self.after)]
        parts += ["−", str(self.dilated)]
        return f"({gap.join(parts)})/{self.stride}{gap}+{gap}1"

    def quotient(self) -> str:
        """The value of the formula, to two decimals where it is not whole: ``2.33``."""
        whole, rest = divmod(self.slack, self.stride)
        if not rest:
            return str(whole + 1)
        decimals = f"{rest / self.stride:.2f}"
        if decimals in ("0.00", "1.00"):  # rounding must not make it look whole
            return f"{whole + 1} + {rest}/{self.stride}"
        return f"{whole + 1}{decimals[1:]}"


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...] | None:
    """One value for each axis; None where a list has not one entry an axis."""
    if isinstance(value, int):
        return (value,) * rank
    return tuple(value) if len(value) == rank else None


def sides(
    padding: int | Sequence[int | tuple[int, int]], rank: int
) -> tuple[tuple[int, int], ...] | None:
    """Cells before and after, an axis each; None where a list has not one entry an axis."""
    if isinstance(padding, int):
        return ((padding, padding),) * rank
    if len(padding) != rank:
        return None
    return tuple((side, side) if isinstance(side, int) else side for side in padding)


def same_sides(extent: int, dilated: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME: as much as gives ⌈D/S⌉ positions, the odd cell after."""
    output = -(-extent // stride)
    needed = max((output - 1) * stride + dilated - extent, 0)
    return needed // 2, needed - needed // 2


def wrong_length(field: str, value: Sequence[object], rank: int) -> Problem:
    """The problem of a list that has not one entry for each axis."""
    axes = "1 axis" if rank == 1 else f"{rank} axes"
    entries = "1 entry" if len(value) == 1 else f"{len(value)} entries"
    names = axis_names(rank)
    listed = names[0] if rank == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return Problem(
        "shape-mismatch",
        f"`{field}` has {entries}, the input has {axes}: {listed}",
        "give one number for all axes, or one for each axis",
        (field,),
    )


@lru_cache(maxsize=4096)  # layers of one network are mostly alike
def slide(
    extents: Shape,
    size: int | Shape,
    stride: int | Shape = 1,
    padding: Literal["valid", "same", "causal"] | int | tuple[int | Pair, ...] = "valid",
    dilation: int | Shape = 1,
    rounding: Rounding = "exact",
    size_field: str = "kernel",
) -> tuple[Window, ...] | Problem:
    """The windows of all axes, or the field that has not one entry an axis."""
    rank = len(extents)
    given = ((size_field, size), ("stride", stride), ("dilation", dilation))
    numbers = []
    for name, value in given:
        values = per_axis(value, rank)
        if values is None:
            return wrong_length(name, value if isinstance(value, Sequence) else (), rank)
        numbers.append(values)
    if padding == "causal" and rank != 1:
        return Problem(
            "shape-mismatch",
            f"`padding: causal` is for one axis of time, the input has {rank} axes",
            "use `same`, or a list of [before, after] pairs",
            ("padding",),
        )
    pairs = None if isinstance(padding, str) else sides(padding, rank)
    if pairs is None and isinstance(padding, Sequence) and not isinstance(padding, str):
        return wrong_length("padding", padding, rank)
    if padding == "same":  # by definition a ceiling: it accepts what the stride leaves over
        rounding = "floor"
    given_sides = [str(padding)] * rank if pairs is None else pairs
    return tuple(map(_window, extents, *numbers, given_sides, [rounding] * rank))


@lru_cache(maxsize=4096)  # the axes of a map are mostly alike, and so are many layers
def _window(
    extent: int,
    size: int,
    stride: int,
    dilation: int,
    padding: str | tuple[int, int],
    rounding: Rounding,
) -> Window:
    """The window of one axis, its padding by name or in cells before and after."""
    reach = dilation * (size - 1)
    if not isinstance(padding, str):
        before, after = padding
    elif padding == "same":
        before, after = same_sides(extent, reach + 1, stride)
    else:
        before, after = (reach if padding == "causal" else 0), 0
    return Window(extent, size, stride, dilation, before, after, rounding)


def padding_problem(windows: Sequence[Window], mode: str) -> tuple[Problem, ...]:
    """Whether each axis has the cells that its padding mode repeats.

    ``reflect`` mirrors at the border cell, so it needs an extent above the padding;
    ``circular`` needs one of at least the padding. Frameworks differ beyond that. The padding
    of a pool holds ``nothing``: a window in it would be a maximum or mean of no cells.

    What to do about it is for ``fit`` to say, which knows the layer.
    """
    if mode not in _DEMANDING:
        return ()
    for axis, window in enumerate(windows):
        cells = max(window.before, window.after)
        if mode == "nothing" and window.blind:
            return (
                Problem(
                    "padding-too-large",
                    f"a window of {window.dilated} lies in the padding of {cells} altogether: "
                    "there is nothing to pool",
                    field=("padding", axis),
                ),
            )
        needed = {"reflect": cells + 1, "circular": cells}.get(mode, 0)
        if cells and window.extent < needed:
            return (
                Problem(
                    "padding-too-large",
                    f"`padding_mode: {mode}` has {window.extent} cells to fill {cells} cells of "
                    f"padding on one side, it needs {needed}",
                    field=("padding", axis),
                ),
            )
    return ()
