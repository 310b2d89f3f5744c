"""The benchmarks run; what they measure is for a quiet machine, not for a test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _run(script: str, *flags: str) -> str:
    command = [sys.executable, str(BENCHMARKS / script), "--quick", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _heads_a_table(text: str) -> bool:
    return text.startswith("processor ") and "medians of n = 1" in text and "| ---" in text


def test_startup_gives_the_ratio_of_its_two_sides() -> None:
    text = _run("startup.py")
    assert _heads_a_table(text)
    assert re.search(r"^ratio \d+\.\d+, .* the bar of 1\.35$", text, re.MULTILINE)


def test_analysis_prints_a_table() -> None:
    text = _run("analysis.py")
    assert _heads_a_table(text)
    assert "small specs from files" in text


def test_analysis_gives_the_ratio_of_two_depths_and_the_rate() -> None:
    figures = json.loads(_run("analysis.py", "--json"))
    for kind in ("equal", "distinct"):
        short, long = figures["depth"][kind]["seconds"].values()
        assert figures["depth"][kind]["ratio"] == long / short
    assert figures["files"]["rate"] == figures["files"]["specs"] / figures["files"]["seconds"]


def test_importing_prints_a_table_of_networks_and_bars() -> None:
    text = _run("importing.py")
    assert _heads_a_table(text)
    assert re.search(r"^\| resnet-50 +\| +[\d,.]+ ms \| 1\.5 s \|$", text, re.MULTILINE)


@pytest.mark.long
def test_augmentation_gives_the_ratio_of_each_way_to_ours() -> None:
    figures = json.loads(_run("augmentation.py", "--json"))["augmentation"]
    ours, *others = figures["seconds"].values()
    assert list(figures["ratios"].values()) == [1.0, *(other / ours for other in others)]
    assert _heads_a_table(_run("augmentation.py"))


@pytest.mark.long
def test_training_gives_the_rate_of_each_side() -> None:
    text = _run("training.py")
    assert _heads_a_table(text)
    assert re.search(
        r"^\| lenet-5: cnnkit +\| +[\d,]+ \| +1\.00 \| +[\d.]+ ms \|", text, re.MULTILINE
    )


@pytest.mark.long
def test_estimates_gives_the_ratio_to_what_was_measured() -> None:
    text = _run("estimates.py")
    assert re.search(
        r"^\| lenet-5, training +\| +[\d.]+ µs \| +[\d.,]+ [mµ]s \| +[\d.]+ \* \|",
        text,
        re.MULTILINE,
    )
    assert "training: 0 of 1 within 30%, bar 80%: NOT MET; misses: lenet-5 0." in text


@pytest.mark.long
def test_kernels_gives_the_ratio_to_the_plain_ones() -> None:
    text = _run("kernels.py")
    assert _heads_a_table(text)
    assert "more than 5% slower: " in text


@pytest.mark.long
def test_segmentation_gives_what_each_side_reaches() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    text = _run("segmentation.py", "--task", "denoise", "--sides", "cnnkit", "torch", "torch-start")
    assert "; 1 epochs, 1 seeds" in text
    for side in ("cnnkit", "torch", "torch-start"):
        assert re.search(rf"^\| {side} +\| [\d.]+ dB \([\d.]+ dB\) \|", text, re.MULTILINE)
