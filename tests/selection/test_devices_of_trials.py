"""Folds and trials of a recipe for more devices than are there are refused before any begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from cnnkit.errors import SpecError
from cnnkit.selection.folds.directory import FoldOptions, cross_validated
from cnnkit.selection.search.directory import SearchOptions, searched
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load

SPEC = """\
input: 8x8x1
layers: [flatten, {dense: {units: 10}}]
train:
  data: digits
  batch_size: 16
  parallel: {shard: 4}
search:
  train.learning_rate: [0.1, 0.01]
"""


@pytest.mark.parametrize(
    "begin",
    [
        lambda spec, run: searched(spec, SearchOptions(run_dir=run, device="cpu")),
        lambda spec, run: cross_validated(spec, FoldOptions(run_dir=run, device="cpu")),
    ],
    ids=["search", "folds"],
)
def test_devices_that_are_missing_are_said_with_their_line(
    begin: Callable[[Spec, Path], object], tmp_path: Path
) -> None:
    spec, run = load(SPEC), tmp_path / "run"
    with pytest.raises(SpecError) as caught:
        begin(spec, run)
    (finding,) = caught.value.findings
    assert finding.location is not None
    assert (finding.location.line, finding.location.column) == (6, 21)
    assert (finding.message, finding.help) == (
        "`shard: 4` takes 4 devices, and there is 1",
        "take fewer, or run it where there are as many",
    )
    assert not run.exists()
