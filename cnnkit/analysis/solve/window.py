"""Every stride and padding with which a window fits its input.

A window of F′ cells fits an extent D with the total padding P and the stride S where S divides
D + P − F′. One stride and one padding serve all axes, so S divides the differences of all axes:
their greatest common divisor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from cnnkit.analysis.analyze import analyze
from cnnkit.errors import UsageError
from cnnkit.layers.convolution import Conv
from cnnkit.layers.shape import show
from cnnkit.layers.window import Window, axis_names
from cnnkit.spec.model.spec import Spec

FORMAT = 1
"""The version of the JSON that ``WindowSolution.to_dict`` gives."""

# Divisions to find the divisors of all differences: a second. Beyond that are no networks.
_MOST_WORK = 5_000_000


@dataclass(frozen=True, slots=True)
class WindowQuestion:
    """What is known of a window, an entry an axis.

    Attributes:
        extents: The input.
        kernel: The window.
        dilation: The distance of two neighbouring cells of it.
        stride: The stride where it is fixed.
        output: The output that is wanted, where one is.
    """

    extents: tuple[int, ...]
    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    stride: int | None = None
    output: tuple[int, ...] | None = None

    @property
    def dilated(self) -> tuple[int, ...]:
        """F′ of each axis."""
        pairs = zip(self.extents, self.kernel, self.dilation, strict=True)
        return tuple(Window(extent, size, dilation=step).dilated for extent, size, step in pairs)

    @property
    def most_padding(self) -> int:
        """The most cells on both sides together: F′ − 1 on each; more would be read alone."""
        return 2 * (min(self.dilated) - 1)

    @property
    def largest_stride(self) -> int:
        """The input: a larger stride leaps over it."""
        return max(self.extents)


class Fit(NamedTuple):
    """A stride and a padding that fit, and their output.

    Attributes:
        stride: S.
        padding: P, the cells before and after together.
        before: Of these, the cells before; the odd cell is after, as with `same`.
        output: The extent that goes out, an entry an axis.
    """

    stride: int
    padding: int
    before: int
    output: tuple[int, ...]

    @property
    def after(self) -> int:
        """The cells after."""
        return self.padding - self.before

    def to_dict(self) -> dict[str, Any]:
        """The fit as JSON shows it."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "before": self.before,
            "after": self.after,
            "output": list(self.output),
        }


@dataclass(frozen=True, slots=True)
class WindowSolution:
    """All that fits.

    Attributes:
        question: What was asked.
        fits: What fits, by stride, then by padding; the first of them where there are many.
        count: How many fit in all.
    """

    question: WindowQuestion
    fits: tuple[Fit, ...]
    count: int

    @property
    def found(self) -> bool:
        """Whether anything fits."""
        return self.count > 0

    @property
    def more(self) -> int:
        """How many fit beside those that are listed."""
        return self.count - len(self.fits)

    def to_dict(self) -> dict[str, Any]:
        """The solution as JSON shows it; every key is always there."""
        question = self.question
        return {
            "format": FORMAT,
            "solve": "window",
            "input": list(question.extents),
            "kernel": list(question.kernel),
            "dilation": list(question.dilation),
            "dilated_kernel": list(question.dilated),
            "stride": question.stride,
            "output": list(question.output) if question.output else None,
            "fits": [fit.to_dict() for fit in self.fits],
            "count": self.count,
            "more": self.more,
        }


def fits(question: WindowQuestion, limit: int | None = None) -> WindowSolution:
    """The strides up to the input and the paddings up to F′ − 1 a side that fit.

    >>> [fit[:2] for fit in fits(WindowQuestion((4,), (3,), (1,))).fits]
    [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 3), (3, 2), (4, 3)]

    Args:
        question: The window.
        limit: List as many as this at most; None lists all.

    Raises:
        UsageError: The lists have not one entry an axis, or the search would take too long.
    """
    _check(question)
    by_padding = [
        (padding, _strides(question, padding)) for padding in range(question.most_padding + 1)
    ]
    ordered = merge(*(_keyed(strides, padding) for padding, strides in by_padding))
    found = (_verified(question, stride, padding) for stride, padding in ordered)
    return WindowSolution(
        question,
        tuple(islice(found, limit)),
        sum(len(strides) for _, strides in by_padding),
    )


def _check(question: WindowQuestion) -> None:
    for name, value in (("--kernel", question.kernel), ("--dilation", question.dilation)):
        if len(value) != len(question.extents):
            raise UsageError(
                f"{name} {show(value)} has not one entry for each axis of the input "
                f"{show(question.extents)}: {', '.join(axis_names(len(question.extents)))}"
            )
    if question.output is not None and len(question.output) != len(question.extents):
        raise UsageError(
            f"--output-extent {show(question.output)} has not one entry for each axis of the "
            f"input {show(question.extents)}"
        )
    largest = max(question.extents) + question.most_padding
    if (question.most_padding + 1) * math.isqrt(largest) > _MOST_WORK:
        raise UsageError(
            f"an input of {show(question.extents)} with a window of {show(question.dilated)} is "
            "too large to list all that fits; no network has one"
        )


def _keyed(strides: Iterable[int], padding: int) -> Iterator[tuple[int, int]]:
    return ((stride, padding) for stride in strides)


def _strides(question: WindowQuestion, padding: int) -> Sequence[int]:
    """The strides that fit with a total padding, in order."""
    pairs = zip(question.extents, question.dilated, strict=True)
    slacks = [extent + padding - dilated for extent, dilated in pairs]
    if min(slacks) < 0:
        return ()
    largest, common = question.largest_stride, math.gcd(*slacks)
    strides: Sequence[int] = range(1, largest + 1)  # a window with nowhere to go takes any
    if common:
        strides = [stride for stride in _divisors(common) if stride <= largest]
    if question.stride is not None:
        strides = [question.stride] if common % question.stride == 0 else []
    wanted = question.output
    if wanted is None:
        return strides
    if not common:
        return strides if set(wanted) == {1} else ()
    return [
        stride
        for stride in strides
        if all(slack // stride + 1 == out for slack, out in zip(slacks, wanted, strict=True))
    ]


def _divisors(number: int) -> list[int]:
    low = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return low + [number // d for d in reversed(low) if d * d != number]


def _verified(question: WindowQuestion, stride: int, padding: int) -> Fit:
    """What fits, after a convolution of these fields has been analysed."""
    before = padding // 2
    layer = Conv(
        filters=1,
        kernel=question.kernel,
        stride=stride,
        dilation=question.dilation,
        padding=((before, padding - before),) * len(question.extents),
    )
    analysis = analyze(Spec(input=(*question.extents, 1), layers=(layer,)))
    if not analysis.ok or analysis.output is None:
        raise AssertionError(f"stride {stride} with padding {padding} was found, but does not fit")
    return Fit(stride, padding, before, analysis.output[:-1])
