"""The network: an interpreter of the graph, its arrays nested by the paths of the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from cnnkit.errors import CnnkitError, LayerError, UsageError
from cnnkit.layers.shape import Shape, show
from cnnkit.network.activation import FUNCTIONS
from cnnkit.network.operation import Mode, ModeAware, Operation
from cnnkit.spec.graph import INPUT


class Step(NamedTuple):
    """One operation of the plan.

    Attributes:
        path: The parts of its path, where its module is found.
        kind: What the report calls it.
        place: The file and line of its layer, where it was read from a text.
        inputs: The steps that it reads, ``INPUT`` for the network's input.
        output: The shape that goes out, without the batch.
        side: Whether it belongs to a side output.
        random: Whether it draws random numbers in training.
        final: Whether a loss is computed before it, where it is the last, in its stable form.
    """

    path: tuple[str, ...]
    kind: str
    place: str
    inputs: tuple[int, ...]
    output: Shape
    side: bool
    random: bool
    final: bool = False

    def named(self) -> str:
        """What messages call it: ``spec.yaml:7:5: conv (layers.3)``."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.kind} ({'.'.join(self.path)})"


class Plan(NamedTuple):
    """How the operations are wired: values alone, so that equal networks have equal plans.

    Attributes:
        input: The shape of one example.
        steps: The operations, in order.
        result: The step whose output is the network's, or ``INPUT``.
        sides: The step of each side output, and the weight of its loss.
    """

    input: Shape
    steps: tuple[Step, ...]
    result: int
    sides: tuple[tuple[int, float], ...]

    def before_final(self, step: int) -> int:
        """The step that a final softmax or sigmoid reads; else the step itself."""
        final = step != INPUT and self.steps[step].final
        return self.steps[step].inputs[0] if final else step


class Outputs(NamedTuple):
    """What a loss is computed from.

    Attributes:
        scores: The output before a final softmax or sigmoid, [N, …] in float32.
        sides: The same of each side output, with the weight of its loss; in training only.
    """

    scores: Array
    sides: tuple[tuple[Array, float], ...]


class Scope(nnx.Module):
    """A part of a path: its attributes are the layers inside, by their names or numbers."""


class Network(nnx.Module):
    """A spec as a Flax module; ``cnnkit.build`` makes it.

    The arrays of the layer at ``layers.3.layers.0`` are at ``("layers", "3", "layers", "0")`` of
    the state, with the names that the analysis gives them. Trained ones are ``nnx.Param``,
    running statistics ``nnx.BatchStat``, all float32; nothing else is state.

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
        result = self.plan.result
        if result == INPUT or not self.plan.steps[result].final:
            return None
        return self.plan.steps[result].kind

    def parts(self) -> tuple[nnx.GraphDef[Network], nnx.State[Any, Any], nnx.State[Any, Any]]:
        """What ``nnx.merge`` makes the network of: its form, trained arrays and statistics."""
        parts: Any = nnx.split(self, nnx.Param, nnx.BatchStat)
        graphdef, params, stats = parts
        return graphdef, params, stats

    def __call__(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """What the spec gives: probabilities, where it ends in a softmax.

        Args:
            x: A batch, [N, *spatial, C].
            train: Whether to drop and to take the statistics of the batch.
            key: The source of noise in training; a step folds its number into one key.

        Raises:
            UsageError: The batch has not the shape of the spec's input, or there is no key where
                one is needed.
            LayerError: A layer could not be applied.
        """
        scores = self.outputs(x, train=train, key=key).scores
        return scores if self.final is None else FUNCTIONS[self.final](scores)

    def outputs(self, x: Array, *, train: bool = False, key: Array | None = None) -> Outputs:
        """The scores that a loss is computed from; arguments and errors as in a call."""
        sides = self.plan.sides if train else ()
        wanted = [self.plan.before_final(step) for step in (self.plan.result, *dict(sides))]
        values = self._run(x, train=train, key=key)
        scores, *others = (values[step].astype(jnp.float32) for step in wanted)
        weights = [weight for _, weight in sides]
        return Outputs(scores, tuple(zip(others, weights, strict=True)))

    def activations(
        self, x: Array, *, train: bool = False, key: Array | None = None
    ) -> dict[str, Array]:
        """The output of each operation by its path; those of side outputs in training only."""
        values = self._run(x, train=train, key=key)
        steps = self.plan.steps
        return {".".join(steps[at].path): y for at, y in values.items() if at != INPUT}

    def _run(self, x: Array, *, train: bool, key: Array | None) -> dict[int, Array]:
        """The output of each step, side outputs in training only."""
        self._check(x, train=train, key=key)
        values = {INPUT: jnp.asarray(x, self.compute_dtype)}
        with _matrix_precision(self.precision):
            for index, step in enumerate(self.plan.steps):
                if step.side and not train:
                    continue
                inputs = [values[source] for source in step.inputs]
                own = jax.random.fold_in(key, index) if step.random and key is not None else None
                shapes = [each.shape[1:] for each in inputs]
                with named(step, "applied to", shapes), jax.named_scope(".".join(step.path)):
                    values[index] = _apply(self._operation(step), inputs, Mode(train, own))
        return values

    def _check(self, x: Array, *, train: bool, key: Array | None) -> None:
        if x.ndim != len(self.plan.input) + 1 or x.shape[1:] != self.plan.input:
            raise UsageError(
                f"the network takes batches of {show(self.plan.input)}, that is an array of shape "
                f"{('N', *self.plan.input)}, the one given has {x.shape}".replace("'", "")
            )
        if train and key is None and any(step.random for step in self.plan.steps):
            step = next(step for step in self.plan.steps if step.random)
            raise UsageError(
                f"{step.named()} draws random numbers in training: give `key=jax.random.key(0)`"
            )

    def _operation(self, step: Step) -> Operation:
        operation: Operation = reduce(getattr, step.path, self)
        return operation


def _apply(operation: Operation, inputs: Sequence[Array], mode: Mode) -> Any:
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
