"""The whole zoo and the lectures: analysis, Flax and XLA agree on each layer."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("flax")

import cnnkit
from cnnkit.network.verification import verify

ROOT = Path(__file__).parents[2] / "specs"
SPECS = sorted([*ROOT.glob("zoo/*.yaml"), *ROOT.glob("lectures/*.yaml")])
FAULTY = {"stride-3"}  # shows an invalid combination on purpose


def test_there_are_specs() -> None:
    assert len(SPECS) > 60


@pytest.mark.parametrize(
    "path", [path for path in SPECS if path.stem not in FAULTY], ids=lambda path: path.stem
)
def test_analysis_and_network_agree(path: Path) -> None:
    verification = verify(cnnkit.analyze(cnnkit.load(path)))
    found = {layer.path: layer.mismatches for layer in verification.layers if layer.mismatches}
    assert found == {}
    assert verification.strays == ()
    assert {name for name, pair in verification.totals().items() if not pair.agrees} == set()
