"""Models of ONNX as text: names, doors, folded norms, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra `export` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")

import onnx
import onnxruntime

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.export import onnx as to_onnx
from cnnkit.export.onnx import Standardization, model_of
from cnnkit.layers import KINDS
from cnnkit.spec.graph import Graph
from cnnkit.spec.tracing import trace

TRACED = {"separable_conv", "residual", "parallel", "repeat", "squeeze_excite", "attention"}
TRACED |= {"save", "merge", "load", "head", "output", "shared", "each", "split"}
SMALL = """
name: small
input: 4x5x1
layers:
  - {name: stem, conv: {filters: 2, kernel: 3, padding: same, activation: relu}}
  - dropout: {rate: 0.5}
  - flatten
  - {name: classifier, dense: {units: 3}}
"""


def graph_of(text: str) -> Graph:
    spec = cnnkit.load(text)
    return trace(spec.layers, spec.input, spec.rounding)


def arrays_of(graph: Graph, **given: object) -> dict[str, np.ndarray]:
    """Zeros, but for the arrays that are given by their name without the path."""
    return {
        f"{node.path}.{weight.name}": np.broadcast_to(
            np.asarray(given.get(weight.name, 0), np.float32), weight.shape
        )
        for node in graph.nodes
        for weight in node.effect.weights
    }


def answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (output,) = session.run(None, {"input": x})
    return np.asarray(output)


def test_the_table_is_of_all_kinds() -> None:
    assert set(to_onnx.WRITERS) == set(KINDS) - TRACED


def test_nodes_and_arrays_have_the_names_of_the_spec() -> None:
    graph = graph_of(SMALL)
    model = model_of(graph, arrays_of(graph), "small")
    assert not isinstance(model, tuple)
    assert [(node.name, node.op_type) for node in model.graph.node] == [
        ("input/Transpose", "Transpose"),
        ("layers.stem", "Conv"),
        ("layers.stem.activation", "Relu"),
        ("layers.2/Transpose", "Transpose"),
        ("layers.2", "Reshape"),
        ("layers.classifier", "Gemm"),
        ("output", "Identity"),
    ]
    kernels = {each.name: tuple(each.dims) for each in model.graph.initializer}
    assert kernels["layers.stem.kernel"] == (2, 1, 3, 3)
    assert kernels["layers.classifier.kernel"] == (40, 3)
    assert (model.producer_name, model.producer_version) == ("cnnkit", cnnkit.__version__)
    (opset,) = model.opset_import
    assert (opset.domain, opset.version) == ("", 21)


def test_the_doors_are_channels_last_and_the_batch_is_open() -> None:
    graph = graph_of("input: 4x5x3\nlayers: [{max_pool: {size: [2, 5]}}]")
    model = model_of(graph, {}, "pool")
    assert not isinstance(model, tuple)
    shapes = [
        [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [["N", 4, 5, 3], ["N", 2, 1, 3]]
    x = np.arange(7 * 60, dtype=np.float32).reshape(7, 4, 5, 3)
    np.testing.assert_array_equal(
        answer(model, x), x.reshape(7, 2, 2, 5, 3).max((2, 3))[:, :, None]
    )


def test_a_flattened_map_keeps_the_order_of_the_spec() -> None:
    graph = graph_of("input: 2x3x4\nlayers: [relu, flatten]")
    model = model_of(graph, {}, "flat")
    assert not isinstance(model, tuple)
    x = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    np.testing.assert_array_equal(answer(model, x), x.reshape(2, 24))


def test_pixels_become_standardized_values_inside() -> None:
    graph = graph_of("input: 2x2x3\nlayers: [linear]")
    mean, deviation = (0.5, 0.25, 0.1), (0.25, 0.5, 2.0)
    by = Standardization("uint8", (0.0, 255.0), mean, deviation)
    model = model_of(graph, {}, "pixels", standardization=by)
    assert not isinstance(model, tuple)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    x = np.array([0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6], np.uint8).reshape(1, 2, 2, 3)
    expected = (x.astype(np.float64) / 255 - mean) / deviation
    np.testing.assert_allclose(answer(model, x), expected, atol=1e-6)
    assert abs(expected[0, 0, 0, 1] - (0.2 - 0.25) / 0.5) < 1e-12


def test_a_range_that_does_not_begin_at_0() -> None:
    graph = graph_of("input: 2\nlayers: [linear]")
    by = Standardization("float64", (-2.0, 6.0), (0.5, 0.0), (1.0, 0.5))
    model = model_of(graph, {}, "floats", standardization=by)
    assert not isinstance(model, tuple)
    y = answer(model, np.array([[2.0, 6.0]], np.float32))
    np.testing.assert_allclose(y, [[(2 + 2) / 8 - 0.5, ((6 + 2) / 8) / 0.5]], atol=1e-7)


NORMED = """
input: 1x1x1
layers:
  - {name: conv, conv: {filters: 1, kernel: 1}}
  - {name: norm, batch_norm: {epsilon: 1.0}}
"""


def test_a_batch_norm_is_folded_into_the_layer_before() -> None:
    graph = graph_of(NORMED)
    arrays = arrays_of(graph, kernel=2, bias=1, mean=4, variance=3, scale=6, shift=5)
    model = model_of(graph, arrays, "normed", optimize=True)
    assert not isinstance(model, tuple)
    assert [node.name for node in model.graph.node if "/" not in node.name] == [
        "layers.conv",
        "output",
    ]
    # The factor is 6 / √(3 + 1) = 3: the kernel 2·3, the bias (1 − 4)·3 + 5.
    found = {each.name: onnx.numpy_helper.to_array(each).item() for each in model.graph.initializer}
    assert found == {"layers.conv.kernel": 6.0, "layers.conv.bias": -4.0}
    plain = model_of(graph, arrays, "normed")
    assert not isinstance(plain, tuple)
    x = np.full((1, 1, 1, 1), 10, np.float32)
    assert answer(model, x).item() == 56
    assert abs(answer(plain, x).item() - 56) < 1e-4


def test_a_layer_without_bias_gets_one() -> None:
    graph = graph_of(NORMED.replace("kernel: 1}", "kernel: 1, bias: false}"))
    arrays = arrays_of(graph, kernel=2, mean=4, variance=3, scale=6, shift=5)
    model = model_of(graph, arrays, "normed", optimize=True)
    assert not isinstance(model, tuple)
    found = {each.name: onnx.numpy_helper.to_array(each).item() for each in model.graph.initializer}
    assert found == {"layers.conv.kernel": 6.0, "layers.conv.bias": -7.0}


def test_a_batch_norm_stays_where_others_read_what_is_before_it() -> None:
    text = """
input: 1x1x1
layers:
  - {name: conv, conv: {filters: 1, kernel: 1}}
  - save: skip
  - {name: norm, batch_norm: {epsilon: 1.0}}
  - merge: {with: skip, by: add}
"""
    graph = graph_of(text)
    arrays = arrays_of(graph, kernel=2, bias=1, mean=4, variance=3, scale=6, shift=5)
    model = model_of(graph, arrays, "normed", optimize=True)
    assert not isinstance(model, tuple)
    assert "layers.norm" in {node.name for node in model.graph.node}
    # conv 21, norm (21 − 4)·3 + 5 = 56
    assert abs(answer(model, np.full((1, 1, 1, 1), 10, np.float32)).item() - 77) < 1e-4


@pytest.mark.parametrize("opset", [12, to_onnx.NEWEST + 1])
def test_other_opsets_are_refused(opset: int) -> None:
    graph = graph_of(SMALL)
    with pytest.raises(UsageError) as refused:
        model_of(graph, arrays_of(graph), "small", opset=opset)
    assert str(refused.value) == (
        f"opset {opset} is not written: give one from 13 to {to_onnx.NEWEST}"
    )


def test_weights_beyond_what_a_file_holds_are_a_finding() -> None:
    text = "input: 20000\nlayers:\n  - {name: wide, dense: {units: 30000}}\n"
    graph = graph_of(text)
    found = model_of(graph, arrays_of(graph), "wide")  # spread zeros take no memory
    assert isinstance(found, tuple)
    (finding,) = found
    assert (finding.rule, finding.level, finding.path) == (
        "not-convertible",
        "error",
        "layers.wide",
    )
    assert finding.location is not None
    assert finding.location.line == 3
    assert finding.message == (
        "ONNX cannot say this: the weights have 2,400,120,000 bytes, 2,400,120,000 of them those "
        "of layers.wide, and a file of ONNX holds 2,146,435,072"
    )
    assert finding.help == "make the network smaller, or `--to safetensors`"


def test_metadata_are_there(tmp_path: Path) -> None:
    graph = graph_of(SMALL)
    model = model_of(graph, arrays_of(graph), "small", metadata={"cnnkit.classes": '["a", "b"]'})
    assert not isinstance(model, tuple)
    onnx.save(model, tmp_path / "small.onnx")
    again = onnx.load(tmp_path / "small.onnx")
    assert {each.key: each.value for each in again.metadata_props} == {
        "cnnkit.classes": '["a", "b"]'
    }
