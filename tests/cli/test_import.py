"""`cnnkit import`: what is written, what is said, and what is not written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import cnnkit as package
from cnnkit.importing import proof
from tests.cli.command import Run

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A convolution, a ReLU and a dense layer, each channel of which is its own."""
    helper, to = onnx.helper, onnx.numpy_helper.from_array
    kernel = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)
    matrix = np.arange(8 * 5, dtype=np.float32).reshape(8, 5)
    nodes = [
        helper.make_node("Conv", ["x", "stem.weight"], ["a"], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "head.weight", "head.bias"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 3, 5, 5])],
        [helper.make_tensor_value_info("y", 1, [1, 5])],
        [
            to(kernel, "stem.weight"),
            to(matrix, "head.weight"),
            to(np.ones(5, np.float32), "head.bias"),
        ],
    )
    path = tmp_path / "small.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


SPEC = """\
# Imported from small.onnx by `cnnkit import`.
name: small
input: 5x5x3
rounding: floor # as in the model: a row or a column may be left over
layers:
  - {name: stem, conv: {filters: 2, kernel: 2, stride: 2, bias: false, activation: relu}}
  - flatten
  - {name: head, dense: {units: 5}}
"""


def test_a_spec_is_printed_and_what_was_compared_is_said(run: Run, model: Path) -> None:
    done = run("import", str(model))
    assert (done.code, done.out) == (0, SPEC)
    first, second = done.err.splitlines()
    assert first == "parameters: 69 in the spec, 69 in the model"
    assert second.startswith("outputs compared with onnxruntime on a random input: the largest ")


def test_spec_and_weights_are_written(run: Run, model: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    spec, weights = tmp_path / "small.yaml", tmp_path / "small.safetensors"
    done = run("import", str(model), "--output", str(spec), "--weights", str(weights))
    assert (done.code, done.out) == (0, "")
    assert spec.read_text() == SPEC
    with safetensors.safe_open(weights, "numpy") as file:
        assert file.metadata() == {"cnnkit.spec": SPEC, "cnnkit.version": package.__version__}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert sorted(arrays) == [
        "layers.head.bias",
        "layers.head.kernel",
        "layers.stem.kernel",
    ]
    # [filters, channels, rows, columns] as [rows, columns, channels, filters].
    assert arrays["layers.stem.kernel"][0, 1].tolist() == [[1, 13], [5, 17], [9, 21]]
    # The rows of the matrix were those of 2 channels of 2x2 cells; ours are cells of 2 channels.
    assert arrays["layers.head.kernel"][:, 0].tolist() == [0, 20, 5, 25, 10, 30, 15, 35]


def test_outputs_that_differ_are_an_error(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    true = proof.outputs_of
    wrong = lambda *given: {name: y * 1.01 for name, y in true(*given).items()}  # noqa: E731
    monkeypatch.setattr(proof, "outputs_of", wrong)
    spec = tmp_path / "small.yaml"
    done = run("import", str(model), "--output", str(spec))
    assert done.code == 1
    assert not spec.exists()
    assert done.err.splitlines()[1:] == [
        (
            "outputs compared with onnxruntime on a random input: the largest difference is "
            "1.0e-02 of the largest output, more than 0.0001: error"
        ),
        "nothing is written; --force writes it all the same",
    ]
    assert run("import", str(model), "--output", str(spec), "--force").code == 0
    assert spec.read_text() == SPEC


def test_what_cannot_be_said_is_a_finding(run: Run, model: Path) -> None:
    made = onnx.load(model)
    made.graph.node[1].op_type = "RNN"
    made.graph.node[1].name = "/cell"
    model.write_bytes(made.SerializeToString())
    done = run("import", str(model))
    assert done.code == 1
    assert done.out == (
        f"{model}: node `/cell`: RNN cannot be said: `import` does not read it  "
        "[not-importable]\n"
        "  help: near are lstm and gru\n\n1 error\n"
    )


def test_a_shape_that_is_none(run: Run, model: Path) -> None:
    done = run("import", str(model), "--input", "5by5")
    assert done.code == 2
    assert done.err == "cnnkit: --input 5by5 is no shape: 224x224x3\n"


def test_its_page_shows_what_an_import_prints(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs/how-to/from-other-frameworks.md"
    section = page.read_text(encoding="utf-8")
    shipped = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    shutil.copy(shipped / "light_resnet50.onnx", tmp_path / "resnet50.onnx")
    monkeypatch.chdir(tmp_path)
    (line,) = re.findall(r"^\$ cnnkit (import .*)$", section, re.MULTILINE)
    done = run(*line.split())
    assert done.code == 0, done.out
    # The last digits of a sum depend on the processor.
    shown = re.sub(r"\d\.\de[-+]\d\d", "…", section)
    assert re.sub(r"\d\.\de[-+]\d\d", "…", done.err) in shown
    assert (tmp_path / "resnet50.yaml").read_text() in section
    assert (tmp_path / "resnet50.safetensors").stat().st_size > 4 * 25_557_032


PARTLY = """\
# Imported from small.onnx by `cnnkit import --partial`.
name: small
input: 5x5x3
rounding: floor # as in the model: a row or a column may be left over
layers:
  - {name: stem, conv: {filters: 2, kernel: 2, stride: 2, bias: false}}
  - placeholder: {operator: RNN, node: "/cell"}
  - flatten
  - {name: head, dense: {units: 5}}
"""


def test_with_partial_the_rest_is_written_and_check_refuses_it(
    run: Run, model: Path, tmp_path: Path
) -> None:
    made = onnx.load(model)
    made.graph.node[1].op_type = "RNN"
    made.graph.node[1].name = "/cell"
    model.write_bytes(made.SerializeToString())
    spec = tmp_path / "small.yaml"
    done = run("import", str(model), "--partial", "--output", str(spec))
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        (
            f"{model}: node `/cell`: RNN cannot be said: `import` does not read it; near are lstm "
            "and gru"
        ),
        "1 placeholder to fill in by hand; no outputs were compared, no weights are written",
    ]
    assert spec.read_text() == PARTLY
    done = run("check", str(spec))
    assert done.code == 1
    assert f"{spec}:7:5: there is no kind `placeholder`" in done.out


def test_all_that_no_layer_takes_is_told_in_one_run(run: Run, model: Path) -> None:
    """A summand a channel behind a pool, twice: no layer before it has a bias."""
    made = onnx.load(model)
    values = onnx.numpy_helper.from_array(np.arange(2, dtype=np.float32).reshape(2, 1, 1), "k")
    made.graph.initializer.append(values)
    pool = onnx.helper.make_node("MaxPool", ["p"], ["q"], kernel_shape=[1, 1], name="pool")
    added = [
        onnx.helper.make_node("Add", [a, "k"], [b], name=b) for a, b in (("b", "p"), ("q", "r"))
    ]
    made.graph.node.insert(2, added[0])
    made.graph.node.insert(3, pool)
    made.graph.node.insert(4, added[1])
    made.graph.node[5].input[0] = "r"
    model.write_bytes(made.SerializeToString())
    done = run("import", str(model))
    assert done.code == 1
    for name in ("p", "r"):
        message = f"node `{name}` adds a constant a channel, which no kind does alone"
        assert f"{model}: {message}  [not-importable]" in done.out
