"""`cnnkit export`, and the commands that take what it wrote, as a shell sees them."""

from __future__ import annotations

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Run

pytest.importorskip("onnx", reason="the extra `export` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
pytest.importorskip("safetensors", reason="the extra `export` is not installed")

import onnx
import onnxruntime
import safetensors
from jax import export
from safetensors.numpy import load_file

from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import ExportError
from cnnkit.network.weights_file import written
from cnnkit.training import load_run
from cnnkit.training.use import export as exporting
from cnnkit.training.use import source_code as code
from cnnkit.training.use import stablehlo as hlo
from cnnkit.training.use.weights import weights_of_run

ROOT = Path(__file__).parents[2]
SPEC = """
name: bars
input: 6x6x1
layers:
  - conv: {filters: 4, kernel: 3, padding: same}
  - batch_norm
  - relu
  - flatten
  - {name: classifier, dense: {units: 3}}
train:
  data: {images: pictures}
  split: {validation: 15, test: 15}
  learning_rate: 0.05
  epochs: 2
  batch_size: 16
"""
CLASSES = ["lower", "middle", "upper"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, its pictures and a run."""
    folder = tmp_path_factory.mktemp("export")
    random = np.random.default_rng(0)
    for index in range(90):
        pixels = random.integers(0, 60, (6, 6)).astype(np.uint8)
        row = 2 * (index % 3)
        pixels[row : row + 2] += 120
        place = folder / "pictures" / CLASSES[index % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{index}.png")
    (folder / "bars.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        from cnnkit.training import train

        train("bars.yaml", run_dir=Path("runs/bars"))
    return folder


@pytest.fixture
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def test_a_run_as_onnx_takes_the_pixels_of_its_files(run: Run, folder: Path) -> None:
    done = run("export", "runs/bars", "--to", "onnx")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "wrote bars.onnx: 12 nodes of opset 21, run in onnxruntime and within 1e-05 of the "
        "network\n"
    )
    session = onnxruntime.InferenceSession("bars.onnx", providers=["CPUExecutionProvider"])
    (door,) = session.get_inputs()
    assert (door.name, door.type, door.shape) == ("input", "tensor(uint8)", ["N", 6, 6, 1])
    files = sorted(folder.glob("pictures/*/*.png"))[:7]
    pixels = np.stack([np.asarray(Image.open(file))[..., None] for file in files])
    (scores,) = session.run(None, {"input": pixels})
    odds = np.exp(scores - scores.max(1, keepdims=True))
    expected = np.asarray(load_run("runs/bars").predict(pixels))
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), expected, atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["cnnkit.classes"]) == CLASSES
    assert json.loads(metadata["cnnkit.preprocessing"])["dtype"] == "uint8"


def test_raw_takes_what_the_first_layer_reads(run: Run, folder: Path) -> None:
    done = run("export", "runs/bars", "--to", "onnx", "--raw", "--optimize", "-o", "raw.onnx")
    assert (done.code, done.err) == (0, "")
    model = onnx.load("raw.onnx")
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    assert "Cast" not in {node.op_type for node in model.graph.node}


def test_weights_of_a_file_are_those_of_the_run(run: Run, folder: Path) -> None:
    done = run("export", "runs/bars", "--to", "safetensors")
    assert (done.code, done.err) == (0, "")
    assert done.out == "wrote bars.safetensors: 8 arrays, read again and the same\n"
    with safetensors.safe_open("bars.safetensors", framework="numpy") as file:
        assert "layers.classifier.kernel" in file.keys()  # noqa: SIM118 - it is no mapping
        metadata = file.metadata()
    assert json.loads(metadata["cnnkit.classes"]) == CLASSES
    assert metadata["cnnkit.spec"].startswith("name: bars\ninput: 6x6x1\n")
    assert json.loads(metadata["cnnkit.metrics"])["validation"]["examples"] == 15
    environment = json.loads(metadata["cnnkit.environment"])
    assert environment["cnnkit"] == metadata["cnnkit.version"]
    assert not {"command", "options"} & environment.keys()  # they say where a user works

    files = [str(file) for file in sorted(folder.glob("pictures/*/*.png"))[:5]]
    weights = ("--weights", "bars.safetensors")
    by_run = run("predict", "runs/bars", *files, "--format", "json")
    by_file = run("predict", "bars.yaml", *files, "--format", "json", *weights)
    assert (by_file.code, by_file.err) == (0, "")
    pairs = zip(json.loads(by_run.out), json.loads(by_file.out), strict=True)
    for ours, theirs in pairs:
        assert ours["file"] == theirs["file"]
        names = [[each["name"] for each in one["predictions"]] for one in (ours, theirs)]
        assert names[0] == names[1]
        values = [[each["value"] for each in one["predictions"]] for one in (ours, theirs)]
        np.testing.assert_allclose(values[0], values[1], atol=1e-6)

    by_run = run("evaluate", "runs/bars", "--format", "json")
    by_file = run("evaluate", "bars.yaml", "--format", "json", *weights)
    assert (by_file.code, by_file.err) == (0, "")
    assert json.loads(by_file.out)["checkpoint"] == "bars.safetensors"
    figures = [json.loads(done.out)["test"] for done in (by_run, by_file)]
    assert figures[0]["confusion"] == figures[1]["confusion"]
    assert figures[0]["examples"] == 15
    by_data = run("evaluate", "bars.yaml", "--data", "pictures", "--format", "json", *weights)
    assert json.loads(by_data.out)["test"]["examples"] == 90

    by_run = run("activations", "runs/bars", files[0])
    by_file = run("activations", "bars.yaml", files[0], *weights)
    assert (by_file.code, by_file.err) == (0, "")
    *maps, story = by_file.out.strip().splitlines()
    assert maps == by_run.out.strip().splitlines()[:-1]
    stories = (
        "the larger maps as one page: --output FILE.html",
        "the weights are those of bars.safetensors; the layers read the input standardized",
    )
    assert story.startswith(stories)


def test_a_run_and_a_file_of_weights_exclude_each_other(run: Run, folder: Path) -> None:
    for command in (("evaluate", "runs/bars"), ("predict", "runs/bars", "x.png")):
        done = run(*command, "--weights", "bars.safetensors")
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            "cnnkit: runs/bars is a run, which has weights of its own: leave out --weights\n"
        )


def test_a_spec_needs_weights(run: Run, folder: Path) -> None:
    done = run("predict", "bars.yaml", "x.png")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "cnnkit: bars.yaml is a spec, which has no weights: give them as "
        "--weights FILE.safetensors, or a run in its place\n"
    )


def test_weights_without_a_record_of_inputs_are_not_asked(run: Run, folder: Path) -> None:
    assert run("export", "bars.yaml", "--to", "safetensors", "-o", "new.safetensors").code == 0
    done = run("predict", "bars.yaml", "x.png", "--weights", "new.safetensors")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "cnnkit: new.safetensors does not say how inputs are prepared, `cnnkit.preprocessing`: "
        "export a run\n"
    )


@pytest.mark.parametrize(
    "record",
    ["[]", "3", '{"format": 1}', '{"format": 9}', '"text"', "SHORT", "ZERO"],
)
def test_a_damaged_record_of_inputs_is_told(run: Run, folder: Path, record: str) -> None:
    weights = weights_of_run(Path("runs/bars"))
    assert isinstance(weights.preprocessing, Preprocessing)
    whole = weights.preprocessing.to_dict()
    made = {"SHORT": {**whole, "mean": [0.1, 0.2]}, "ZERO": {**whole, "deviation": [0.0]}}
    text = json.dumps(made[record]) if record in made else record
    metadata = weights.metadata() | {"cnnkit.preprocessing": text}
    Path("bad.safetensors").write_bytes(written(weights.arrays, metadata))
    done = run("predict", "bars.yaml", "x.png", "--weights", "bad.safetensors")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("cnnkit: bad.safetensors: ")
    assert "preprocessing" in done.err
    assert "Traceback" not in done.err


def test_weights_of_another_network_are_findings(run: Run, folder: Path) -> None:
    run("export", "bars.yaml", "--to", "safetensors", "-o", "new.safetensors")
    Path("wide.yaml").write_text(SPEC.replace("units: 3", "units: 5"))
    done = run("export", "wide.yaml", "--to", "onnx", "--weights", "new.safetensors")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith(
        "wide.yaml:9:24: `layers.classifier.kernel` has the shape 144x3 in new.safetensors, the "
        "layer needs 144x5  [shape-mismatch]\n"
    )
    assert not Path("wide.onnx").exists()


def test_stablehlo_reads_the_values_of_files(run: Run, folder: Path) -> None:
    done = run("export", "runs/bars", "--to", "stablehlo")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "wrote bars.stablehlo: StableHLO for cpu, cuda, tpu, loaded again and within 1e-05 of the "
        "network\n"
    )
    program = export.deserialize(bytearray(Path("bars.stablehlo").read_bytes()))
    assert program.platforms == ("cpu", "cuda", "tpu")
    images = np.random.default_rng(1).integers(0, 256, (3, 6, 6, 1)).astype(np.uint8)
    run_ = load_run("runs/bars")
    scores = run_.network.outputs(run_.prepared(images)).scores
    np.testing.assert_allclose(program.call(images), scores, atol=1e-5)
    np.testing.assert_allclose(program.call(images[:1]), scores[:1], atol=1e-5)  # any batch
    assert run("export", "runs/bars", "--to", "stablehlo", "--raw", "-o", "raw").code == 0
    raw = export.deserialize(bytearray(Path("raw").read_bytes()))
    np.testing.assert_allclose(raw.call(run_.prepared(images)), scores, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "framework"), [("flax", "Flax NNX"), ("torch", "PyTorch"), ("keras", "Keras")]
)
def test_source_code_loads_the_weights_beside_it(
    run: Run, folder: Path, target: str, framework: str
) -> None:
    if find_spec(target) is None:
        pytest.skip(f"{framework} is not installed")
    done = run("export", "runs/bars", "--to", target)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"wrote bars_{target}.py and its weights bars_{target}.safetensors: loaded by it, run in "
        f"{framework} and within 1e-05 of the network\n"
    )
    with safetensors.safe_open(f"bars_{target}.safetensors", "np") as file:
        assert file.metadata()["cnnkit.for"] == target
        assert file.get_slice("layers.0.kernel").get_shape() == (
            [4, 1, 3, 3] if target == "torch" else [3, 3, 1, 4]
        )
    # It is the file that loads them: other weights, and it says so.
    arrays = load_file(f"bars_{target}.safetensors")
    shutil.copy(f"bars_{target}.safetensors", "kept")
    with safetensors.safe_open("kept", "np") as file:
        metadata = file.metadata()
    Path(f"bars_{target}.safetensors").write_bytes(
        written({name: array + 1 for name, array in arrays.items()}, metadata)
    )
    with pytest.raises(ExportError, match=f"the file of {framework} differs from the network by"):
        code._compare(weights_of_run(Path("runs/bars")), target, Path(f"bars_{target}.py"))


def test_source_code_of_a_framework_that_is_not_there(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "find_spec", lambda _: None)
    done = run("export", "bars.yaml", "--to", "torch", "-o", "new.py")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "wrote new.py and its weights new.safetensors: not compared: PyTorch is not installed\n"
    )
    assert '.with_name("new.safetensors")' in Path("new.py").read_text()


def test_source_code_that_does_not_run(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.setattr(code, "with_loader", lambda *_: "raise ValueError('broken')\n")
    done = run("export", "runs/bars", "--to", "torch", "-o", "off.py")
    assert (done.code, done.out) == (1, "")
    assert done.err == "cnnkit: the file of PyTorch does not run: ValueError: broken\n"
    assert not Path("off.py").exists()
    assert not Path("off.safetensors").exists()


def test_a_program_that_differs_is_not_written(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(*given: Any) -> dict[str, Any]:
        return {name: each + 1 for name, each in exporting.answers(*given).items()}

    monkeypatch.setattr(hlo, "answers", off)
    with pytest.raises(ExportError, match="the program of StableHLO differs from the network by"):
        hlo.export_stablehlo(weights_of_run(Path("runs/bars")), Path("off.stablehlo"))
    assert not Path("off.stablehlo").exists()


def test_options_of_onnx_alone(run: Run, folder: Path) -> None:
    done = run("export", "bars.yaml", "--to", "safetensors", "--opset", "17")
    assert (done.code, done.err) == (
        2,
        "cnnkit: --opset and --optimize are of --to onnx\n",
    )
    done = run("export", "bars.yaml", "--to", "safetensors", "--raw")
    assert (done.code, done.err) == (2, "cnnkit: --raw is of --to onnx and --to stablehlo\n")
    done = run("export", "bars.yaml", "--to", "onnx", "--opset", "9")
    assert done.code == 2
    assert done.err.startswith("cnnkit: opset 9 is not written: give one from 13 to ")


def test_a_seed_draws_the_weights_of_a_spec(run: Run, folder: Path) -> None:
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        options = ("--seed", str(seed), "-o", f"{name}.safetensors")
        assert run("export", "bars.yaml", "--to", "safetensors", *options).code == 0
    # The metadata stand in any order: the arrays are what a seed draws.
    first, again, other = (load_file(f"{name}.safetensors") for name in "abc")
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)
    done = run("export", "runs/bars", "--to", "onnx", "--seed", "1")
    assert (done.code, done.err) == (
        2,
        "cnnkit: `--set` and `--seed` are for a spec; a run is as it was trained\n",
    )


def test_a_file_that_cannot_be_written(run: Run, folder: Path) -> None:
    done = run("export", "bars.yaml", "--to", "onnx", "-o", "nowhere/bars.onnx")
    assert (done.code, done.out) == (2, "")
    assert done.err == "cnnkit: cannot write nowhere/bars.onnx: No such file or directory\n"


def test_a_model_that_gives_something_else_is_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = weights_of_run(Path("runs/bars"))
    monkeypatch.setattr(
        type(weights), "network", property(lambda self: load_run("runs/bars", "last").network)
    )
    moved = dict(weights.arrays)
    moved["layers.classifier.bias"] = moved["layers.classifier.bias"] + 0.1
    from dataclasses import replace

    with pytest.raises(ExportError, match=r"differs from the network by 0\.\d+, and at most"):
        exporting.export_onnx(replace(weights, arrays=moved), folder / "moved.onnx", name="moved")
    assert not (folder / "moved.onnx").exists()


BLOCK = re.compile(r"^```text\n(\$ cnnkit export .*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_commands_of_its_page(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = BLOCK.findall(
        (ROOT / "docs/how-to/to-other-frameworks.md").read_text(encoding="utf-8")
    )
    (tmp_path / "specs/zoo").mkdir(parents=True)
    shutil.copy(ROOT / "specs/zoo/lenet-5.yaml", tmp_path / "specs/zoo")
    monkeypatch.chdir(tmp_path)
    lines = block.splitlines()
    assert len(lines) == 10  # commands, and a line of each
    for command, printed in zip(lines[::2], lines[1::2], strict=True):
        if "--to torch" in command and find_spec("torch") is None:
            continue  # it says then that it was not run
        done = run(*command.removeprefix("$ cnnkit ").split())
        assert (done.code, done.out, done.err) == (0, f"{printed}\n", "")
