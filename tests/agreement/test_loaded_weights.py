"""Converted files load exported weights, and give then what the network gives."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit.export import convert
from cnnkit.export.loading import order_of, with_loader
from cnnkit.network.weights_file import written
from cnnkit.spec.tracing import graph_of
from cnnkit.training.use.source_code import layout
from tests.agreement.converted import Case, Owned, case, channels_first, close, quick
from tests.agreement.corpus import CORPUS
from tests.agreement.running import torch_model

pytest.importorskip("safetensors", reason="the extra `export` is not installed")

# One of each way in which arrays are ordered or laid out; the other networks are like these.
NETWORKS = ("transposed-groups", "locally-connected", "normalizations", "composition")


def in_flax(model: Any, x: np.ndarray) -> np.ndarray:
    graphdef, state = nnx.split(model)
    return np.asarray(quick(lambda x: nnx.merge(graphdef, state)(x))(jnp.asarray(x)))


def in_torch(model: Any, x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        y = model(torch.from_numpy(channels_first(x).copy()))
    return np.moveaxis(y.numpy(), 1, -1)


def in_keras(model: Any, x: np.ndarray) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(model(x, training=False)))


RUN: Mapping[str, Callable[[Any, np.ndarray], np.ndarray]] = MappingProxyType(
    {"flax": in_flax, "torch": in_torch, "keras": in_keras}
)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("target", RUN)
def test_the_loaded_model_gives_the_output(target: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    expected = case(name)
    close(RUN[target](loaded(expected, target, tmp_path), expected.x), expected.output)


@pytest.mark.parametrize("name", CORPUS)
def test_pytorch_has_each_array_where_its_values_agree(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    drawn = unrun(name)
    expected = torch_model(drawn).state_dict()
    found = loaded(drawn, "torch", tmp_path).state_dict()
    assert [*found] == [*expected]
    for place, array in expected.items():
        np.testing.assert_array_equal(found[place].numpy(), array.numpy(), place)


def unrun(name: str) -> Case:
    """A network of the corpus with other numbers in each place of its arrays."""
    spec = cnnkit.load(CORPUS[name])
    graph = graph_of(spec)
    owned, start = [], 0
    for node in graph.nodes:
        for weight in node.effect.weights:
            numbers = np.arange(start, start + weight.size, dtype="float32")
            owned.append(Owned(node, weight, numbers.reshape(weight.shape)))
            start += weight.size
    none = np.zeros(0)
    return Case(spec, graph, tuple(owned), none, none, none, ())


def loaded(case: Case, target: str, folder: Path) -> Any:
    """The model that a written file gives."""
    code = convert(case.spec, target).code
    if code is None:
        pytest.skip(f"{target} cannot say it")
    arrays: dict[str, np.ndarray] = {}
    for owned in case.owned:
        arrays |= layout(target, owned.node, owned.weight.name, owned.array)
    order = json.dumps(order_of(case.graph, target))
    (folder / "x.safetensors").write_bytes(written(arrays, {"cnnkit.order": order}))
    module: Any = types.ModuleType("loaded")
    module.__file__ = str(folder / "x.py")
    exec(with_loader(code, target, "x.safetensors"), vars(module))  # noqa: S102 - our own code
    return module.trained()
