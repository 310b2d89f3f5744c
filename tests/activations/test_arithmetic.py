"""The arithmetic of one cell: the lecture's numbers, and NumPy alone against JAX."""

from __future__ import annotations

import dataclasses
import importlib.util
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit.activations import plain
from cnnkit.activations.arithmetic import cell_lines, softmax_lines, target_lines
from cnnkit.activations.maps import LayerMaps, layer_maps, maps_of
from cnnkit.activations.work import InputActivations, work
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.network import build
from cnnkit.spec.tracing import graph_of

LECTURES = Path(__file__).parents[2] / "specs" / "lectures"
EDGE = [[7, 2, 3, 3, 8], [4, 5, 3, 8, 4], [3, 3, 2, 8, 4], [2, 8, 7, 2, 7], [5, 4, 4, 5, 4]]


@pytest.fixture
def without_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "cnnkit.activations.work.find_spec", lambda name: None if name == "jax" else found(name)
    )


def put_in(spec: str | Path, values: object, folder: Path) -> InputActivations:
    """The network of a spec, on an array."""
    np.save(folder / "x.npy", np.asarray(values, np.float32))
    return work(cnnkit.load(spec), str(folder / "x.npy"), [])


@pytest.mark.usefixtures("without_jax")
def test_the_lecture_s_six(tmp_path: Path) -> None:
    done = put_in(LECTURES / "edge-filter.yaml", np.asarray(EDGE)[..., None], tmp_path)
    assert list(cell_lines(done.layers, (0, 0))) == [
        "",
        "layers.0  conv, the cell 0,0",
        "  reads rows 0 to 2, columns 0 to 2",
        "  7·1 + 2·0 + 3·(−1) + 4·1 + 5·0 + 3·(−1) + 3·1 + 3·0 + 2·(−1) = 6",
    ]


@pytest.mark.usefixtures("without_jax")
def test_the_lecture_s_minus_twenty_five(tmp_path: Path) -> None:
    image = np.zeros((5, 5, 3))
    image[:2, :2, 0] = [[156, 155], [153, 154]]
    image[:2, :2, 1] = [[167, 166], [164, 165]]
    image[:2, :2, 2] = [[163, 162], [160, 161]]
    done = put_in(LECTURES / "rgb-filter.yaml", image, tmp_path)
    told = list(cell_lines(done.layers, (0, 0)))
    assert told[2] == "  reads rows −1 to 1, columns −1 to 1; partly beyond the 5x5 cells"
    assert [line.rpartition(" = ")[2] for line in told[3:6]] == ["308", "−498", "164"]
    assert told[4] == (
        "  channel 1: 0·1 + 0·0 + 0·0 + 0·1 + 167·(−1) + 166·(−1) + 0·1 + 164·0 + 165·(−1) = −498"
    )
    assert told[6:] == ["  308 − 498 + 164 + 1 = −25, the last of them the bias"]


POOLS = """
input: 3x3x1
layers:
  - {kind}: {{size: 2, stride: 2, padding: [[0, 1], [0, 1]]{more}}}
"""


@pytest.mark.parametrize(
    ("kind", "more", "corner"),
    [
        ("max_pool", "", "max(9) = 9"),
        ("mean_pool", "", "(9)/1 = 9"),
        ("mean_pool", ", count_padding: true", "(9 + 0 + 0 + 0)/4 = 2.25"),
    ],
)
@pytest.mark.usefixtures("without_jax")
def test_pools(kind: str, more: str, corner: str, tmp_path: Path) -> None:
    values = np.arange(1, 10).reshape(3, 3, 1)
    done = put_in(POOLS.format(kind=kind, more=more), values, tmp_path)
    first = {"max_pool": "max(1, 2, 4, 5) = 5", "mean_pool": "(1 + 2 + 4 + 5)/4 = 3"}[kind]
    assert list(cell_lines(done.layers, (0, 0)))[-1] == f"  {first}"
    assert list(cell_lines(done.layers, (1, 1)))[2:] == [
        "  reads rows 2 to 3, columns 2 to 3; partly beyond the 3x3 cells",
        f"  {corner}",
    ]


SOFTMAX = """
input: 2
layers:
  - dense: {units: 3, weights: [[1, 0, 0], [0, 1, 0]], bias: [0, 0, -1]}
  - softmax
"""


@pytest.mark.usefixtures("without_jax")
def test_softmax_and_its_loss(tmp_path: Path) -> None:
    # By hand: e + e² + 1/e = 2.71828 + 7.38906 + 0.36788 = 10.47522.
    done = put_in(SOFTMAX, [1, 2], tmp_path)
    assert list(softmax_lines(done.last)) == [
        "",
        "layers.1  softmax",
        "  0: e^1 = 2.718, 2.718/10.48 = 0.2595",
        "  1: e^2 = 7.389, 7.389/10.48 = 0.7054",
        "  2: e^(−1) = 0.3679, 0.3679/10.48 = 0.03512",
        "  the sum of the exponentials: 10.48",
    ]
    assert list(target_lines(done.last, 1)) == [
        "",
        "target 1, one-hot: 0 1 0",
        "cross-entropy: −log 0.7054 = 0.349",
    ]
    assert list(softmax_lines(done.layers[0])) == []
    with pytest.raises(UsageError, match=r"^`--target 3` is none of the classes, 0 to 2$"):
        list(target_lines(done.last, 3))
    with pytest.raises(UsageError, match=r"ends in a softmax over classes; this one ends in dense"):
        list(target_lines(done.layers[0], 0))


@pytest.mark.usefixtures("without_jax")
def test_powers_beyond_float32(tmp_path: Path) -> None:
    done = put_in("input: 2\nlayers: [softmax]", [1000, 999], tmp_path)
    told = list(softmax_lines(done.last))
    assert told[2] == "  the largest is subtracted from all, which leaves the shares as they are"
    assert told[3] == "  0: e^0 = 1, 1/1.368 = 0.7311"  # 1/(1 + 1/e)


def conv_of(channels: int, filters: int, groups: int = 1) -> LayerMaps:
    spec = cnnkit.load(
        f"input: 4x4x{channels}\nlayers: [conv: {{filters: {filters}, kernel: 1, "
        f"groups: {groups}, bias: false}}]"
    )
    x = np.arange(16 * channels, dtype=np.float32).reshape(4, 4, channels)
    (layer,) = layer_maps(build(spec), graph_of(spec), x)
    return layer


def test_groups_read_their_own_channels() -> None:
    told = list(cell_lines([conv_of(4, 2, groups=2)], (0, 1)))
    # Cell 0,1 holds 4, 5, 6, 7; the second filter reads the last two.
    assert [line.strip().split("·")[0] for line in told if "·" in line] == [
        "channel 0: 4",
        "channel 1: 5",
        "channel 2: 6",
        "channel 3: 7",
    ]


def test_many_filters_and_channels_are_counted() -> None:
    told = "\n".join(cell_lines([conv_of(10, 9)], (0, 0)))
    assert told.count("2 more channels: ") == 8
    assert told.endswith("and 1 more filters")


def test_a_cell_that_is_not_there() -> None:
    layer = conv_of(1, 1)
    with pytest.raises(UsageError) as caught:
        list(cell_lines([layer], (4, 0)))
    assert str(caught.value) == (
        "`--at 4,0` is outside: layers.0 gives 4x4 cells, counted from 0, and takes "
        "`--at ROW,COLUMN`"
    )
    with pytest.raises(UsageError, match=r"`--at 1` is outside"):
        list(cell_lines([layer], (1,)))
    with pytest.raises(UsageError, match=r"^`--at` shows the window of a convolution or a pool; "):
        list(cell_lines([], (1, 1)))


NETWORKS = [
    """
input: 9x8x2
layers:
  - conv: {filters: 4, kernel: 3, stride: 2, groups: 2, padding: same, activation: relu}
  - conv: {filters: 2, kernel: 2, dilation: 2, padding: 1, padding_mode: reflect}
  - leaky_relu: {slope: 0.3}
  - max_pool: {size: 2, rounding: ceil}
  - flatten
  - dense: {units: 5, activation: tanh}
  - softmax
""",
    """
input: 11x3
layers:
  - conv: {filters: 2, kernel: 3, padding: 1, padding_mode: circular, activation: elu}
  - mean_pool: {size: 3, stride: 2, padding: 1}
  - mean_pool: {size: 2, stride: 2, padding: 1, count_padding: true, rounding: ceil}
  - global_mean_pool
  - sigmoid
""",
    """
input: 5x5x5x1
layers:
  - conv: {filters: 2, kernel: 2, padding: 1, padding_mode: edge}
  - dropout: {rate: 0.5}
  - global_max_pool
""",
]


def _array(network: Any, path: str, name: str) -> Any:
    return np.asarray(getattr(reduce(getattr, path.split("."), network), name)[...]).tolist()


def _tuple(values: list[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


@pytest.mark.parametrize("text", NETWORKS)
def test_numpy_alone_is_jax(text: str) -> None:
    """Each layer's output, on the weights that the network has."""
    spec = cnnkit.load(text)
    graph, network = graph_of(spec), build(spec)
    x = np.random.default_rng(3).normal(size=spec.input).astype(np.float32)
    expected = {layer.path: layer for layer in layer_maps(network, graph, x)}
    nodes = []
    for node in graph.nodes:
        arrays = {each.name: _array(network, node.path, each.name) for each in node.effect.weights}
        given = {"weights": arrays.get("kernel"), "bias": _tuple(arrays.get("bias"))}
        changes = {name: value for name, value in given.items() if value is not None}
        nodes.append(node._replace(layer=node.layer.model_copy(update=changes)))
    given_graph = dataclasses.replace(graph, nodes=tuple(nodes))
    for layer in maps_of(given_graph, x, plain.outputs(given_graph, x), plain.weights):
        np.testing.assert_allclose(layer.maps, expected[layer.path].maps, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("without_jax")
def test_what_needs_jax_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError) as caught:
        put_in("input: 2\nlayers: [{dense: {units: 1}}]", [1, 2], tmp_path)
    assert str(caught.value) == (
        "layers.0, whose weights are not those of the spec, needs jax, which is not installed: "
        "pip install 'cnnkit[train]'; NumPy alone is enough where the spec gives all weights, of "
        "convolutions, pools and dense layers"
    )
    with pytest.raises(MissingExtraError, match=r"^layers\.0, gelu, needs jax"):
        put_in("input: 2\nlayers: [gelu]", [1, 2], tmp_path)
    with pytest.raises(cnnkit.SpecError):
        put_in("input: 2\nlayers: [{conv: {filters: 1, kernel: 3}}]", [1, 2], tmp_path)
