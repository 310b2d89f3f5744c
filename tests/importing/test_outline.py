"""What cnnkit wrote comes back with the blocks, repeats and names of the spec."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit as package
from cnnkit.analysis.compare import compare
from cnnkit.export import convert
from cnnkit.importing import Imported, import_model
from cnnkit.importing.graph import Enclosure, SpecPlace
from cnnkit.importing.outline import Paths, path_of_keras
from cnnkit.importing.writing.variants import Variants
from cnnkit.spec.tracing import graph_of

SPEC = """\
input: 8x8x4
rounding: floor
blocks:
  conv_norm:
    arguments: {filters: required, kernel: 3, stride: 1}
    layers:
      - conv: {filters: $filters, kernel: $kernel, stride: $stride, padding: $(kernel // 2)}
      - batch_norm
  unit:
    arguments: {filters: required, stride: 1, project: false}
    layers:
      - residual:
          layers:
            - conv_norm: {filters: $filters, stride: $stride}
            - relu
            - conv_norm: {filters: $filters}
          shortcut:
            - {when: $project, conv_norm: {filters: $filters, kernel: 1, stride: $stride}}
          activation: relu
  stage:
    arguments: {filters: required, depth: 2}
    layers:
      - unit: {filters: $filters, stride: 2, project: true}
      - repeat: {times: $depth, layers: [{unit: {filters: $filters}}]}
layers:
  - {name: stem, conv_norm: {filters: 4}}
  - repeat:
      times: 2
      layers:
        - conv: {filters: 4, kernel: 1, padding: 0}
        - batch_norm
        - relu
  - parallel:
      branches:
        - [conv_norm: {filters: 4, kernel: 1}]
        - [{max_pool: {size: 3, stride: 1, padding: 1}}, conv_norm: {filters: 4, kernel: 1}]
  - {name: stage1, stage: {filters: 6}}
  - {name: stage2, stage: {filters: 8, depth: 1}}
  - global_mean_pool
  - {name: head, dense: {units: 5}}
"""


def of_onnx(spec: Any, folder: Path) -> Imported:
    pytest.importorskip("onnx", reason="ONNX is not installed")
    from cnnkit.export.onnx import model_of

    graph, generator = graph_of(spec), np.random.default_rng(0)
    arrays = {
        f"{node.path}.{weight.name}": generator.uniform(0.5, 1.5, weight.shape).astype(np.float32)
        for node in graph.nodes
        for weight in node.effect.weights
    }
    model = model_of(graph, arrays, "network")
    assert not isinstance(model, tuple), model
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return import_model(path)


def converted(spec: Any, target: str) -> dict[str, Any]:
    """What the file of a target defines."""
    code = convert(spec, target).code
    assert code is not None
    names: dict[str, Any] = {"__name__": "converted"}
    exec(code, names)  # noqa: S102 - it is our own
    return names


def of_torch(spec: Any, folder: Path) -> Imported:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    del folder
    names = converted(spec, "torch")
    network: Any = list(names.values())[-1]
    *extents, channels = spec.input
    return package.from_torch(network().eval(), torch.zeros(1, channels, *extents))


def of_flax(spec: Any, folder: Path) -> Imported:
    import jax.numpy as jnp
    from flax import nnx

    del folder
    names = converted(spec, "flax")
    network: Any = list(names.values())[-1]
    module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
    module.eval()
    generator = np.random.default_rng(0)
    for _, variable in nnx.to_flat_state(nnx.state(module)):
        if not isinstance(variable, nnx.RngState):
            values = generator.uniform(0.5, 1.5, variable.get_value().shape)
            variable.set_value(jnp.asarray(values, jnp.float32))
    return package.from_flax(module, jnp.zeros((1, *spec.input)))


def of_keras(spec: Any, folder: Path) -> Imported:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras", reason="Keras is not installed")
    names = converted(spec, "keras")
    network: Any = list(names.values())[-1]
    path = folder / "network.keras"
    network().save(path)
    return import_model(path)


WAYS: dict[str, Callable[[Any, Path], Imported]] = {
    "onnx": of_onnx,
    "torch": of_torch,
    "flax": of_flax,
}


def check(imported: Imported, spec: Any) -> None:
    """Whether `cnnkit diff` finds both the same."""
    found = compare(package.analyze(spec), package.analyze(imported.spec))
    assert [change.layer.path for change in found.changes] == []
    assert found.same


@pytest.mark.parametrize("way", WAYS)
def test_blocks_repeats_and_names_come_back(way: str, tmp_path: Path) -> None:
    spec = package.load(SPEC)
    check(WAYS[way](spec, tmp_path), spec)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_blocks_repeats_and_names_come_back_from_keras(tmp_path: Path) -> None:
    spec = package.load(SPEC)
    check(of_keras(spec, tmp_path), spec)


def test_names_that_lie_change_nothing_that_is_computed(tmp_path: Path) -> None:
    """Node names are hints: here those of two layers of other blocks change places."""
    onnx = pytest.importorskip("onnx", reason="ONNX is not installed")
    spec = package.load(SPEC)
    of_onnx(spec, tmp_path)
    path = tmp_path / "network.onnx"
    model = onnx.load(path)
    first, last = "layers.stem.conv_norm.layers.0", "layers.stage2.stage.layers.0.unit.layers.0.add"
    exchanged = {first: last, last: first}
    for node in model.graph.node:
        node.name = exchanged.get(node.name, node.name)
    path.write_bytes(model.SerializeToString())
    imported = import_model(path)
    found = compare(package.analyze(spec), package.analyze(imported.spec))
    assert found.same_operations
    assert not found.same
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def test_a_path_says_which_blocks_and_copies_a_layer_is_in() -> None:
    paths = [
        "layers.stage1.stage.layers.1.unit[1].layers.0.layers.2",
        "layers.2.layers.0[0]",
        "layers.2.layers.1.unit[0].layers.0",
        "layers.down.layers.1",
        "layers.down.add",
        "layers.stem.activation",
    ]
    known = Paths(paths)
    stage = Enclosure("layers.stage1.stage", "stage", "stage1")
    copy = Enclosure(
        "layers.stage1.stage.layers.1.unit[1]", "unit", None, "layers.stage1.stage.layers.1"
    )
    several = Enclosure("layers.2[0]", None, None, "layers.2")
    unit = Enclosure("layers.2.layers.1.unit", "unit", None)
    assert [known.place(path) for path in paths] == [
        SpecPlace((stage, copy), None, apart=True),
        SpecPlace((several,), None, apart=True),
        SpecPlace((several, unit), None, apart=True),
        SpecPlace((), None, apart=True),
        SpecPlace((), "down", apart=True),
        SpecPlace((), None, apart=False),
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("layers-0-conv-1", "layers.0.conv[1]"),
        ("layers-stem-conv_norm-layers-0-padding", "layers.stem.conv_norm.layers.0.padding"),
        ("layers-2-branches-0-1-unit-layers-0", "layers.2.branches.0.1.unit.layers.0"),
        ("layers-1-layers-0-2", "layers.1.layers.0[2]"),
    ],
)
def test_layers_of_keras_are_named_by_paths(name: str, path: str) -> None:
    assert path_of_keras(name) == path


def test_a_block_has_what_its_uses_have_and_asks_for_what_some_lack() -> None:
    def use(wide: int, *more: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"conv": {"filters": wide, "kernel": 3}}, *more, {"relu": {}}]

    norm: dict[str, Any] = {"batch_norm": {}}
    gate: dict[str, Any] = {"squeeze_excite": {"units": 2}}
    uses = [use(8, norm), use(16, norm, gate), use(8)]
    layers, defaults, given = Variants(3, {}).template(uses)
    assert layers == [
        {"conv": {"filters": "$filters", "kernel": 3}},
        {"when": "$batch_norm", "batch_norm": {}},
        {"when": "$squeeze_excite", "squeeze_excite": {"units": 2}},
        {"relu": {}},
    ]
    assert defaults == {"filters": 8, "batch_norm": True, "squeeze_excite": False}
    assert given == [{}, {"filters": 16, "squeeze_excite": True}, {"batch_norm": False}]


NORMS = """\
input: 8x8x8
layers:
  - global_response_norm
  - local_response_norm: {size: 3, alpha: 0.02, k: 2.0}
  - attention: {heads: 2, window: 4, shift: 2, relative_bias: true}
  - attention: {heads: 2, window: 4, relative_bias: true}
  - space_to_depth: {block: 2}
  - layer_norm
  - depth_to_space: {block: [4, 2]}
  - conv: {filters: 4, kernel: 1, activation: relu}
"""


def test_flax_of_windows_response_norms_and_blocks_of_cells(tmp_path: Path) -> None:
    spec = package.load(NORMS)
    imported = of_flax(spec, tmp_path)
    check(imported, spec)
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
