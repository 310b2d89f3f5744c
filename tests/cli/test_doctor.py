"""`cnnkit doctor`: what it finds, what it says is missing, and its two formats."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cnnkit
from cnnkit.doctor import Examination, Fact, examine, machine
from cnnkit.doctor.fact import GROUPS
from cnnkit.network.kernels import onednn
from cnnkit.report import doctor
from tests.cli.command import Run, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "gemm_rate", lambda *_: 123.4e9)
    monkeypatch.setattr(
        onednn,
        "load",
        lambda: onednn.Availability(False, False, "switched off by CNNKIT_ONEDNN=off"),
    )
    return runner(monkeypatch, capfd)


def named(facts: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [fact for fact in facts if fact["name"] == name]
    return found


def test_json_holds_every_fact(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "a-file").touch()
    done = run("doctor", "--format", "json", "--data-dir", str(tmp_path))
    assert (done.code, done.err) == (0, "")
    examined = json.loads(done.out)
    facts = examined["facts"]
    assert examined["format"] == 1
    assert list(dict.fromkeys(fact["group"] for fact in facts)) == list(GROUPS)
    assert named(facts, "cnnkit")["value"] == cnnkit.__version__
    assert named(facts, "extension")["value"] == "not in use: switched off by CNNKIT_ONEDNN=off"
    assert named(facts, "float32 product")["value"].startswith("123 GFLOP/s")
    assert named(facts, "mnist")["level"] == "good"
    assert named(facts, "cifar10")["advice"] == "cnnkit data fetch cifar10"
    compiled = tmp_path / "cache" / "cnnkit" / "compiled"
    value = f"none yet; they will be kept in {compiled}"
    assert named(facts, "compiled programs")["value"] == value
    compiled.mkdir(parents=True)
    (compiled / "program").write_bytes(bytes(3 << 20))
    facts = examine(tmp_path).to_dict()["facts"]
    assert f"3 MiB in 1 files, {compiled}" in str(facts)


def test_the_table_marks_what_is_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    facts = (
        Fact("versions", "cnnkit", "1.2"),
        Fact("devices", "JAX", "not installed", "missing", "pip install 'cnnkit[train]'"),
        Fact("devices", "accelerator", "none found", "info"),
    )
    doctor.write(Examination(facts), "table")
    assert capsys.readouterr().out.splitlines() == [
        "versions  ✓  cnnkit       1.2",
        "devices   ✗  JAX          not installed → pip install 'cnnkit[train]'",
        "          ·  accelerator  none found",
    ]


def test_without_the_extra_it_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = importlib.util.find_spec
    missing = ("jax", "numpy")
    for module in ("cnnkit.doctor.examination", "cnnkit.cli.doctor"):
        monkeypatch.setattr(
            f"{module}.find_spec", lambda name: None if name in missing else found(name)
        )
    done = run("doctor", "--format", "json", "--data-dir", str(tmp_path))
    assert done.code == 1
    facts = json.loads(done.out)["facts"]
    for name in ("JAX", "folder"):
        assert named(facts, name)["advice"] == "pip install 'cnnkit[train]'"
    built = run("doctor", "--build")
    assert (built.code, built.out) == (2, "")
    said = "cnnkit: the extension needs JAX: pip install 'cnnkit[train,onednn]'\n"
    assert built.err == said


def test_an_extension_that_was_wanted_and_is_not_there_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = "the extension is not built: `cnnkit doctor --build`"
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(False, True, reason))
    (fact,) = machine.extension()
    assert fact == Fact(
        "onednn",
        "extension",
        "not in use: the extension is not built",
        "missing",
        "`cnnkit doctor --build`",
    )


def test_a_gpu_that_jax_does_not_use_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/nvidia-smi")
    (fact,) = machine._unused()
    assert (fact.name, fact.level) == ("NVIDIA GPU", "missing")
    assert fact.advice == "pip install 'jax[cuda13]' (or 'jax[cuda12]' for a driver before 580)"


def test_a_jax_without_devices_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def devices() -> None:
        raise RuntimeError("Unable to initialize backend 'cuda'\nmore")

    monkeypatch.setattr("jax.devices", devices)
    (fact,) = machine.devices()
    assert fact.value == "finds no device: Unable to initialize backend 'cuda'"


def test_the_rate_is_that_of_the_median_product(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 1.0, 1.0, 5.0, 5.0, 7.0])  # one, four and two seconds
    monkeypatch.setattr(machine, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert machine.gemm_rate(10, "float32", repeats=3) == 2 * 10**3 / 2
