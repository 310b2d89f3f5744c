"""The formulas behind the equations, in the letters and words of the board: ``(D+P−F)/S+1``.

A product of words is given only where each word's value is the factor that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.shape import Shape, Terms
from cnnkit.layers.window import Window, axis_names

LETTERS = (
    "D extent, F window (F′ dilated), S stride, P padding of both sides, N output",
    "r₀, s₀ receptive field and stride before the layer",
)
"""What the letters of the formulas stand for."""

BOTH_SIDES = "before + after"
DILATED = "dilation·(F−1)+1"
_FAMILIES = ("convolution", "dense", "normalization")

_Word = tuple[str, int]


def window_letter(windows: Sequence[Window | TransposedWindow]) -> str:
    """F, or where cells lie between those of the window F′."""
    return "F′" if any(window.dilation > 1 for window in windows) else "F"


def field_formula(windows: Sequence[Window | TransposedWindow]) -> str:
    """The receptive field after a layer with windows, from that before it."""
    if not windows or any(isinstance(window, TransposedWindow) for window in windows):
        return ""
    return f"r₀+({window_letter(windows)}−1)·s₀"


def rounded_formula(window: Window) -> str:
    """The number of window positions, with the brackets of its rounding where it rounds."""
    formula = output_formula(window)
    if window.exact or window.rounding == "exact":
        return formula
    quotient = formula.removesuffix("+1")
    return f"⌊{quotient}⌋+1" if window.rounding == "floor" else f"⌈{quotient}⌉+1"


def output_formula(window: Window | TransposedWindow) -> str:
    """The quotient that an extent of the output is: ``(D+P−F)/S+1``."""
    letter, padded = window_letter([window]), window.before + window.after
    if isinstance(window, TransposedWindow):
        extra = "+output padding" if window.output_padding else ""
        return f"(D−1)·S{'−P' if padded else ''}+{letter}{extra}"
    return f"(D{'+P' if padded else ''}−{letter})/S+1"


def same_padding(window: Window | TransposedWindow) -> str:
    """What `same` adds on both sides together."""
    letter = window_letter([window])
    if isinstance(window, TransposedWindow):
        return f"{letter}−S"
    needed = f"(N−1)·S+{letter}−D"
    short = (window.output - 1) * window.stride + window.dilated < window.extent
    return f"max({needed}, 0)" if short else needed


class Factors:
    """The factors of a layer's counts by their names."""

    def __init__(self, layer: Layer, inputs: Sequence[Shape], effect: Effect) -> None:
        output = effect.output or (0,)
        names = axis_names(len(output) - 1)
        channels = inputs[0][-1]
        kernel = effect.weights[0].shape if effect.weights else ()
        read = kernel[-2] if effect.windows and len(kernel) > 1 else channels
        sizes = [window.size for window in effect.windows]
        letters = ["F"] * len(sizes)
        if len(set(sizes)) > 1:
            letters = [f"F_{name}" for name in names]
        self.counted = layer.family in _FAMILIES
        self.extents: list[_Word] = list(zip(names, output[:-1], strict=True))
        self.kernel: list[_Word] = list(zip(letters, sizes, strict=False))
        self.read: _Word = ("channels/groups" if read != channels else "channels", read)
        self.keeps = layer.family == "normalization"
        made = layer.channels_field or ("channels" if self.keeps else "output channels")
        count = getattr(layer, layer.channels_field) if layer.channels_field else output[-1]
        self.made: _Word = (made, count)
        sets = kernel[-1] if len(kernel) > 1 else self.made[1]
        self.sets: _Word = self.made if sets == self.made[1] else ("weight sets", sets)
        self.inputs: _Word = ("inputs", channels)

    def sum_of(self, terms: Terms) -> str:
        """Terms in words, ``filters×F×F×channels + filters``; empty where one has no name."""
        if not self.counted or not terms:
            return ""
        products = [self._product(term) for term in terms]
        return " + ".join(products) if all(products) else ""

    def _product(self, factors: Sequence[int]) -> str:
        for words in self._products():
            if [value for _, value in words] == list(factors):
                return "×".join(name for name, _ in words)
        return ""

    def _products(self) -> Iterator[list[_Word]]:
        """The products that counts are made of, the likelier ones first."""
        for made in (self.made, self.sets):
            if self.kernel:
                yield [made, *self.kernel, self.read]
                yield [*self.extents, made, *self.kernel, self.read]
                yield [*self.extents, made]
            elif self.keeps:
                yield from ([(str(times), times), made] for times in (2, 3, 4))
            else:
                yield [self.inputs, made]
                yield [*self.extents, self.inputs, made]
                yield [*self.extents, made]
            yield [made]
