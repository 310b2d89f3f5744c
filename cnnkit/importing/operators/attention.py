"""Attention: products of two tensors, queries with keys and weights with values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import ATTEND, SCORES, Operation, RefusedError
from cnnkit.importing.operators.builder import constant
from cnnkit.importing.operators.convolution import matmul as of_constant
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.pooling import reduced_to_one
from cnnkit.importing.operators.scores import (
    added,
    axes_of_scores,
    parted,
    weights_of,
    windowed,
)
from cnnkit.importing.operators.view import Atom, Axis, View, channels_last

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator

_ADVICE = "near is attention: softmax(Q·Kᵀ/√d)·V of queries, keys and values in heads"


def matmul(node: OperatorNode, build: Builder, given: Given) -> View:
    """MatMul with a constant matrix, or of queries with keys, or of their weights with values."""
    left, right = given
    if not isinstance(left, View) or not isinstance(right, View):
        return of_constant(node, build, given)
    left, right = _in_rows(left), _in_rows(right)
    if weights_of(build, left) is not None:
        return _attended(node, build, left, right)
    return scored(node, build, left, _turned(right))


def _turned(view: View) -> View:
    """The view with its last two axes in each other's place."""
    axes = (*view.axes[:-2], view.axes[-1], view.axes[-2])
    return View(view.source, view.shape, axes, view.batch)


def scored(node: OperatorNode, build: Builder, queries: View, keys: View) -> View:
    """The products of each query with each key, [heads, queries, keys]; no layer of its own.

    Of windows, each of which has its own queries and keys, they are ahead: [windows, heads, …].
    """
    queries, keys = _in_rows(queries), _in_rows(keys)
    heads, size = _heads(queries)
    if _heads(keys) != (heads, size):
        raise RefusedError("it multiplies two tensors of the network", _ADVICE)
    cells = [math.prod(atom.size for atom in view.axes[-2]) for view in (queries, keys)]
    window, *others = [windowed(view) for view in (queries, keys)]
    if others != [window]:
        raise RefusedError("its queries and keys are of other windows", _ADVICE)
    shape = (*queries.extents[:-3], *cells, heads)
    fields: dict[str, Any] = {"heads": heads}
    if window is not None:
        fields["window"] = window
    inputs = (queries.source, keys.source)
    operation = Operation(SCORES, inputs, fields, {}, node.scope, node.label, shape)
    number = build.graph.add(operation)
    return View(number, shape, axes_of_scores(shape), queries.batch)


def _attended(node: OperatorNode, build: Builder, weights: View, values: View) -> View:
    found = weights_of(build, weights)
    heads, size = _heads(values)
    window = windowed(values)
    if (
        found is None
        or (found.scores.fields["heads"], found.scores.fields.get("window")) != (heads, window)
        or weights.axes != axes_of_scores(found.scores.shape)
    ):
        raise RefusedError("it multiplies two tensors of the network", _ADVICE)
    queries, keys = found.scores.inputs
    fields: dict[str, Any] = {"heads": heads, "factor": found.factor}
    if found.rate:
        fields["dropout"] = found.rate
    if window is not None:
        fields["window"] = window
    shape = (*build.graph.shape(queries)[:-1], heads * size)
    inputs = (queries, keys, values.source)
    held = {} if found.bias is None else {"bias": found.bias}
    made = Operation(ATTEND, inputs, fields, held, node.scope, node.label, shape)
    number = build.graph.add(made)
    whole = channels_last(number, shape).axes
    rows: list[Axis] = [tuple(atom for axis in whole[:-1] for atom in axis)]
    if window is not None:
        rows = list(parted(shape, window))
    last = len(shape) - 1
    parts = [(Atom(last, stride, cells),) if cells > 1 else ()
             for stride, cells in ((size, heads), (1, size))]  # fmt: skip
    return View(number, shape, (*rows[:-1], parts[0], rows[-1], parts[1]), values.batch)


def _in_rows(view: View) -> View:
    """The view as [heads, rows, channels]: axes of one cell ahead are left out or put in.

    Of several windows it is [windows, heads, rows, channels].
    """
    axes = view.axes
    while len(axes) > 3 and not axes[0]:
        axes = axes[1:]
    if len(axes) == 2:
        axes = ((), *axes)
    if len(axes) == 4 == len(view.axes):
        return view
    if len(axes) not in (3, 4):
        raise RefusedError(f"it multiplies tensors of {list(view.extents)}", _ADVICE)
    return View(view.source, view.shape, axes, 0 if view.batch is None else view.batch)


def _heads(view: View) -> tuple[int, int]:
    """How many heads the channels are split into, and the channels of each.

    Raises:
        RefusedError: The axes are none of heads, positions and channels.
    """
    last, channels = len(view.shape) - 1, view.shape[-1]
    size = view.extents[-1]
    heads = channels // size
    wanted = [(Atom(last, size, heads),) if heads > 1 else (),
              (Atom(last, 1, size),) if size > 1 else ()]  # fmt: skip
    if [view.axes[-3], view.axes[-1]] != wanted:
        raise RefusedError("it multiplies two tensors of the network", _ADVICE)
    return heads, size


def attention(node: OperatorNode, build: Builder, given: Given) -> View:
    """Attention of opset 23 and later: queries, keys and values, in heads or side by side."""
    query, key, value = (given[place] if len(given) > place else None for place in range(3))
    views = [view for view in (query, key, value) if isinstance(view, View)]
    if len(views) != 3:
        raise RefusedError("its queries, keys or values are constants", _ADVICE)
    mask = given[3] if len(given) > 3 else None
    if isinstance(mask, View):
        raise RefusedError("it takes a mask", _ADVICE)
    others = {"past keys": 4, "past values": 5, "lengths": 6}
    for what, place in others.items():
        if len(given) > place and given[place] is not None:
            raise RefusedError(f"it takes {what}", _ADVICE)
    if node.get("is_causal", 0) or node.get("softcap", 0.0):
        raise RefusedError("it is causal, or caps its scores", _ADVICE)
    if node.outputs > 1:
        raise RefusedError("it gives its scores, or keys and values, too", _ADVICE)
    heads = [node.get("q_num_heads", 0), *[node.get("kv_num_heads", 0)] * 2]
    flat = len(views[0].axes) == 2
    if flat:
        views = [_split(view, each) for view, each in zip(views, heads, strict=True)]
    rows = [_in_rows(view) for view in views]
    scores = scored(node, build, rows[0], rows[1])
    scale = node.get("scale")
    factor = 1 / math.sqrt(_heads(rows[0])[1]) if scale is None else float(scale)
    weighed = _softmax(node, build, scores, factor, mask)
    made = _attended(node, build, weighed, rows[2])
    if not flat:
        return made
    turned = View(made.source, made.shape, (made.axes[1], made.axes[0], made.axes[2]), made.batch)
    length, channels = turned.extents[0], made.shape[-1]
    return turned.reshaped([length, channels])


def _split(view: View, heads: int) -> View:
    """[positions, heads·channels] as [heads, positions, channels]."""
    length, channels = view.extents
    if heads < 1 or channels % heads:
        raise RefusedError(f"its {channels} channels are no {heads} heads", _ADVICE)
    parts = view.reshaped([length, heads, channels // heads])
    return View(view.source, view.shape, (parts.axes[1], parts.axes[0], parts.axes[2]), view.batch)


def _softmax(
    node: OperatorNode, build: Builder, scores: View, factor: float, mask: Array | None
) -> View:
    import numpy as np

    weights = {"value": np.asarray(factor)}
    scores = scores.over(build.apply(node, "channel_multiply", scores.source, weights=weights))
    if mask is not None:
        made = _masked(node, build, scores, mask)
        if made is None:
            raise RefusedError(f"its mask is {list(mask.shape)}", _ADVICE)
        scores = made
    fields = {"over": len(scores.shape) - 2}
    return scores.over(build.apply(node, "softmax", scores.source, fields=fields))


def _masked(node: OperatorNode, build: Builder, scores: View, mask: Array) -> View | None:
    """The scores and a constant; it may have an axis for the batch, which is of one example."""
    rank = len(scores.axes)
    if mask.ndim > rank:
        if mask.size != math.prod(mask.shape[mask.ndim - rank :]):
            return None
        mask = mask.reshape(mask.shape[mask.ndim - rank :])
    return added(node, build, scores, mask.reshape((1,) * (rank - mask.ndim) + mask.shape))


def einsum(node: OperatorNode, build: Builder, given: Given) -> View:
    """Einsum of two operands, as Keras writes dense layers and attention.

    With a constant it is a product over the last axes; with two tensors the products of queries
    and keys, or of weights and values.
    """
    equation = str(node.get("equation", "")).replace(" ", "")
    sides = equation.partition("->")
    terms = sides[0].split(",")
    if len(given) == 1 == len(terms) and sides[1] and "." not in equation:
        return _of_one(node, build, given[0], terms[0], sides[2])
    if len(terms) != 2 or len(given) != 2 or not sides[2] or "." in equation:
        raise RefusedError(f"its equation is {equation}", "near are dense, conv and attention")
    left, right = given
    if isinstance(left, View) and isinstance(right, View):
        return _of_two(node, build, [left, right], terms, sides[2])
    if not isinstance(left, View):
        left, right, terms = right, left, terms[::-1]
    if not isinstance(left, View):
        raise RefusedError("it reads constants alone")
    return _of_matrix(node, build, left, constant(right, "matrix"), terms, sides[2])


def _of_one(node: OperatorNode, build: Builder, value: Any, term: str, out: str) -> View:
    """One tensor: axes that are summed, and the others in another order."""
    if not isinstance(value, View) or len(set(term)) < len(term) or not set(out) <= set(term):
        raise RefusedError(f"its equation is {term}->{out}", "near are transpose and reduce")
    view: View = value
    kept = [letter for letter in term if letter in out]
    summed = [view.place(at) for at, letter in enumerate(term) if letter not in out]
    if summed:
        whole = view.whole(build.batch)
        extents = [whole[term.index(letter)] for letter in kept]
        view = reduced_to_one(node, build, view, summed, "sum").remade(extents, build.batch)
    return view.moved([kept.index(letter) for letter in out], build.batch)


def _of_matrix(
    node: OperatorNode, build: Builder, view: View, matrix: Any, terms: Sequence[str], out: str
) -> View:
    """The product of the axes that are in both and not in the outcome with a constant."""
    import numpy as np

    ours, theirs = terms
    summed = [letter for letter in ours if letter in theirs and letter not in out]
    kept = [letter for letter in ours if letter not in summed]
    made = [letter for letter in theirs if letter not in summed]
    if set(made) & set(ours) or sorted(out) != sorted([*kept, *made]) or not summed:
        raise RefusedError(
            f"its equation is {terms[0]},{terms[1]}->{out}", "near are dense and conv"
        )
    sizes = dict(zip(ours, view.whole(build.batch), strict=True))
    sizes |= dict(zip(theirs, matrix.shape, strict=True))
    moved = view.moved([ours.index(letter) for letter in (*kept, *summed)], build.batch)
    flat = moved.remade(
        [*(sizes[letter] for letter in kept), math.prod(sizes[each] for each in summed)],
        build.batch,
    )
    order = [theirs.index(letter) for letter in (*summed, *made)]
    square = np.transpose(matrix, order).reshape(flat.extents[-1], -1)
    product = of_constant(node, build, [flat, square])
    whole = product.remade([sizes[letter] for letter in (*kept, *made)], build.batch)
    return whole.moved([[*kept, *made].index(letter) for letter in out], build.batch)


def _of_two(
    node: OperatorNode, build: Builder, views: Sequence[View], terms: Sequence[str], out: str
) -> View:
    """Two tensors: what is summed is the channels of queries and keys, or the keys."""
    summed = [letter for letter in terms[0] if letter in terms[1] and letter not in out]
    shared = [letter for letter in terms[0] if letter in terms[1] and letter in out]
    own = [[letter for letter in term if letter not in (*summed, *shared)] for term in terms]
    if len(summed) != 1 or len(own[0]) != 1 or len(own[1]) != 1 or len(shared) > 2:
        raise RefusedError(f"its equation is {terms[0]},{terms[1]}->{out}", _ADVICE)
    rows = [
        view.moved([term.index(letter) for letter in (*shared, own[at][0], *summed)], build.batch)
        for at, (view, term) in enumerate(zip(views, terms, strict=True))
    ]
    first, second = map(_in_rows, rows)
    soft = [weights_of(build, each) is not None for each in (first, second)]
    if any(soft):
        if soft[1]:
            first, second, own = second, first, own[::-1]
        made = _attended(node, build, first, _turned(second))
    else:
        made = scored(node, build, first, second)
        if out.index(own[0][0]) > out.index(own[1][0]):  # keys are named first in most
            made = scored(node, build, second, first)
            own = own[::-1]
    letters = [*shared, own[0][0], own[1][0]]
    ahead: list[Axis | None] = [None] if len(shared) == 2 else []
    listed = [*ahead, *made.axes][-len(letters) :]
    view = made.listed(listed, build.batch)
    return view.moved([letters.index(letter) for letter in out], build.batch)


OPERATORS: dict[str, Operator] = {
    "Attention": attention,
    "Einsum": einsum,
    "MatMul": matmul,
}
