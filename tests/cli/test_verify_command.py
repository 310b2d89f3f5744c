"""`cnnkit verify`: exit codes, both formats, and specs with faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

pytest.importorskip("flax")

FINE = "name: fine\ninput: 3x3x1\nlayers:\n  - conv: {filters: 2, kernel: 3}\n"
FAULTY = "input: 7x7x3\nlayers:\n  - conv: {filters: 8, kernel: 3, stride: 3}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fine.yaml").write_text(FINE, encoding="utf-8")
    (tmp_path / "faulty.yaml").write_text(FAULTY, encoding="utf-8")
    return runner(monkeypatch, capfd)


def test_a_spec_that_agrees(run: Run) -> None:
    code, out, err = run("verify", "fine.yaml")
    assert (code, err) == (0, "")
    assert out == (
        "fine\n"
        "\n"
        "total                  analysis  Flax and XLA  difference\n"
        "─────────────────────────────────────────────────────────\n"
        "parameters                   20            20        none\n"
        "state                         0             0        none\n"
        "MACs                         18            18        none\n"
        "FLOPs without padding        36            36        none\n"
        "\n"
        "✓ 1 operation agrees in shape, arrays and work\n"
    )


def test_a_faulty_spec_beside_a_sound_one(run: Run) -> None:
    code, out, err = run("verify", "faulty.yaml", "fine.yaml")
    assert (code, err) == (1, "")
    assert out.startswith("faulty.yaml:3:43: stride 3 does not fit: (7 − 3)/3 + 1 = 2.33")
    assert out.endswith("✓ 1 operation agrees in shape, arrays and work\n")


def test_json_has_every_fact(run: Run) -> None:
    code, out, _ = run("verify", "fine.yaml", "faulty.yaml", "--format", "json")
    fine, faulty = json.loads(out)
    assert code == 1
    assert set(fine) == set(faulty)
    assert (fine["ok"], faulty["ok"]) == (True, False)
    assert [finding["rule"] for finding in faulty["findings"]] == ["invalid-stride"]
    assert fine["layers"] == [
        {
            "path": "layers.0", "kind": "conv", "line": 4, "column": 5,
            "output": {"analysis": "1x1x2", "network": "1x1x2", "agrees": True},
            "weights": {
                "analysis": "bias 2, kernel 3x3x1x2",
                "network": "bias 2, kernel 3x3x1x2",
                "agrees": True,
            },
            "parameters": {"analysis": 20, "network": 20, "agrees": True},
            "state": {"analysis": 0, "network": 0, "agrees": True},
            "macs": {"analysis": 18, "network": 18, "agrees": True},
            "flops": {"analysis": 36, "network": 36, "agrees": True},
        }
    ]  # fmt: skip


def test_memory_is_compared_where_a_batch_is_given(run: Run) -> None:
    code, out, _ = run("verify", "fine.yaml", "--batch", "4", "--optimizer", "sgd")
    *rows, verdict = [line for line in out.splitlines() if "memory" in line]
    lines = {line[:17].strip(): line.split()[2:] for line in rows}
    assert set(lines) == {"inference memory", "training memory"}
    # 20 weights, 4 inputs of 9 and outputs of 2: 256 bytes.
    assert lines["inference memory"][:2] == ["256", "bytes"]
    # In training XLA needs some hundred bytes more, of which the network itself is no reason.
    assert lines["training memory"][:2] == ["336", "bytes"]
    assert verdict == "✗ training memory differs by more than 15 %"
    assert code == 1


def test_a_missing_extra_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("cnnkit.network")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flax", None)
    code, out, err = run("verify", "fine.yaml")
    assert (code, out) == (2, "")
    assert err == "cnnkit: the training backend needs flax: pip install 'cnnkit[train]'\n"
