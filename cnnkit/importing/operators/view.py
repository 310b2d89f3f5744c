"""A tensor of a model as a view of one of ours: which of our axes each of its axes walks along.

Models have channels first, and move axes by reshape and transpose. Nothing is moved here: an axis
is a list of atoms, the outermost first, and an atom a part of one of our axes. A flatten of
CxHxW is one axis of three atoms, a channel shuffle an axis of two atoms that changed places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.importing.graph import RefusedError
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


class Atom(NamedTuple):
    """A part of one of our axes: its index there is ``stride`` times that of the atom."""

    axis: int
    stride: int
    size: int


Axis = tuple[Atom, ...]


@dataclass(frozen=True)
class View:
    """A tensor of the model.

    Attributes:
        source: The operation whose tensor it shows.
        shape: The shape of that tensor, channels last.
        axes: The model's axes but for the batch.
        batch: Which of all axes is the batch; None where it is one example, which no axis tells
            apart.
    """

    source: int
    shape: Shape
    axes: tuple[Axis, ...]
    batch: int | None = 0

    @property
    def extents(self) -> Shape:
        """The extents of the model's axes, without the batch."""
        return tuple(map(_size, self.axes))

    @property
    def rank(self) -> int:
        """How many axes the model's tensor has, the batch among them."""
        return len(self.axes) + (self.batch is not None)

    def whole(self, batch: int) -> Shape:
        """The extents of all of the model's axes, of a batch of so many examples."""
        extents = list(self.extents)
        if self.batch is not None:
            extents.insert(self.batch, batch)
        return tuple(extents)

    def place(self, axis: int) -> int:
        """Which of ``axes`` is one of all of the model's axes; a negative one is from the end.

        Raises:
            RefusedError: It is the batch, or there is none.
        """
        at = axis + self.rank if axis < 0 else axis
        if not 0 <= at < self.rank:
            raise RefusedError(f"it has no axis {axis}")
        if at == self.batch:
            raise RefusedError(f"it works along axis {axis}, that of the batch")
        return at - (self.batch is not None and at > self.batch)

    def moved(self, order: Sequence[int], batch: int) -> View:
        """The view with all of the model's axes, the batch among them, in another order."""
        listed = self.listed_axes()
        return self.listed([listed[each] for each in order], batch)

    def remade(self, extents: Sequence[int], batch: int) -> View:
        """The view with all axes, the batch among them, of other extents.

        Raises:
            RefusedError: An axis would be cut where no atom can be, or the batch mixed with others.
        """
        if batch == 1 or self.batch is None:
            view = self.reshaped(extents)
            return self.listed(view.axes, batch)
        old = self.whole(batch)
        before = math.prod(old[: self.batch])
        for at, extent in enumerate(extents):
            if extent == batch and math.prod(extents[:at]) == before:
                view = self.reshaped([*extents[:at], *extents[at + 1 :]])
                return replace(view, batch=at)
        raise RefusedError(
            f"it makes {list(extents)} of {list(old)}: the batch does not stay apart",
            "trace or export the model with a batch of one",
        )

    def listed_axes(self) -> list[Axis | None]:
        """All of the model's axes; the batch is None."""
        listed: list[Axis | None] = list(self.axes)
        if self.batch is not None:
            listed.insert(self.batch, None)
        return listed

    def alone(self) -> View:
        """The view of a batch of one, whose axis is one as others of one cell."""
        return replace(self, axes=tuple(axis or () for axis in self.listed_axes()), batch=None)

    def listed(self, listed: Sequence[Axis | None], batch: int) -> View:
        """The view of these axes, the batch None; of one example any axis of one cell can be it."""
        if None in listed and batch > 1:
            axes = tuple(axis for axis in listed if axis is not None)
            return replace(self, axes=axes, batch=listed.index(None))
        axes = tuple(axis or () for axis in listed)
        if axes and axes[0] == ():
            return replace(self, axes=axes[1:], batch=0)
        return replace(self, axes=axes, batch=None)

    @property
    def channel_axis(self) -> int | None:
        """Which of the model's axes is that of our channels, whole and alone."""
        whole = _whole(self.shape, len(self.shape) - 1)
        found = [index for index, axis in enumerate(self.axes) if axis == whole]
        return found[0] if whole and found else None

    @property
    def plain(self) -> bool:
        """Whether it is the tensor itself, with its channels first."""
        return self.batch == 0 and self.axes == channels_first(self.source, self.shape).axes

    def over(self, source: int) -> View:
        """The same view of another tensor of the same shape."""
        return replace(self, source=source)

    def reshaped(self, extents: Sequence[int]) -> View:
        """The view with other axes, in the same order of elements.

        Raises:
            RefusedError: An axis would be cut where no atom can be.
        """
        atoms = [atom for axis in self.axes for atom in axis]
        axes: list[Axis] = []
        for extent in extents:
            axis: list[Atom] = []
            while _size(tuple(axis)) < extent:
                if not atoms:
                    raise RefusedError(f"{list(extents)} are not the elements of {self.extents}")
                atom, rest = atoms.pop(0), extent // _size(tuple(axis))
                if atom.size > rest:
                    if rest < 2 or atom.size % rest:
                        raise RefusedError(
                            f"the reshape of {list(self.extents)} to {list(extents)} cuts an axis "
                            "in parts that are not equal"
                        )
                    inner = atom.size // rest
                    atoms.insert(0, Atom(atom.axis, atom.stride, inner))
                    atom = Atom(atom.axis, atom.stride * inner, rest)
                axis.append(atom)
            if _size(tuple(axis)) != extent:
                raise RefusedError(
                    f"the reshape of {list(self.extents)} to {list(extents)} mixes axes"
                )
            axes.append(_joined(axis))
        if atoms:
            raise RefusedError(f"{list(extents)} are not the elements of {list(self.extents)}")
        return replace(self, axes=tuple(axes))

    def transposed(self, order: Sequence[int]) -> View:
        """The view with its axes in another order, numbered without the batch."""
        return replace(self, axes=tuple(self.axes[each] for each in order))

    def order(self) -> Array:
        """For each of our elements, row-major, its number among the model's."""
        import numpy as np

        strides = [math.prod(self.shape[index + 1 :]) for index in range(len(self.shape))]
        ours = np.zeros((), np.int64)
        for atom in (atom for axis in self.axes for atom in axis):
            steps = np.arange(atom.size) * atom.stride * strides[atom.axis]
            ours = ours[..., None] + steps
        inverse: Array = np.argsort(ours.reshape(-1), kind="stable")
        return inverse


def channels_first(source: int, shape: Shape) -> View:
    """The view of a tensor as most models have it: channels, then the spatial axes."""
    order = (len(shape) - 1, *range(len(shape) - 1))
    return View(source, shape, tuple(_whole(shape, axis) for axis in order))


def channels_last(source: int, shape: Shape) -> View:
    """The view of a tensor as we have it."""
    return View(source, shape, tuple(_whole(shape, axis) for axis in range(len(shape))))


def first(view: View) -> View:
    """A view with its last axis first."""
    count = len(view.axes)
    return view.transposed([count - 1, *range(count - 1)])


def last(view: View) -> View:
    """A view with its first axis last."""
    return view.transposed([*range(1, len(view.axes)), 0])


def laid_out(source: int, shape: Shape, rank: int, last: int, batch: int | None) -> View:
    """The view of a tensor each of whose axes is one of the model's; its channels are ``last``."""
    whole = channels_last(source, shape).axes
    order = [*(each for each in range(rank) if each != last), last]
    return View(source, shape, tuple(whole[order.index(at)] for at in range(rank)), batch)


def _whole(shape: Shape, axis: int) -> Axis:
    return (Atom(axis, 1, shape[axis]),) if shape[axis] > 1 else ()


def _size(axis: Axis) -> int:
    return math.prod(atom.size for atom in axis)


def _joined(atoms: Sequence[Atom]) -> Axis:
    """Neighbouring atoms that make one run of an axis, as one."""
    joined: list[Atom] = []
    for atom in atoms:
        if joined:
            last = joined[-1]
            if last.axis == atom.axis and last.stride == atom.stride * atom.size:
                joined[-1] = Atom(atom.axis, atom.stride, last.size * atom.size)
                continue
        joined.append(atom)
    return tuple(joined)
