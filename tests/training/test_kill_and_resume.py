"""Real processes are killed at random moments, during saves too: the run ends in the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnkit.spec.model.spec import Spec
from cnnkit.training.options import Options
from cnnkit.training.proof.resume import verify_resume
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]
KILLS = int(os.environ.get("CNNKIT_KILLS", "3"))


class Notes(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_run_that_is_killed_again_and_again_ends_in_the_same_bits(recipe: Recipe) -> None:
    notes = Notes()
    # Steps enough that twenty processes do not come to the end; averages and batch statistics too.
    spec = recipe(epochs=400, batch_size=4, ema=0.99, augment=[{"shift": 1}], label_smoothing=0.1)
    options = Options(device="cpu", limit=60)
    assert verify_resume(spec, options, notes, kills=KILLS, seed=3, epochs=60), notes.notes
    assert notes.notes[-1] == (
        f"killed {KILLS} times and resumed, the run ended in the same weights, metrics and best "
        f"checkpoint, bit for bit"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
def test_a_disk_that_fills_up_leaves_a_run_that_goes_on(recipe: Recipe, tmp_path: Path) -> None:
    """The limit of a file's size gives the same kind of error as a disk without space."""
    source = tmp_path / "spec.json"
    import json

    spec = recipe(epochs=200, checkpoint={"keep": 1})
    source.write_text(json.dumps(spec.to_dict()))
    run = tmp_path / "run"
    limited = (
        "import resource, sys; from cnnkit.__main__ import main;"
        # metrics.jsonl grows beyond it, in the midst of the run.
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000));"
        "sys.argv = ['cnnkit', 'train', sys.argv[1], '--run-dir', sys.argv[2]]; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, str(source), str(run)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache")},
    )
    assert ended.returncode == 1, ended.stderr
    assert "cnnkit: the disk is full:" in ended.stderr
    assert "could not be written; free some space there" in ended.stderr
    assert f"go on with `cnnkit train --resume {run}`" in ended.stderr
    assert "Traceback" not in ended.stderr
