"""The network: an interpreter of the graph, its arrays nested by the paths of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from cnnkit.errors import CnnkitError, LayerError, UsageError
from cnnkit.layers.shape import Shape, show
from cnnkit.network.activation import FUNCTIONS
from cnnkit.network.fused_norms import fused_norms
from cnnkit.network.operation import Computation, Mode, ModeAware
from cnnkit.network.plan import Plan, Step
from cnnkit.network.sharing import Borrowed
from cnnkit.network.taken import NOT_TAKEN, Taken
from cnnkit.spec.graph import INPUT


class Outputs(NamedTuple):
    """What a loss is computed from.

    Attributes:
        scores: The output before a final softmax or sigmoid, [N, …] in float32; of several the
            first.
        sides: The same of each side output, with the weight of its loss; in training only.
        named: The same of each output by its name.
    """

    scores: Array
    sides: tuple[tuple[Array, float], ...]
    named: Mapping[str, Array]


Batch: TypeAlias = Array | Mapping[str, Array]
"""A batch, [N, *spatial, C]; of each input by its name where there are several."""


class Scope(nnx.Module):
    """A part of a path: its attributes are the layers inside, by their names or numbers."""


class Network(nnx.Module):
    """A spec as a Flax module; ``cnnkit.build`` makes it.

    The arrays of the layer at ``layers.3.layers.0`` are at ``("layers", "3", "layers", "0")`` of
    the state, with the names that the analysis gives them. Trained ones are ``nnx.Param``,
    running statistics ``nnx.BatchStat``, of which those weights that are not learnt are a kind, all
    float32; nothing else is state.

    Attributes:
        layers: The modules of the layers.
        plan: How they are wired.
        compute_dtype: What they compute in.
        precision: The precision of products of float32 matrices, as JAX names it; None is JAX's
            own choice.
    """

    layers: Scope

    def __init__(
        self, plan: Plan, compute_dtype: DTypeLike = jnp.float32, precision: str | None = None
    ) -> None:
        self.layers = Scope()
        self.plan = plan
        self.compute_dtype = compute_dtype
        self.precision = precision

    @property
    def final(self) -> str | None:
        """The activation that the network ends in, where a loss is computed before it."""
        return self.plan.final(self.plan.result)

    def parts(self) -> tuple[nnx.GraphDef[Network], nnx.State[Any, Any], nnx.State[Any, Any]]:
        """What ``nnx.merge`` makes the network of: its form, trained arrays and statistics."""
        parts: Any = nnx.split(self, nnx.Param, nnx.BatchStat)
        graphdef, params, stats = parts
        return graphdef, params, stats

    def __call__(self, x: Batch, *, train: bool = False, key: Array | None = None) -> Any:
        """What the spec gives: probabilities, where it ends in a softmax.

        >>> network({"image": images, "depth": depths})  # doctest: +SKIP
        {'mask': …, 'label': …}

        Args:
            x: A batch, [N, *spatial, C]; of several inputs a mapping of their names to batches.
            train: Whether to drop and to take the statistics of the batch.
            key: The source of noise in training; a step folds its number into one key.

        Returns:
            An array; of several outputs one for each, by its name.

        Raises:
            UsageError: The batch has not the shape of the spec's input, or there is no key where
                one is needed.
            LayerError: A layer could not be applied.
        """
        given = self.outputs(x, train=train, key=key).named
        finals = {name: self.plan.final(step) for name, step in self.plan.outputs}
        ends = {
            name: scores if (final := finals[name]) is None else FUNCTIONS[final](scores)
            for name, scores in given.items()
        }
        return ends if len(ends) > 1 else next(iter(ends.values()))

    def outputs(
        self,
        x: Batch,
        *,
        train: bool = False,
        key: Array | None = None,
        settled: Set[str] = frozenset(),
        taken: Mapping[int, Taken] = NOT_TAKEN,
        parts: int = 1,
    ) -> Outputs:
        """The scores that a loss is computed from; arguments and errors as in a call.

        Args:
            x: As in a call.
            train: As in a call.
            key: As in a call.
            settled: The paths of operations that work as at inference in training too.
            taken: What is computed otherwise, by the step that it begins with.
            parts: The equal parts of the batch whose statistics batch norms take by themselves.
        """
        if train and parts == 1:  # a fused norm has the statistics of the whole batch
            operations = [reduce(getattr, step.path, self) for step in self.plan.steps]
            taken = {**fused_norms(self.plan, operations, settled), **taken}
        values = self._run(x, train=train, key=key, settled=settled, taken=taken, parts=parts)

        def scores(step: int) -> Array:
            return values[self.plan.before_final(step)].astype(jnp.float32)

        named = {name: scores(step) for name, step in self.plan.outputs}
        sides = tuple((scores(step), weight) for step, weight in self.plan.sides if train)
        return Outputs(next(iter(named.values())), sides, named)

    def batch_of(self, size: int) -> Any:
        """A batch of float32 in the abstract: its shapes, by name where there are several."""
        shapes = {
            name: jax.ShapeDtypeStruct((size, *shape), jnp.float32)
            for name, shape in self.plan.inputs
        }
        return shapes if len(shapes) > 1 else next(iter(shapes.values()))

    def activations(
        self, x: Batch, *, train: bool = False, key: Array | None = None
    ) -> dict[str, Array]:
        """The output of each operation by its path; those of side outputs in training only."""
        values = self._run(x, train=train, key=key)
        steps = self.plan.steps
        return {".".join(steps[at].path): y for at, y in values.items() if at > INPUT}

    def _run(
        self,
        x: Batch,
        *,
        train: bool,
        key: Array | None,
        settled: Set[str] = frozenset(),
        taken: Mapping[int, Taken] = NOT_TAKEN,
        parts: int = 1,
    ) -> dict[int, Array]:
        """The output of each step, side outputs in training only."""
        given = self._checked(x, train=train, key=key)
        values = {
            INPUT - number: jnp.asarray(each, self.compute_dtype)
            for number, each in enumerate(given)
        }
        with _matrix_precision(self.precision):
            begun = 0
            for index, step in enumerate(self.plan.steps):
                if (step.side and not train) or index < begun:
                    continue
                if index in taken:
                    begun, compute = taken[index]
                    values.update(compute(values))
                    continue
                inputs = [values[source] for source in step.inputs]
                own = jax.random.fold_in(key, index) if step.random and key is not None else None
                shapes = [each.shape[1:] for each in inputs]
                path = ".".join(step.path)
                mode = Mode(train and path not in settled, own, parts)
                with named(step, "applied to", shapes), jax.named_scope(path):
                    values[index] = self._applied(step.path, inputs, mode)
        return values

    def _checked(self, x: Batch, *, train: bool, key: Array | None) -> list[Array]:
        """The batch of each input, in order."""
        names = [name for name, _ in self.plan.inputs]
        several = len(names) > 1
        if not isinstance(x, Mapping):
            x = {} if several else {names[0]: x}
        if x.keys() != set(names):
            listed = ", ".join(f'"{name}": …' for name in names)
            given = ", ".join(f"`{name}`" for name in x) or "one array"
            raise UsageError(
                f"the network takes {{{listed}}}, a batch of each input by its name; given is "
                f"{given}"
            )
        for name, shape in self.plan.inputs:
            if x[name].ndim != len(shape) + 1 or x[name].shape[1:] != shape:
                what = f"the network takes for `{name}`" if several else "the network takes"
                raise UsageError(
                    f"{what} batches of {show(shape)}, that is an array of shape "
                    f"{('N', *shape)}, the one given has {x[name].shape}".replace("'", "")
                )
        sizes = {name: x[name].shape[0] for name in names}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{size} of `{name}`" for name, size in sizes.items())
            raise UsageError(f"the inputs of a batch are of as many examples each, not {listed}")
        if train and key is None and any(step.random for step in self.plan.steps):
            step = next(step for step in self.plan.steps if step.random)
            raise UsageError(
                f"{step.named()} draws random numbers in training: give `key=jax.random.key(0)`"
            )
        return [x[name] for name in names]

    def _applied(self, path: tuple[str, ...], inputs: Sequence[Array], mode: Mode) -> Any:
        """What the operation at a path gives."""
        operation: Computation = reduce(getattr, path, self)
        if not isinstance(operation, Borrowed):
            return _apply(operation, inputs, mode)
        owner: nnx.Module = reduce(getattr, operation.loan.owner, self)
        made = operation.with_weights_of(owner)
        given = _apply(made, inputs, mode)
        if mode.train:
            operation.move(owner, made)
        return given


def _apply(operation: Computation, inputs: Sequence[Array], mode: Mode) -> Any:
    if isinstance(operation, ModeAware):
        return operation.in_mode(*inputs, mode)
    return operation(*inputs)


def _matrix_precision(precision: str | None) -> AbstractContextManager[object]:
    if precision is None:
        return nullcontext()
    context: AbstractContextManager[object] = jax.default_matmul_precision(precision)
    return context


@contextmanager
def named(step: Step, verb: str, shapes: Sequence[Shape]) -> Iterator[None]:
    """Adds to whatever Flax or JAX raises which layer it was, and its line."""
    try:
        yield
    except CnnkitError:
        raise
    except Exception as error:
        inputs = " and ".join(map(show, shapes))
        raise LayerError(f"{step.named()} cannot be {verb} {inputs}: {error}") from error
