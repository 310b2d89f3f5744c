"""Without the packages of the extra, each command says what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("flax")

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "specs" / "zoo" / "lenet-5.yaml"
BLOCKED = """
import sys
sys.modules[{package!r}] = None
sys.argv = ["cnnkit", *{arguments!r}]
from cnnkit.__main__ import main
main()
"""
WANTED = {
    "onnx": "a model of ONNX needs onnx, which is not installed: pip install 'cnnkit[export]'",
    "onnxruntime": "a model of ONNX is run before it is written, which needs onnxruntime: "
    "pip install 'cnnkit[export]'",
    "safetensors": "weights as a file need safetensors, which is not installed: "
    "pip install 'cnnkit[export]'",
}


@pytest.mark.parametrize("package", WANTED)
def test_the_install_line_is_named(package: str, tmp_path: Path) -> None:
    if package != "safetensors":
        pytest.importorskip("safetensors", reason="the extra `export` is not installed")
    if package == "onnxruntime":
        pytest.importorskip("onnx", reason="the extra `export` is not installed")
    arguments = ["export", str(SPEC), "--to", "onnx", "--output", str(tmp_path / "a.onnx")]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(package=package, arguments=arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"cnnkit: {WANTED[package]}\n"
    assert not (tmp_path / "a.onnx").exists()


def test_a_run_is_used_without_the_extra() -> None:
    """Only what reads or writes files of weights needs it."""
    script = (
        "import sys; sys.modules['safetensors'] = sys.modules['onnx'] = None\n"
        "import cnnkit.training.use.evaluation, cnnkit.training.use.prediction, "
        "cnnkit.activations.work, cnnkit.export, cnnkit.training"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
