"""Models of other frameworks in the place of specs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import Run, runner
from tests.importing.models import model, node, random

pytest.importorskip("onnx")


@pytest.fixture
def cnnkit(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def convolution(path: Path, filters: int, shape: tuple[int | str, ...] = (1, 3, 8, 8)) -> Path:
    """One 3x3 convolution of three channels, no padding: 36 positions of an 8x8 map."""
    return model(path, [node("Conv", "x w", "y")], {"w": random(filters, 3, 3, 3)}, shape=shape)


@pytest.fixture
def main(tmp_path: Path) -> str:
    return convolution(tmp_path / "main.onnx", 2).name


def test_a_model_is_analysed(cnnkit: Run, main: str) -> None:
    done = cnnkit("analyze", main, "--format", "json")
    assert done.code == 0
    report = json.loads(done.out)
    totals = report["totals"]
    assert (totals["parameters"], totals["macs"]) == (3 * 9 * 2, 36 * 3 * 9 * 2)
    assert report["name"] == "main"


def test_a_pull_request_is_held_to_a_budget(cnnkit: Run, main: str, tmp_path: Path) -> None:
    convolution(tmp_path / "pr.onnx", 3)
    done = cnnkit("diff", main, "pr.onnx", "--fail-if", "macs > +5%")
    assert done.code == 1
    assert "✗ fails: macs > +5%  (1,944 → 2,916, +972)" in done.out
    assert cnnkit("diff", main, "pr.onnx", "--fail-if", "macs > +50%").code == 0


def test_a_model_is_compared_with_what_it_was_in_git(
    cnnkit: Run, main: str, tmp_path: Path
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    git("add", main)
    git("commit", "-q", "-m", "a model")
    convolution(tmp_path / main, 3)
    done = cnnkit("diff", f"HEAD:{main}", main, "--fail-if", "macs > +5%")
    assert done.code == 1
    assert "✗ fails: macs > +5%  (1,944 → 2,916, +972)" in done.out


def test_check_finds_what_it_finds_of_the_spec(cnnkit: Run, tmp_path: Path) -> None:
    """(8 − 3)/2 + 1 = 3.5."""
    nodes = [node("Conv", "x w", "y", strides=[2, 2])]
    model(tmp_path / "a.onnx", nodes, {"w": random(2, 4, 3, 3)})
    done = cnnkit("check", "a.onnx", "--select", "unread-border")
    assert done.code == 0
    assert done.out.startswith(
        "a.onnx:6:55: info: 1 row and 1 column of the 8x8 map are never read: "
        "(8 − 3)/2 + 1 = 3.50, which `rounding: floor` makes 3  [unread-border]\n"
    )


def test_faults_are_findings_of_every_command(cnnkit: Run, tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x08\x12")
    message = "the file is no ONNX model, or it is cut off  [not-importable]"
    for command in (
        ("analyze", "cut.onnx"),
        ("check", "cut.onnx"),
        ("convert", "cut.onnx", "--to", "torch"),
        ("diff", "cut.onnx", "cut.onnx"),
    ):
        done = cnnkit(*command)
        assert (done.code, done.err) == (1, "")
        assert f"cut.onnx:1:1: {message}" in done.out
    assert cnnkit("analyze", "none.onnx").err == "cnnkit: there is no file none.onnx\n"


def test_fix_edits_no_model(cnnkit: Run, main: str) -> None:
    done = cnnkit("check", "--fix", main)
    assert done.code == 2
    assert done.err == (
        "cnnkit: --fix edits specs, and main.onnx is a model: `cnnkit import` it first\n"
    )


def test_an_open_input_is_set(cnnkit: Run, tmp_path: Path) -> None:
    convolution(tmp_path / "open.onnx", 2, ("batch", 3, "rows", "columns"))
    done = cnnkit("analyze", "open.onnx")
    assert done.code == 1
    assert "the input `x` has open extents: ?x?x3, channels last" in done.out
    assert "--set input=224x224x3" in done.out
    done = cnnkit("analyze", "open.onnx", "--set", "input=8x8x3", "--format", "json")
    assert json.loads(done.out)["totals"]["macs"] == 36 * 3 * 9 * 2


def test_a_model_is_converted_and_verified(cnnkit: Run, main: str) -> None:
    pytest.importorskip("flax")
    done = cnnkit("convert", main, "--to", "torch")
    assert done.code == 0
    assert "nn.Conv2d(3, 2, 3, bias=False)" in done.out
    done = cnnkit("verify", main)
    assert done.code == 0
    assert "1 operation agrees in shape, arrays and work" in done.out
