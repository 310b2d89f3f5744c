"""The programs of the networks that are measured, as `train` and `predict` compile them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from cnnkit.analysis.precision import Precision, Program
from cnnkit.network import Network, build, runtime
from cnnkit.network.inference import engine_of
from cnnkit.network.taken import NOT_TAKEN
from cnnkit.network.weights import arrays_of
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

Call = Callable[[], object]
Stopwatch = Callable[[Call], float]
"""The seconds of a call, from calling it several times."""

_SHORTEST = 0.02
_REPEATS = 7


def stopwatch(call: Call) -> float:
    """The fastest of some measures, each of as many calls as last long enough to be measured.

    What else runs only ever adds to it.
    """
    call()
    taken = []
    for _ in range(_REPEATS):
        calls, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < _SHORTEST or not calls:
            call()
            calls += 1
        taken.append(passed / calls)
    return min(taken)


def network_call(spec: Spec, program: Program, batch: int, precision: Precision) -> Call:
    """A compiled program of a network of drawn weights, ready to be called."""
    runtime.prepare()
    network = build(spec, compute_dtype=jnp.dtype(precision))
    x = jax.random.uniform(jax.random.key(0), (batch, *spec.input))
    made = _inference if program == "inference" else _training
    return made(spec, network, x)


def memory_call(elements: int) -> Call:
    """A pass over an array of float32, in place: each element is read once and written once."""
    runtime.prepare()
    add = jax.jit(lambda x: x + 1, donate_argnums=0)
    held = [add(jnp.zeros(elements))]

    def call() -> None:
        held[0] = add(held[0]).block_until_ready()

    return call


def _inference(spec: Spec, network: Network, x: Array) -> Call:
    engine = engine_of(graph_of(spec), network, lambda: (arrays_of(network), frozenset()))
    graphdef, params, stats = network.parts()
    leaves, form = jax.tree.flatten((params, stats))
    numbers = () if engine is None else engine.numbers

    @jax.jit
    def predict(leaves: Any, numbers: Any, x: Array) -> Array:
        params, stats = jax.tree.unflatten(form, leaves)
        taken = NOT_TAKEN if engine is None else engine.taken(numbers)
        return nnx.merge(graphdef, params, stats).outputs(x, taken=taken).scores

    return lambda: predict(leaves, numbers, x).block_until_ready()


def _training(spec: Spec, network: Network, x: Array) -> Call:
    """The gradient of the mean square of the scores: what a loss takes is next to nothing."""
    del spec
    graphdef, params, stats = network.parts()

    @jax.jit
    def gradient(params: Any, stats: Any, x: Array) -> Any:
        def loss(params: Any) -> tuple[Array, Any]:
            copy: Network = nnx.merge(graphdef, params, stats, copy=True)
            scores = copy.outputs(x, train=True).scores
            return jnp.mean(scores**2), nnx.state(copy, nnx.BatchStat)

        return jax.value_and_grad(loss, has_aux=True)(params)

    return lambda: jax.block_until_ready(gradient(params, stats, x))
