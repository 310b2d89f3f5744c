"""Values in onnxruntime equal the network's, which PyTorch's and Keras's hold, for all kinds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.agreement.converted import Case, case, flat
from tests.agreement.corpus import CORPUS
from tests.agreement.running import batches

pytest.importorskip("onnx", reason="the extra `export` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")

import onnxruntime

import cnnkit
from cnnkit.export.onnx import NEWEST, OLDEST, OPSET, model_of
from cnnkit.layers import KINDS
from cnnkit.network.registry import TRACED


def run(case: Case, opset: int, *, optimize: bool, off: float = 0.0) -> np.ndarray:
    arrays = {
        f"{each.node.path}.{each.weight.name}": (each.array + off).astype(np.float32)
        for each in case.owned
    }
    model = model_of(case.graph, arrays, "case", opset=opset, optimize=optimize)
    assert not isinstance(model, tuple)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    doors = [door.name for door in session.get_inputs()]
    given = session.run(None, dict(zip(doors, batches(case), strict=True)))
    named = dict(zip(case.graph.outputs, given, strict=True))
    return np.asarray(flat(named) if len(named) > 1 else given[0])


def distance(case: Case, output: np.ndarray) -> float:
    """Of outputs up to 1 the largest difference, of larger ones in proportion."""
    assert output.shape == case.output.shape
    return float(np.abs(output - case.output).max()) / max(1.0, float(np.abs(case.output).max()))


@pytest.mark.parametrize(("opset", "optimize"), [(OPSET, False), (OLDEST, True)])
@pytest.mark.parametrize("name", CORPUS)
def test_outputs(name: str, opset: int, optimize: bool) -> None:
    expected = case(name)
    assert distance(expected, run(expected, opset, optimize=optimize)) < 1e-5


@pytest.mark.parametrize("bias", ["true", "false"])
def test_output_padding_beyond_the_stride(bias: str) -> None:
    """Less is cut off than `padding` says, and beyond all cells there are zeros, with a bias it."""
    from tests.agreement.converted import case_of

    fields = "kernel: [1, 2], dilation: 3, padding: [[0, 1], [0, 1]], output_padding: 2"
    layer = f"transposed_conv: {{filters: 2, bias: {bias}, {fields}}}"
    spec = cnnkit.load(f"input: 4x5x3\nlayers:\n  - {layer}\n")
    expected = case_of(spec, backwards=False)
    assert expected.output.shape[1:] == (5, 9, 2)
    assert distance(expected, run(expected, OPSET, optimize=False)) < 1e-5


def test_other_weights_give_other_outputs() -> None:
    expected = case("conv")
    assert distance(expected, run(expected, OPSET, optimize=False, off=0.01)) > 1e-3


@pytest.mark.parametrize("opset", range(OLDEST, NEWEST + 1))
def test_each_opset_runs(opset: int) -> None:
    """On a network whose operators differ between opsets: reductions, resizing, padding."""
    spec = """
input: 7x7x4
layers:
  - pad: {padding: 1, padding_mode: circular}
  - {layer_norm: {}}
  - upsample: {factor: 2, method: linear}
  - maxout: {pieces: 2}
  - gelu
  - global_response_norm
  - save: map
  - {reduce: {over: channels, by: sum}}
  - save: sums
  - load: map
  - {merge: {with: sums, by: multiply}}
  - adaptive_mean_pool: {output: 4}
  - flatten
"""
    graph = cnnkit.load(spec)
    from tests.agreement.converted import case_of

    expected = case_of(graph, backwards=False)
    try:
        output = run(expected, opset, optimize=False)
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
        pytest.skip(f"this onnxruntime does not run opset {opset}: {str(error)[:60]}")
    assert distance(expected, output) < 1e-5


def test_the_corpus_has_all_kinds() -> None:
    """So that no kind is written which is never run."""
    there = {node.layer.kind for name in CORPUS for node in case(name).graph.nodes}
    assert set(KINDS) - TRACED <= there


@pytest.mark.parametrize("size", [3, 4, 5])
@pytest.mark.parametrize("shape", ["5x6", "4x4x6", "6"])
def test_local_response_of_even_sizes_and_other_ranks(size: int, shape: str) -> None:
    from tests.agreement.converted import case_of

    text = f"input: {shape}\nlayers:\n  - local_response_norm: {{size: {size}, alpha: 0.5}}\n"
    expected = case_of(cnnkit.load(text), backwards=False)
    # By hand: the neighbours are size // 2 before and (size - 1) // 2 after.
    x = expected.x.astype(np.float64)
    y = np.empty_like(x)
    for channel in range(x.shape[-1]):
        near = x[..., max(0, channel - size // 2) : channel + (size - 1) // 2 + 1]
        y[..., channel] = x[..., channel] / (1 + 0.5 / size * (near**2).sum(-1)) ** 0.75
    np.testing.assert_allclose(run(expected, OPSET, optimize=False), y, atol=1e-6)


def test_the_means_of_windows_that_reach_beyond_count_what_is_there() -> None:
    from tests.agreement.converted import case_of

    text = """
input: 6x1
layers:
  - mean_pool: {size: 3, stride: 2, padding: 1, count_padding: true, rounding: ceil}
"""
    expected = case_of(cnnkit.load(text), backwards=False)
    x = expected.x[0, :, 0].astype(np.float64)
    # Windows begin at −1, 1, 3 and 5; the last has one cell, one of padding and one beyond it.
    means = [(x[0] + x[1]) / 3, x[1:4].mean(), x[3:6].mean(), x[5] / 2]
    y = run(expected, OPSET, optimize=False)[0, :, 0]
    np.testing.assert_allclose(y, means, atol=1e-6)
    assert math.isclose(float(expected.output[0, 3, 0]), means[3], abs_tol=1e-6)
