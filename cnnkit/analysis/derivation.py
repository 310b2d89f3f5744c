"""Equations with the values put in: how an extent, a count or a receptive field comes about.

The values are those of a layer's effect. A line is what it is about and an equation that holds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from cnnkit.analysis.receptive_field import Field, Fields
from cnnkit.analysis.symbols import (
    BOTH_SIDES,
    DILATED,
    Factors,
    field_formula,
    output_formula,
    rounded_formula,
    same_padding,
    window_letter,
)
from cnnkit.layers.base import Effect, Layer, Weight
from cnnkit.layers.resample import PartitionWindow, TransposedWindow
from cnnkit.layers.shape import Shape, Terms, show, total
from cnnkit.layers.window import Reach, Window, axis_names


class Line(NamedTuple):
    """One line on the board: what it is about, the equation, and the formula behind it."""

    label: str
    text: str
    formula: str = ""

    @property
    def equation(self) -> str:
        """The formula, then its values: ``(D−F)/S+1 = (7−3)/2+1 = 3``."""
        if not self.formula:
            return self.text
        name, equals, rest = self.text.partition(" = ")
        if equals and name.rstrip("′").isalpha():  # P = …, where the name goes before both
            return f"{name} = {self.formula} = {rest}"
        return f"{self.formula} = {self.text}"


def sum_of(terms: Sequence[int], most: int = 24) -> str:
    """A sum and its value, zeros left out; of many terms, equal neighbours as a product.

    >>> sum_of([2028, 1620, 0, 256, 4])
    '2,028 + 1,620 + 256 + 4 = 3,908'
    """
    parts = [f"{term:,}" for term in terms if term]
    if len(parts) > most:
        runs = [(value, sum(1 for _ in run)) for value, run in groupby(filter(None, terms))]
        parts = [f"{count:,}×{value:,}" if count > 1 else f"{value:,}" for value, count in runs]
    return _equal(" + ".join(parts) or "0", sum(terms))


def terms_of(terms: Terms) -> str:
    """A sum of products and its value: ``3×7×7×3 + 3 = 444``."""
    return _equal(" + ".join(map(_product, terms)) or "0", total(terms))


def shape_lines(layer: Layer, inputs: Sequence[Shape], effect: Effect) -> Iterator[Line]:
    """How the shape that goes out comes about, an axis each."""
    output = effect.output
    if output is None:
        return
    if layer.family == "attention" and effect.macs:
        yield Line("scores", terms_of((effect.macs[0][:-1],)))
    if effect.windows:
        padding = getattr(layer, "padding", None)
        steps = [list(_window(window, padding)) for window in effect.windows]
        yield from _each_axis(steps)
    elif effect.reach and len(output) == len(inputs[0]):
        axes = zip(inputs[0], output, effect.reach, strict=False)
        yield from _each_axis([[(_resampled(*axis), "")] for axis in axes])
        if output != inputs[0] and math.prod(output) == math.prod(inputs[0]):
            yield Line("channels", _rearranged(inputs[0][-1], output[-1]))
    elif len(inputs) > 1 and not effect.macs:
        yield from _joined(inputs, output)
    elif inputs[0] != output and not effect.neurons:
        yield from _reshaped(inputs[0], output)


def count_lines(layer: Layer, inputs: Sequence[Shape], effect: Effect) -> Iterator[Line]:
    """How neurons, weights and work come about."""
    channels, output = inputs[0][-1], effect.output or ()
    read = effect.weights[0].shape[-2] if effect.windows and effect.weights else channels
    if read != channels:
        yield Line("channels of a group", f"{channels:,}/{channels // read:,} = {read:,}")
    pieces = int(getattr(layer, "pieces", 1))
    if effect.neurons and pieces > 1:
        sets = effect.neurons[0][-1]
        yield Line(
            "weight sets", f"{pieces}·{sets:,} = {pieces * sets:,}, {pieces} for each output"
        )
    factors = Factors(layer, inputs, effect)
    if effect.neurons:
        yield Line("neurons", terms_of(effect.neurons), factors.sum_of(effect.neurons))
    for label, trainable in (("parameters", True), ("state", False)):
        weights = [weight for weight in effect.weights if weight.trainable == trainable]
        if weights:
            terms = _weight_terms(weights, len(effect.windows))
            yield Line(label, terms_of(terms), factors.sum_of(terms))
    if effect.macs:
        yield Line("MACs", terms_of(effect.macs), factors.sum_of(effect.macs))
    if effect.neurons != (output,):
        yield Line("activations", terms_of((output,)))
    for name, count in effect.operations._asdict().items():
        if count:
            yield Line(f"{name} operations", _work(count, output, inputs[0]))


def field_lines(before: Fields, effect: Effect, after: Fields) -> Iterator[Line]:
    """How the receptive field comes about, from that of the layer before."""
    reach = effect.reach
    if not before or not reach or not after or len(reach) != len(before):
        return
    formula = field_formula(effect.windows)
    steps = [[_field(*axis, formula)] for axis in zip(before, reach, after, strict=True)]
    if all(step == steps[0] for step in steps):
        yield Line("receptive field", *steps[0][0])
        return
    for line in _each_axis(steps):
        yield line._replace(label=f"receptive field of {line.label}")


def seen_line(after: Sequence[Field]) -> Line:
    """What each cell sees behind a layer in which it reads all cells."""
    sizes = tuple(math.ceil(field.size) for field in after or ())
    return Line("receptive field", f"{show(sizes)}: each cell sees all of the map")


def _equal(expression: str, value: int) -> str:
    shown = f"{value:,}"
    return shown if expression == shown else f"{expression} = {shown}"


def _product(factors: Sequence[int]) -> str:
    return "×".join(f"{factor:,}" for factor in factors)


def _weight_terms(weights: Sequence[Weight], rank: int) -> Terms:
    """The sizes of arrays, of equal ones as a multiple: 2×64 for a norm's scale and shift."""
    shapes = Counter(_on_the_board(weight.shape, rank) for weight in weights)
    return tuple((count, *shape) if count > 1 else shape for shape, count in shapes.items())


def _on_the_board(shape: Shape, rank: int) -> Shape:
    """A kernel of [*kernel, channels, filters] as it is spoken: filters, kernel, channels."""
    if not rank or len(shape) < rank + 2:
        return shape
    lead = len(shape) - rank - 2
    return (*shape[:lead], shape[-1], *shape[lead:-1])


def _work(count: int, output: Shape, source: Shape) -> str:
    """A number of operations as a multiple of the elements that go out, or that come in."""
    for shape in (output, source):
        each, rest = divmod(count, math.prod(shape))
        if not rest:
            return terms_of(((*shape, each) if each > 1 else shape,))
    return f"{count:,}"


_Step = tuple[str, str]
"""An equation, and the formula behind it."""


def _each_axis(steps: Sequence[Sequence[_Step]]) -> Iterator[Line]:
    """The steps of each axis; of axes with the same steps once, under both names."""
    names = axis_names(len(steps))
    if len(steps) > 1 and all(step == steps[0] for step in steps):
        names = (f"{', '.join(names[:-1])} and {names[-1]}",)
        steps = steps[:1]
    for name, texts in zip(names, steps, strict=True):
        yield from (Line(name, *step) for step in texts)


def _window(window: Window | TransposedWindow, padding: object) -> Iterator[_Step]:
    dilated = window.dilated
    if window.dilation > 1:
        yield f"F′ = {window.dilation}·({window.size}−1)+1 = {dilated}", DILATED
    cells = window.before + window.after
    sides = f"{window.before} before and {window.after} after"
    if isinstance(window, TransposedWindow):
        if padding == "same" and dilated >= window.stride:
            yield f"P = {dilated}−{window.stride} = {cells}, {sides}", same_padding(window)
        elif padding == "same":
            yield f"output padding = {window.stride}−{dilated} = {window.output_padding}", ""
        elif cells:
            yield f"P = {window.before}+{window.after} = {cells}", BOTH_SIDES
        yield f"{window.formula()} = {window.output}", output_formula(window)
        return
    if padding == "same":
        needed = f"({window.output}−1)·{window.stride}+{dilated}−{window.extent}"
        if window.stride > 1:
            yield f"⌈{window.extent}/{window.stride}⌉ = {window.output}", "⌈D/S⌉"
        if (window.output - 1) * window.stride + dilated < window.extent:
            needed = f"max({needed}, 0)"
        yield f"P = {needed} = {cells}" + (f", {sides}" if cells else ""), same_padding(window)
    elif padding == "causal":
        yield f"P = {dilated}−1 = {cells}, all before", f"{window_letter([window])}−1"
    elif cells:
        yield f"P = {window.before}+{window.after} = {cells}", BOTH_SIDES
    yield _positions(window), rounded_formula(window)


def _positions(window: Window) -> str:
    """The number of window positions, rounded as the layer wants it."""
    formula, output = window.formula(), window.output
    quotient = formula.removesuffix("+1")
    floored = f"⌊{quotient}⌋+1 = {output}"
    unread = ""
    if window.unread:
        cells = "the last cell is" if window.unread == 1 else f"the last {window.unread} cells are"
        unread = f", {cells} never read"
    if window.exact:
        return f"{formula} = {output}{unread}"
    if window.rounding == "exact":
        return f"{formula} = {window.quotient()} is not an integer; from here on {floored}{unread}"
    if window.rounding == "floor":
        return floored + unread
    up = -(-window.slack // window.stride) + 1
    text = f"⌈{quotient}⌉+1 = {up}"
    if up > output:
        return f"{text}, and {up}−1 = {output} as the last would start in the padding{unread}"
    return f"{text}, the last window reaches over the border by {window.overhang}"


def _resampled(extent: int, output: int, reach: Reach) -> str:
    """One axis of a layer without a sliding window: padded, cropped, enlarged, pooled."""
    before = reach.before
    if isinstance(reach.uneven, PartitionWindow):
        if reach.size == extent:
            return f"each of {extent} reads all {extent}"
        moved = f", moved by {reach.uneven.shift}" if reach.uneven.shift else ""
        return f"{extent}/{reach.size} = {extent // int(reach.size)} windows{moved}"
    if reach.size == reach.stride == 1 and isinstance(before, int):
        sides = (before, output - extent - before)
        if any(sides):
            return f"{extent}{''.join(map(_signed, sides))} = {output}"
    if output > extent and reach.stride == Fraction(extent, output):
        times, rest = divmod(output, extent)
        if rest:
            return f"{extent} → {output}, {_number(reach.stride)} of a cell apart"
        return f"{extent}·{times} = {output}"
    if reach.size == extent and output == 1:
        return f"all {extent} → 1"
    if reach.size == 1 == reach.stride:
        return f"{extent} → {output}"
    apart = Fraction(extent, output)
    return f"{output} windows of up to {reach.size}, {extent}/{output} = {_number(apart)} apart"


def _rearranged(channels: int, output: int) -> str:
    """Channels that became cells, or cells that became channels."""
    if output < channels:
        return f"{channels:,}/{channels // output:,} = {output:,}"
    return f"{channels:,}·{output // channels:,} = {output:,}"


def _reshaped(source: Shape, output: Shape) -> Iterator[Line]:
    """A shape of other rank, or of other channels."""
    if math.prod(source) == math.prod(output):
        yield Line("elements", terms_of((source if len(output) == 1 else output,)))
    elif len(output) == 1 and source[-1] == output[0] and len(source) > 1:
        yield Line("cells of a channel", terms_of((source[:-1],)))
    elif source[:-1] == output[:-1]:
        yield Line("channels", f"{output[-1]:,} of {source[-1]:,}")


def _joined(inputs: Sequence[Shape], output: Shape) -> Iterator[Line]:
    """Tensors side by side, or element by element."""
    channels = [shape[-1] for shape in inputs]
    if sum(channels) == output[-1]:
        yield Line("channels", sum_of(channels))
    elif all(shape == output for shape in inputs):
        yield Line("elements", f"{len(inputs)} tensors of {show(output)}, element by element")


def _field(before: Field, reach: Reach, after: Field, formula: str) -> _Step:
    stride = _number(before.stride)
    if before.pooled or after.local is not None:
        return f"{math.ceil(after.size)}, all that a layer before has seen", ""
    size = f"{_number(before.size)}+({_number(reach.size)}−1)·{stride}"
    text = f"r = {size} = {_number(after.size)}"
    if after.size != before.size + (reach.size - 1) * before.stride:
        text = f"{math.ceil(after.size)}"
    if after.smallest != after.size:
        text = f"{math.ceil(after.smallest)} to {math.ceil(after.size)}, by position"
    text += f", stride {stride}·{_number(reach.stride)} = {_number(after.stride)}"
    if reach.before and after.padding == before.padding + reach.before * before.stride:
        pad = f"{_number(before.padding)}{_signed(reach.before)}·{stride}"
        text += f", padding {pad} = {_number(after.padding)}"
    return text, formula if text.startswith("r = ") else ""


def _number(value: int | Fraction) -> str:
    return str(value).replace("-", "−")


def _signed(value: int | Fraction) -> str:
    """With its sign, as it stands in a sum; nothing for 0."""
    return f"{'+' if value > 0 else '−'}{abs(value)}" if value else ""
