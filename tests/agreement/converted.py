"""One set of weights in cnnkit's network and in the code that `cnnkit convert` writes."""

from __future__ import annotations

import math
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import cnnkit
from cnnkit.export import convert
from cnnkit.layers.base import Weight
from cnnkit.network import build
from cnnkit.spec.graph import Graph, Node
from cnnkit.spec.tracing import graph_of
from tests.agreement.corpus import CORPUS

BATCH = 2
# Each network is run once: what takes long is its compilation.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": "0"})


@dataclass(frozen=True)
class Owned:
    """An array of the network, and the node that owns it."""

    node: Node
    weight: Weight
    array: np.ndarray

    @property
    def least(self) -> float:
        """What its gradient is held to where that is 0: a softmax takes no heed of key biases."""
        return float(self.node.path.endswith(".key") and self.weight.name == "bias")


@dataclass(frozen=True)
class Case:
    """A network with random weights, a batch, and what comes of both.

    Attributes:
        graph: Its operations.
        owned: Its arrays, in the order of the graph.
        x: The batch; of several inputs one for each, by its name.
        towards: The gradient that the outputs are given: random numbers.
        output: What it gives; of several outputs all of them, as ``flat`` has them.
        slopes: The gradient by the batch, and by each trained array; none of a forward run.
    """

    spec: cnnkit.Spec
    graph: Graph
    owned: tuple[Owned, ...]
    x: Any
    towards: np.ndarray
    output: np.ndarray
    slopes: tuple[np.ndarray, ...]

    @property
    def trained(self) -> list[Owned]:
        return [each for each in self.owned if each.weight.trainable]


@cache
def case(name: str) -> Case:
    return case_of(cnnkit.load(CORPUS[name]))


def case_of(spec: cnnkit.Spec, seed: int = 0, *, backwards: bool = True) -> Case:
    """The network of a spec run forwards and, where wanted, backwards, at inference."""
    draw = np.random.default_rng(seed)
    graph = graph_of(spec)
    network = nnx.eval_shape(lambda: build(spec))  # nothing is drawn: the weights come from here
    owned = []
    for node in graph.nodes:
        for weight in node.effect.weights:
            array = _drawn(draw, weight)
            _variable(network, node, weight).set_value(jnp.asarray(array))
            owned.append(Owned(node, weight, array))
    xs = {
        name: draw.normal(size=(BATCH, *shape)).astype("float32")
        for name, shape in graph.inputs.items()
    }
    x: Any = xs if len(xs) > 1 else xs.popitem()[1]
    split: Any = nnx.split(network, nnx.Param, nnx.BatchStat)
    graphdef, params, stats = split

    def forward(x: Any, params: Any) -> Any:
        return flat(nnx.merge(graphdef, params, stats)(x))

    @quick
    def run(x: jax.Array, params: Any, towards: jax.Array) -> Any:
        y, back = jax.vjp(forward, x, params)
        return y, back(towards)

    shapes = [shape or () for shape in graph.given.values()]
    given = shapes[0] if len(shapes) == 1 else (sum(map(math.prod, shapes)),)
    towards = draw.normal(size=(BATCH, *given)).astype("float32")
    if not backwards:
        return Case(
            spec, graph, tuple(owned), x, towards, np.asarray(quick(forward)(x, params)), ()
        )
    y, (by_x, by_params) = run(x, params, towards)
    nnx.update(network, by_params)  # the gradients lie where their weights did
    trained = [each for each in owned if each.weight.trainable]
    slopes = [np.asarray(_variable(network, o.node, o.weight)[...]) for o in trained]
    return Case(spec, graph, tuple(owned), x, towards, np.asarray(y), (np.asarray(by_x), *slopes))


def flat(given: Any) -> Any:
    """An output; of several all of them side by side as vectors, in the order of their names."""
    if not isinstance(given, dict):
        return given
    return jnp.concatenate([jnp.asarray(given[n]).reshape(BATCH, -1) for n in sorted(given)], -1)


def _drawn(draw: np.random.Generator, weight: Weight) -> np.ndarray:
    """Random values that keep the size of what goes through."""
    if weight.name == "variance":
        return draw.uniform(0.5, 2, weight.shape).astype("float32")
    if weight.name == "kernel":
        fan = max(weight.size // weight.shape[-1], 1)
        return np.asarray(draw.normal(size=weight.shape) / fan**0.5, "float32")
    return draw.normal(size=weight.shape, scale=0.5).astype("float32")


def _variable(network: Any, node: Node, weight: Weight) -> Any:
    return reduce(getattr, [*node.path.split("."), weight.name], network)


def module_of(spec: cnnkit.Spec, target: str) -> Any:
    """The file that a spec is converted to, imported; its model is ``MODEL``."""
    code = convert(spec, target).code
    assert code is not None
    module: Any = types.ModuleType(f"converted_{target}")
    exec(compile(code, f"<{target}>", "exec"), vars(module))  # noqa: S102 - our own code
    module.MODEL = vars(module)[code.rsplit("model = ", 1)[1].split("(", 1)[0]]
    return module


# -- Flax ------------------------------------------------------------------------------------

_FLAX = {"shift": "bias", "variance": "var"}


def flax_model(spec: cnnkit.Spec) -> tuple[Any, list[Any]]:
    """The converted model, and its layers with arrays in the order in which it makes them."""
    module = module_of(spec, "flax")
    order: list[tuple[str | int, ...]] = []

    def make() -> Any:
        model = module.MODEL(rngs=nnx.Rngs(0))
        order.extend(_paths(model))  # here, for an abstract model has its attributes sorted
        return model

    model = nnx.eval_shape(make)
    return model, [reduce(_item, path, model) for path in order]


def _item(module: Any, part: str | int) -> Any:
    return module[part] if isinstance(part, int) else getattr(module, part)


def _paths(module: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(module, list | tuple | nnx.List):
        for index, item in enumerate(module):
            yield from _paths(item, (*path, index))
    elif isinstance(module, nnx.Module):
        values = vars(module)
        if any(isinstance(value, nnx.Param | nnx.BatchStat) for value in values.values()):
            yield path
        for name, value in values.items():
            yield from _paths(value, (*path, name))


def flax_variables(made: list[Any], case: Case) -> list[Any]:
    """The variable of each of the network's arrays."""
    nodes = [node for node in case.graph.nodes if node.effect.weights]
    return [
        getattr(module, _FLAX.get(weight.name, weight.name))
        for module, node in zip(made, nodes, strict=True)
        for weight in node.effect.weights
    ]


# -- PyTorch ---------------------------------------------------------------------------------


def torch_layout(owned: Owned, array: np.ndarray) -> np.ndarray:
    """An array in the order of PyTorch's axes."""
    kind = owned.node.layer.kind
    per_cell = kind == "position_embedding" or (kind == "prelu" and array.ndim > 1)
    if per_cell or owned.weight.name == "v":
        return np.moveaxis(array, -1, 0)
    if kind == "locally_connected" or not owned.weight.name.endswith("kernel"):
        return array
    if kind == "transposed_conv":
        groups = owned.node.layer.groups  # type: ignore[attr-defined]
        parts = np.split(array, groups, axis=-1)
        return np.concatenate([np.moveaxis(part, (-2, -1), (0, 1)) for part in parts])
    return np.moveaxis(array, (-1, -2), (0, 1))


def torch_arrays(owned: Owned, array: np.ndarray) -> list[np.ndarray]:
    """An array as PyTorch has it: of a GRU's biases one each, its gates in the order r z n."""
    if owned.node.layer.kind not in ("lstm", "gru"):
        return [torch_layout(owned, array)]
    if owned.node.layer.kind == "gru":
        z, r, n = np.split(array, 3, axis=-1)
        array = np.concatenate([r, z, n], axis=-1)
    return [*array] if owned.weight.name.endswith("bias") and array.ndim == 2 else [array.T]


def torch_order(owned: Sequence[Owned]) -> list[Owned]:
    """The arrays in the order of a model in PyTorch: normalized kernels come behind the bias."""
    nodes = list(dict.fromkeys(each.node.path for each in owned))

    def place(each: Owned) -> tuple[int, str]:
        norm = getattr(each.node.layer, "weight_norm", "none")
        return nodes.index(each.node.path), "" if norm == "none" else each.weight.name

    return sorted(owned, key=place)


def channels_first(array: np.ndarray) -> np.ndarray:
    """A batch of maps as PyTorch has it."""
    return np.moveaxis(array, -1, 1)


# -- Keras -----------------------------------------------------------------------------------


def keras_layout(owned: Owned, array: np.ndarray) -> np.ndarray:
    """An array in the order of Keras's axes, but for those of one cell."""
    if owned.node.layer.kind == "transposed_conv" and owned.weight.name == "kernel":
        return np.swapaxes(array, -1, -2)
    return array


def close(
    actual: Any, expected: np.ndarray, what: str = "", tolerance: float = 1e-5, least: float = 0.0
) -> None:
    """Equal to a relative tolerance, of the value or of the array's size, taken as ``least``."""
    expected = np.asarray(expected)
    size = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)) or 1.0
    np.testing.assert_allclose(
        np.asarray(actual),
        expected,
        rtol=tolerance,
        atol=tolerance * max(size, least),
        err_msg=what,
    )
