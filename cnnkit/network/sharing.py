"""An operation that uses the weights of another one."""

from __future__ import annotations

from typing import Any, NamedTuple

from flax import nnx


class Loan(NamedTuple):
    """Whose arrays are used, and how.

    Attributes:
        owner: The path of the module that has the arrays.
        form: What the arrays are put into. It may differ from the owner's form, as the input may
            have other extents.
    """

    owner: tuple[str, ...]
    form: nnx.GraphDef[Any]


class Borrowed(nnx.Module):
    """A module whose arrays are another one's: of a layer that is applied once more.

    It has none itself; like any module of a layer it may have the layer's activation inside.
    """

    def __init__(self, owner: tuple[str, ...], form: nnx.GraphDef[Any]) -> None:
        self.loan = Loan(owner, form)

    def with_weights_of(self, owner: nnx.Module) -> Any:
        """The module, with the owner's arrays, but not those of the activation inside it."""
        arrays: Any = nnx.state(owner)
        own = {name: each for name, each in arrays.items() if isinstance(each, nnx.Variable)}
        return nnx.merge(self.loan.form, nnx.State(own))

    @staticmethod
    def move(owner: nnx.Module, made: nnx.Module) -> None:
        """Gives the owner the running statistics that a use of its weights has moved."""
        nnx.update(owner, nnx.state(made, nnx.BatchStat))
