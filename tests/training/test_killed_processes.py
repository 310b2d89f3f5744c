"""Several processes share a checkpoint; one is killed, and the run ends as if none had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import train
from cnnkit.training.store.checkpoint import Checkpoints
from cnnkit.training.view.display import Quiet
from tests.training.forked import Session, moments
from tests.training.test_devices import run_on

Recipe = Callable[..., Spec]
KILLS = int(os.environ.get("CNNKIT_KILLS", "10"))
EXAMPLES = 60


def network(recipe: Recipe, **fields: Any) -> dict[str, Any]:
    """The bars with a dense layer that is large enough to be cut."""
    spec = recipe(
        optimizer={"adam": {"epsilon": 1e-3}},
        learning_rate=0.002,
        **fields,
    ).to_dict()
    kernel = {"filters": 64, "kernel": 3, "padding": "same", "bias": False}
    layers = [{"conv": kernel}, "batch_norm", "relu", "flatten", {"dense": {"units": 3}}]
    return {**spec, "layers": layers}


def sessions(source: Path, run: Path, wanted: Sequence[Session]) -> list[dict[str, Any]]:
    """What became of sessions of forked processes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.forked", source, run, json.dumps(wanted)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def epochs(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def arrays(run: Path) -> dict[str, Any]:
    last, problems = Checkpoints(run / "checkpoints").last()
    assert last is not None
    assert problems == []
    return last.arrays()


@pytest.fixture(scope="module")
def source(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec whose weights lie in parts on the devices of two processes."""
    path = tmp_path_factory.mktemp("several") / "spec.json"
    spec = network(recipe, epochs=4, parallel={"shard": 4}, checkpoint={"interval": "1h"})
    path.write_text(json.dumps(spec))
    return path


@pytest.fixture(scope="module")
def whole(source: Path) -> Path:
    """The run that two processes make of it."""
    run_on(2, source, source.parent / "whole", processes=2)
    return source.parent / "whole"


def test_two_processes_of_two_devices_give_the_curve_of_one(source: Path, whole: Path) -> None:
    spec = json.loads(source.read_text())
    spec["train"]["parallel"] = {}
    train(load(spec), run_dir=source.parent / "one", display=Quiet())
    found, one = epochs(whole), epochs(source.parent / "one")
    assert len(found) == len(one) == 4
    for ours, theirs in zip(found, one, strict=True):
        assert ours["step"] == theirs["step"]
        for split in ("train", "validation"):
            assert ours[split] == pytest.approx(theirs[split], rel=1e-5)


def test_each_process_writes_its_part(whole: Path) -> None:
    last = Checkpoints(whole / "checkpoints").found()[-1]
    for process in (0, 1):
        parts = (last.path / "state" / f"ocdbt.process_{process}" / "d").iterdir()
        # Its two devices have half of the 2,304 × 3 weights of the dense layer, and of two slots of
        # each; their bytes are hardly compressed.
        assert sum(each.stat().st_size for each in parts) > 3 * 2304 * 3 / 2 * 4 * 0.8
    assert arrays(whole)["params.layers.4.kernel.value"].shape == (2304, 3)


def test_a_process_is_killed_within_a_save_that_steps_do_not_wait_for(
    source: Path, whole: Path, tmp_path: Path
) -> None:
    """The save before stays whole, and the run ends in the bits of one that nobody killed."""
    run = tmp_path / "run"
    killed, ended = sessions(
        source,
        run,
        [{"processes": 2, "victim": 1, "at": "write"}, {"processes": 2}],
    )
    assert killed["codes"][1] == -signal.SIGKILL
    assert killed["pending"] == [".pending-step-00000008-epoch-0002"]
    assert (killed["place"], killed["problems"]) == ([4, 1], [])
    assert ended["codes"] == [0, 0], ended["errors"]
    assert ended["pending"] == []
    assert compare(whole, run) == []


@pytest.mark.long
@pytest.mark.parametrize("parallel", [{}, {"shard": 4}, {"spatial": 2}], ids=str)
def test_processes_that_are_killed_again_and_again_in_other_numbers(
    recipe: Recipe, tmp_path: Path, parallel: dict[str, int]
) -> None:
    """Four go on with what two left, and two with what four left: as if nobody had been killed."""
    length = 60 * KILLS  # that it has not ended when the moment comes
    source, whole, run = tmp_path / "spec.json", tmp_path / "whole", tmp_path / "run"
    spec = network(recipe, epochs=length, parallel=parallel, checkpoint={"interval": 0.1})
    source.write_text(json.dumps(spec))
    (plain,) = sessions(source, whole, [{"processes": 4}])
    assert plain["codes"] == [0] * 4, plain["errors"]
    *killed, ended = sessions(source, run, moments(KILLS, seed=len(str(parallel))))
    for each in killed:
        assert -signal.SIGKILL in each["codes"], each["errors"]
        assert each["problems"] == []
    assert {len(each["codes"]) for each in killed} == {2, 4}
    places = [each["place"] or [0, 0] for each in killed]
    assert places == sorted(places)  # nothing that was kept is lost
    assert set(ended["codes"]) == {0}, ended["errors"]
    ours, theirs = epochs(run), epochs(whole)
    assert [each["step"] for each in ours] == [4 * (epoch + 1) for epoch in range(length)]
    for one, other in zip(ours, theirs, strict=True):
        for split in ("train", "validation"):
            assert one[split] == pytest.approx(other[split], rel=1e-5, abs=1e-7)
    mine, others = arrays(run), arrays(whole)
    assert mine["totals.examples"] == EXAMPLES
    assert mine.keys() == others.keys()
    for name in mine:
        assert mine[name] == pytest.approx(others[name], rel=1e-5, abs=1e-6), name


@pytest.mark.long
def test_a_sigterm_of_one_process_is_obeyed_by_all_at_once(recipe: Recipe, tmp_path: Path) -> None:
    source, run = tmp_path / "spec.json", tmp_path / "run"
    spec = network(recipe, epochs=200, parallel={"shard": 4}, checkpoint={"interval": 0.1})
    source.write_text(json.dumps(spec))
    asked: Session = {"processes": 2, "victim": 1, "at": 0.2, "signal": signal.SIGTERM}
    (ended,) = sessions(source, run, [asked])
    assert ended["codes"] == 2 * [128 + signal.SIGTERM], ended["errors"]
    assert ended["pending"] == []
    step, _ = ended["place"]
    assert arrays(run)["step"] == step > 0
