"""Windows that do not slide cell by cell: transposed, adaptive, enlarged, and what is cut off.

The part of the window arithmetic whose output is not (D + P − F′)/S + 1; with ``window`` the
only home of extents, strides and padding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import (
    Pair,
    Reach,
    Uneven,
    UnevenReach,
    Window,
    axis_names,
    per_axis,
    sides,
    slide,
    wrong_length,
)


@dataclass(frozen=True, slots=True)
class TransposedWindow:
    """One axis of a transposed convolution: output = (D − 1)·S − P + F′ + output padding.

    >>> TransposedWindow(extent=16, size=4, stride=2, before=1, after=1).output
    32
    """

    extent: int
    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    output_padding: int = 0

    @property
    def dilated(self) -> int:
        """F′, the cells from the kernel's first to its last."""
        return self.dilation * (self.size - 1) + 1

    @property
    def output(self) -> int:
        """The extent that goes out; below 1 where the padding eats all of it."""
        full = (self.extent - 1) * self.stride + self.dilated
        return full - self.before - self.after + self.output_padding

    @property
    def reach(self) -> Reach:
        """One output cell reads at most ⌈F′/S⌉ cells; cells lie 1/S of an input cell apart.

        Cell o reads the i with o = i·S − P_before + k, k in [0, F′), so that the first one's
        centre is at (P_before − (F′ − 1)/2)/S.
        """
        size = -(-self.dilated // self.stride)
        centre = (self.before - Fraction(self.dilated - 1, 2)) / self.stride
        before = Fraction(size - 1, 2) - centre
        if self.stride == 1:
            return Reach(size, 1, _plain(before))
        return UnevenReach.of(self, size, Fraction(1, self.stride), before)

    def reads(self, position: int) -> range:
        """The i with position = i·S − P_before + k, k a multiple of the dilation in [0, F′).

        There are none where the kernel leaves gaps: where it is shorter than the stride, or where
        its dilation and the stride have a divisor in common.
        """
        place = position + self.before
        common = math.gcd(self.stride, self.dilation)
        apart = self.dilation // common
        if place % common:
            return range(0)
        first = -((self.dilated - 1 - place) // self.stride)
        remainder = place // common * pow(self.stride // common, -1, apart)
        return range(first + (remainder - first) % apart, place // self.stride + 1, apart)

    def formula(self, gap: str = "") -> str:
        """The sum with its values put in: ``(16−1)·2−2+4``."""
        parts = [f"({gap.join((str(self.extent), '−', '1'))})·{self.stride}"]
        if self.before or self.after:
            parts += ["−", str(self.before + self.after)]
        parts += ["+", str(self.dilated)]
        if self.output_padding:
            parts += ["+", str(self.output_padding)]
        return gap.join(parts)


def transpose(
    extents: Shape,
    size: int | Shape,
    stride: int | Shape = 1,
    padding: Literal["valid", "same", "causal"] | int | tuple[int | Pair, ...] = "valid",
    dilation: int | Shape = 1,
    output_padding: int | Shape = 0,
) -> tuple[TransposedWindow, ...] | Problem:
    """The windows of a transposed convolution; with `same` each output is D·S."""
    if padding == "causal":
        return Problem(
            "shape-mismatch",
            "`padding: causal` is not for a transposed convolution",
            "use `same`, `valid` or a number of cells",
            ("padding",),
        )
    same = padding == "same"
    windows = slide(extents, size, stride, "valid" if same else padding, dilation)
    if isinstance(windows, Problem):
        return windows
    extra = per_axis(output_padding, len(extents))
    if extra is None:
        given = output_padding if isinstance(output_padding, Sequence) else ()
        return wrong_length("output_padding", given, len(extents))
    if same and any(extra):
        return Problem(
            "shape-mismatch",
            "`output_padding` and `padding: same` exclude each other: `same` sets the output "
            "to extent × stride",
            "leave `output_padding` out, or give the padding as a number",
            ("output_padding",),
        )
    return tuple(
        _transposed(window, added, same=same) for window, added in zip(windows, extra, strict=True)
    )


def _transposed(window: Window, output_padding: int, *, same: bool) -> TransposedWindow:
    before, after = window.before, window.after
    if same:
        cut = max(window.dilated - window.stride, 0)
        before, after = cut // 2, cut - cut // 2
        output_padding = max(window.stride - window.dilated, 0)
    return TransposedWindow(
        window.extent, window.size, window.stride, window.dilation, before, after, output_padding
    )


@dataclass(frozen=True, slots=True)
class AdaptiveWindow:
    """One axis of an adaptive pool: window i is [⌊i·D/O⌋, ⌈(i + 1)·D/O⌉), as in PyTorch.

    Neighbours overlap where O does not divide D; where O exceeds D, cells repeat.

    >>> AdaptiveWindow(extent=7, output=3).cells  # [0, 3), [2, 5), [4, 7)
    9
    """

    extent: int
    output: int

    @property
    def cells(self) -> int:
        """The cells of all windows together: Σ⌈(i + 1)·D/O⌉ − Σ⌊i·D/O⌋ = D + O − gcd(D, O).

        Shifted by one, the sums differ by D, and by one for each of the O − gcd(D, O) borders
        that are not whole.
        """
        return self.extent + self.output - math.gcd(self.extent, self.output)

    @property
    def largest(self) -> int:
        """The cells of the largest window: ⌈(D + r)/O⌉ for the largest r = i·D mod O."""
        rest = self.output - math.gcd(self.extent, self.output)
        return -(-(self.extent + rest) // self.output)

    @property
    def reach(self) -> Reach:
        """The largest window, D/O from one to the next."""
        return _even(self, self.largest, Fraction(self.extent, self.output))

    def reads(self, position: int) -> range:
        """[⌊i·D/O⌋, ⌈(i + 1)·D/O⌉)."""
        start = position * self.extent
        return range(start // self.output, -(-(start + self.extent) // self.output))


def adapt(
    extents: Sequence[int], output: int | Sequence[int]
) -> tuple[AdaptiveWindow, ...] | Problem:
    """The windows that make ``output`` cells of each axis."""
    outputs = per_axis(output, len(extents))
    if outputs is None:
        given = output if isinstance(output, Sequence) else ()
        return wrong_length("output", given, len(extents))
    return tuple(map(AdaptiveWindow, extents, outputs))


@dataclass(frozen=True, slots=True)
class PartitionWindow:
    """One axis that is cut into windows, in which each cell reads all others.

    The windows begin ``shift`` cells on; the one before the first of them goes as far as the border
    and so does the last.

    >>> PartitionWindow(extent=12, size=4, shift=1).reads(0), PartitionWindow(12, 4).reads(5)
    (range(-3, 1), range(4, 8))
    """

    extent: int
    size: int
    shift: int = 0

    @property
    def reach(self) -> Reach:
        """As many cells as a window has; the centres stay where they are."""
        before = Fraction(self.size - 1, 2)
        return UnevenReach.of(self, self.size, Fraction(1), before, period=self.size)

    def reads(self, position: int) -> range:
        """The cells of the window that the position is in."""
        start = (position - self.shift) // self.size * self.size + self.shift
        return range(start, start + self.size)


@dataclass(frozen=True, slots=True)
class UpsampledWindow:
    """One axis that is enlarged, each output cell made from at most ``cells`` cells.

    >>> UpsampledWindow(extent=10, output=19).reach.stride
    Fraction(10, 19)
    """

    extent: int
    output: int
    cells: int = 1

    @property
    def reach(self) -> Reach:
        """The cells read, extent/output of a cell from one to the next."""
        return _even(self, self.cells, Fraction(self.extent, self.output))

    def reads(self, position: int) -> range:
        """The cells nearest to (i + 1/2)·D/n − 1/2: one, or those that a line is drawn between."""
        twice = (2 * position + 1) * self.extent  # of 2n-ths of a cell, to the nearer border
        if self.cells == 1:
            return range(twice // (2 * self.output), twice // (2 * self.output) + 1)
        centre = twice - self.output
        return range(centre // (2 * self.output), -(-centre // (2 * self.output)) + 1)


def enlarge(
    extents: Sequence[int], factor: float | Sequence[float], *, linear: bool = False
) -> tuple[UpsampledWindow, ...] | Problem:
    """The windows that make ``factor`` cells of each cell of an axis: a whole number in all."""
    factors = tuple(factor) if isinstance(factor, Sequence) else (factor,) * len(extents)
    if len(factors) != len(extents):
        return wrong_length("factor", factors, len(extents))
    outputs = []
    for name, extent, times in zip(axis_names(len(extents)), extents, factors, strict=True):
        exact = extent * Fraction(times).limit_denominator(10**6)
        if exact.denominator != 1:
            return Problem(
                "shape-mismatch",
                f"{times} times the {name} of {extent} is {float(exact):g}, no whole number",
                f"`size` takes the extents as they are to be: {math.floor(exact)}",
                ("factor",),
            )
        outputs.append(int(exact))
    return stretch(extents, outputs, linear=linear)


def stretch(
    extents: Sequence[int], outputs: Sequence[int], *, linear: bool = False
) -> tuple[UpsampledWindow, ...]:
    """The windows that repeat the cells of each axis, or draw lines between them."""
    return tuple(
        UpsampledWindow(extent, output, cells=2 if linear and output > extent else 1)
        for extent, output in zip(extents, outputs, strict=True)
    )


def cut(
    extents: Sequence[int], cells: int | Sequence[int | tuple[int, int]]
) -> tuple[TransposedWindow, ...] | Problem:
    """The windows that leave out ``cells`` on each side: transposed, of one cell, so padded."""
    pairs = sides(cells, len(extents))
    if pairs is None:
        given = cells if isinstance(cells, Sequence) else ()
        return wrong_length("cells", given, len(extents))
    return tuple(
        TransposedWindow(extent, 1, before=before, after=after)
        for extent, (before, after) in zip(extents, pairs, strict=True)
    )


def whole(extents: Sequence[int]) -> tuple[Reach, ...]:
    """The reach of one output cell that reads everything.

    There is no second cell, so that the stride says nothing; 1 leaves the strides of what
    follows as they are.
    """
    return tuple(Reach(extent, 1, 0) for extent in extents)


def centred(extent: int, kept: int) -> tuple[int, int]:
    """Cells to cut off before and after so that ``kept`` are left; the odd cell after."""
    cut = extent - kept
    return cut // 2, cut - cut // 2


def _even(window: Uneven, size: int, step: Fraction) -> Reach:
    """Spans of up to ``size`` with half-pixel centres: that of cell i at (i + 1/2)·step − 1/2."""
    before = (size - step) / 2
    if step.denominator == 1:
        return Reach(size, step.numerator, _plain(before))
    return UnevenReach.of(window, size, step, before)


def _plain(number: Fraction) -> int | Fraction:
    return number.numerator if number.denominator == 1 else number
