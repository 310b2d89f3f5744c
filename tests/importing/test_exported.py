"""Models as exporters write them: PyTorch's two, and Keras's by way of tf2onnx.

`exported/` holds the files, and the scripts that wrote them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnkit.importing import import_model
from cnnkit.importing.model import Model
from tests.importing.models import onnx
from tests.importing.small import SWIN, SWIN_PARAMETERS

pytest.importorskip("onnxruntime")

FOLDER = Path(__file__).parent / "exported"
BLOCK = """\
blocks:
  unit:
    layers:
      - residual:
          layers:
            - layer_norm
            - attention: {heads: 2}
  unit_2:
    layers:
      - residual:
          layers:
            - layer_norm
            - conv: {filters: 16, kernel: 1, activation: gelu}
            - conv: {filters: 8, kernel: 1}
"""
# The parameters are those of the modules, counted by hand: of norms that are folded into the layer
# before the bias is left, of PyTorch's two biases of an LSTM one.
MODELS = {
    "torch-residual-script": (
        112 + 148 + 22 + 25,
        """\
input: 16x16x3
rounding: floor # as in the model: a row or a column may be left over
layers:
  - {name: stem_0, conv: {filters: 4, kernel: 3, stride: 2, padding: 1, activation: silu}}
  - name: body
    residual:
      layers:
        - conv: {filters: 4, kernel: 3, padding: 1, activation: hard_silu}
        - squeeze_excite: {units: 2}
  - global_mean_pool
  - {name: head, dense: {units: 5}}
""",
    ),
    "torch-transformer-script": (
        392 + 8 + 136 + 2 * (16 + 288 + 16 + 280) + 16 + 45,
        f"""\
input: 16x16x3
{BLOCK}layers:
  - {{name: patches, conv: {{filters: 8, kernel: 4, stride: 4}}}}
  - flatten: {{keep_channels: true}}
  - class_token
  - position_embedding
  - name: blocks
    repeat:
      times: 2
      layers:
        - unit
        - unit_2
  - {{name: norm, layer_norm: {{}}}}
  - slice: {{axis: 0, stop: 1}}
  - flatten
  - {{name: head, dense: {{units: 5}}}}
""",
    ),
    "torch-windows-script": (SWIN_PARAMETERS, SWIN),
    "torch-recurrent-script": (
        2 * (4 * 6 * (5 + 6) + 24) + 3 * 4 * (12 + 4) + 24 + 15,
        """\
input: 7x5
layers:
  - {name: first, lstm: {units: 6, direction: both, sequences: true}}
  - {name: second, gru: {units: 4}}
  - {name: head, dense: {units: 3}}
""",
    ),
    "torch-context-script": (
        288 + 27 + 18,
        """\
inputs: {x: "6x8", context: "4x8"}
layers:
  - {name: second, conv: {filters: 2, kernel: 1}}
  - output: z
  - load: x
  - {name: attend, attention: {heads: 2, context: context}}
  - {name: first, conv: {filters: 3, kernel: 1}}
  - output: "y"
""",
    ),
    "keras-convolutional": (
        112 + 40 + 325,
        """\
input: 15x15x3
layers:
  - conv: {filters: 4, kernel: 3, stride: 2, padding: 1, activation: relu6}
  - residual: {layers: [{depthwise_conv: {kernel: 3, padding: 1, activation: silu}}]}
  - max_pool: {size: 2}
  - flatten
  - dense: {units: 5}
  - softmax
""",
    ),
    "keras-transformer": (
        392 + 288 + 280 + 45,
        """\
input: 16x16x3
layers:
  - conv: {filters: 8, kernel: 4, stride: 4}
  - {name: multi_head_attention_1, residual: {layers: [{attention: {heads: 2}}]}}
  - name: dense
    residual:
      layers:
        - conv: {filters: 16, kernel: 1, activation: relu}
        - conv: {filters: 8, kernel: 1}
  - global_mean_pool
  - dense: {units: 5}
""",
    ),
}
PAIRS = [name.removesuffix("-script") for name in MODELS if name.startswith("torch")]


@pytest.mark.parametrize("name", MODELS)
def test_an_exported_model_is_read_and_computes_the_same(name: str) -> None:
    imported = import_model(FOLDER / f"{name}.onnx")
    parameters, expected = MODELS[name]
    assert imported.text.partition("\n")[2].partition("\n")[2] == expected
    assert imported.parameters == parameters
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


@pytest.mark.parametrize("name", PAIRS)
def test_both_exporters_of_pytorch_give_one_network(name: str) -> None:
    script, dynamo = (
        import_model(FOLDER / f"{name}-{exporter}.onnx") for exporter in ("script", "dynamo")
    )
    assert _kinds(dynamo.text) == _kinds(script.text)
    pairs = zip(script.arrays.values(), dynamo.arrays.values(), strict=True)
    assert all(np.allclose(one, other, rtol=1e-5, atol=1e-7) for one, other in pairs)
    outputs = [_run(each.model) for each in (script, dynamo)]
    assert all(
        np.allclose(one, other, rtol=1e-4, atol=1e-6) for one, other in zip(*outputs, strict=True)
    )


def _kinds(text: str) -> list[str]:
    """The lines of the layers, without the names that one exporter alone gives."""
    import yaml

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items() if key != "name"}
        return [plain(each) for each in value] if isinstance(value, list) else value

    spec = yaml.safe_load(text)
    layers = [{each: {}} if isinstance(each, str) else each for each in spec["layers"]]
    return [str(plain(spec.get("blocks"))), *(str(plain(layer)) for layer in layers)]


def _run(model: Model) -> list[object]:
    """What onnxruntime gives for a batch of ones."""
    if model.ends is None:
        return [model.runtime(np.ones(model.input_shape, np.float32))]
    fed = {
        name: np.ones(view.whole(model.ends.batch), np.float32)
        for name, view in model.ends.inputs.items()
    }
    return list(model.ends.runtime.run(fed).values())


def test_the_files_are_those_that_the_scripts_write() -> None:
    written = {path.stem for path in FOLDER.glob("*.onnx")}
    assert written == {*MODELS, *(f"{name}-dynamo" for name in PAIRS)}
    assert all(len(onnx.load(FOLDER / f"{name}.onnx").graph.node) > 3 for name in written)
