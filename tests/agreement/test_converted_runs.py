"""Converted files run as they are, and have the parameters of the analysis."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from flax import nnx

import cnnkit
from cnnkit.export import convert
from cnnkit.export.code.reserved import RESERVED
from tests.agreement.converted import case_of, close, module_of
from tests.agreement.running import OUTPUTS

ROOT = Path(__file__).parents[2]
FLAGSHIP = ROOT / "specs" / "lectures" / "rgb-valid-4-classes.yaml"
ZOO = {path.stem: path for path in (ROOT / "specs" / "zoo").glob("*.yaml")}
SOME = ("convnext-tiny", "densenet-121", "mobilenet-v3-small", "shufflenet-v2-1.0", "u-net-3d")


@pytest.mark.parametrize("target", ["flax", "torch", "keras"])
def test_a_file_runs_by_itself(target: str, tmp_path: Path) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    code = convert(cnnkit.load(FLAGSHIP), target).code
    assert code is not None
    path = tmp_path / "network.py"
    path.write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "parameters: 5,100\noutput: (1, 4)\n"


@pytest.mark.parametrize("name", ZOO)
def test_pytorch_has_the_parameters_and_the_output(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    spec = cnnkit.load(ZOO[name])
    analysis = cnnkit.analyze(spec)
    with torch.device("meta"), torch.no_grad():
        model = module_of(spec, "torch").MODEL().eval()
        inputs = analysis.graph.inputs.values()
        output = model(*[torch.zeros(1, c, *extents) for *extents, c in inputs]).shape
    assert sum(parameter.numel() for parameter in model.parameters()) == analysis.totals.parameters
    *extents, channels = analysis.output or ()
    assert tuple(output) == (1, channels, *extents)


@pytest.mark.parametrize("name", SOME)
def test_flax_has_the_parameters_and_the_output(name: str) -> None:
    spec = cnnkit.load(ZOO[name])
    analysis = cnnkit.analyze(spec)
    module = module_of(spec, "flax")
    model = nnx.eval_shape(lambda: module.MODEL(rngs=nnx.Rngs(0)))
    sizes = [math.prod(leaf.shape) for leaf in jax.tree.leaves(nnx.state(model, nnx.Param))]
    assert sum(sizes) == analysis.totals.parameters
    model.eval()
    batch = jax.ShapeDtypeStruct((1, *spec.input), "float32")
    output = nnx.eval_shape(lambda model, x: model(x), model, batch)
    assert output.shape == (1, *(analysis.output or ()))


@pytest.mark.parametrize("name", ["shufflenet-v2-1.0"])
def test_keras_has_the_parameters_and_the_output(name: str) -> None:
    pytest.importorskip("keras", reason="Keras is not installed")
    spec = cnnkit.load(ZOO[name])
    analysis = cnnkit.analyze(spec)
    model = module_of(spec, "keras").MODEL()
    sizes = [math.prod(weight.shape) for weight in model.trainable_weights]
    assert sum(sizes) == analysis.totals.parameters
    assert model.output_shape == (None, *(analysis.output or ()))


def test_no_layer_hides_an_attribute_of_a_module() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    attributes = {*dir(torch.nn.Module()), *dir(_Empty())}
    assert {name for name in attributes if not name.startswith("_")} <= RESERVED


@pytest.mark.parametrize("target", ["flax", "torch"])
@pytest.mark.parametrize("name", ["register_buffer", "iter_modules", "self", "heads", "forward"])
def test_a_layer_and_a_tensor_of_any_name(name: str, target: str) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    text = f"""
input: 4x3
layers:
  - {{name: {name}, conv: {{filters: 3, kernel: 1}}}}
  - save: {name}
  - prelu
  - merge: {{with: {name}, by: add}}
  - head: {{layers: [flatten, {{dense: {{units: 2}}}}]}}
"""
    case = case_of(cnnkit.load(text), backwards=False)
    close(OUTPUTS[target](case), case.output)


class _Empty(nnx.Module):
    """A module of Flax with nothing of its own."""
