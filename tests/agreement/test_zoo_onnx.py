"""Every network of the zoo as a model of ONNX: all are written, the small ones are run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.agreement.converted import case_of

pytest.importorskip("onnx", reason="the extra `export` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")

import cnnkit
from cnnkit.export.onnx import model_of
from cnnkit.spec.graph import Graph
from cnnkit.spec.tracing import graph_of
from tests.agreement.test_values_onnx import distance, run

ROOT = Path(__file__).parents[2] / "specs"
ZOO = sorted(ROOT.glob("zoo/*.yaml"))
SMALL = ["lenet-5", "resnet-20-cifar", "ecg-resnet", "squeezenet-1.1", "mobilenet-v3-small"]


def empty(graph: Graph) -> dict[str, np.ndarray]:
    """Arrays of the right shapes that take no memory."""
    return {
        f"{node.path}.{weight.name}": np.broadcast_to(np.float32(0), weight.shape)
        for node in graph.nodes
        for weight in node.effect.weights
    }


# Half a gigabyte of weights each: of their family one is written every time.
VGGS = [path for path in ZOO if path.stem.startswith("vgg-") and path.stem != "vgg-16-bn"]


@pytest.mark.parametrize(
    "path",
    [pytest.param(each, marks=[pytest.mark.long] * (each in VGGS), id=each.stem) for each in ZOO],
)
def test_is_written(path: Path) -> None:
    """ONNX's checker accepts it, and its inference finds the shapes of the analysis."""
    spec = cnnkit.load(path)
    graph = graph_of(spec)
    model = model_of(graph, empty(graph), path.stem)
    assert not isinstance(model, tuple), model
    paths = {node.path for node in graph.nodes if not node.side}
    written = {node.name.partition("/")[0] for node in model.graph.node}
    assert written - {"input", "output", *graph.inputs, *graph.outputs} <= paths
    # What has weights is there by its own name, and with them.
    owners = {node.path for node in graph.nodes if node.effect.weights and not node.side}
    assert owners <= {node.name for node in model.graph.node}
    parameters = sum(
        int(np.prod(each.dims)) for each in model.graph.initializer if "/" not in each.name
    )
    analysis = cnnkit.analyze(spec)
    sides = sum(w.size for node in graph.nodes if node.side for w in node.effect.weights)
    # The gain of normalized weights is in them.
    gains = sum(w.size for node in graph.nodes for w in node.effect.weights if w.name == "gain")
    # Of an LSTM, ONNX has a second row of biases, which stays 0.
    second = sum(
        weight.size
        for node in graph.nodes
        for weight in node.effect.weights
        if node.layer.kind == "lstm" and weight.name.endswith("bias")
    )
    totals = analysis.totals
    assert parameters == totals.parameters + totals.state - sides - gains + second


@pytest.mark.parametrize("name", SMALL)
def test_gives_the_same(name: str) -> None:
    expected = case_of(cnnkit.load(ROOT / "zoo" / f"{name}.yaml"), backwards=False)
    for optimize in (False, True):
        assert distance(expected, run(expected, 21, optimize=optimize)) < 1e-5
