"""Several processes: how they are told of each other, and that they train as one would."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit.errors import DataError, TrainingError, UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.distributed import consensus, processes
from cnnkit.training.distributed import launch as launching
from cnnkit.training.distributed.consensus import AgreedInterruption
from cnnkit.training.distributed.processes import Processes, cluster_of, join, processes_of
from cnnkit.training.distributed.sharing import gpus_of
from cnnkit.training.interruption import Interruption
from tests.training.test_devices import CNNKIT

Recipe = Callable[..., Spec]


def test_a_process_is_told_of_the_others() -> None:
    assert processes_of(None, None, None, environment={}) is None
    assert processes_of("here:9000", 1, 0, environment={}) is None
    assert processes_of("here:9000", 4, 3, 20) == Processes("here:9000", 4, 3, 20)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            ("here:9000", None, 1),
            (
                "--processes is missing: each process is told --coordinator HOST:PORT of the first "
                "one, --processes N, and --process-id K from 0 to N - 1; on one machine `cnnkit "
                "launch -n N -- train …` does so"
            ),
        ),
        (("here:9000", 2, 2), "--process-id 2 is none of --processes 2: they count from 0 to 1"),
        (
            ("here", 2, 0),
            (
                "--coordinator 'here' is not HOST:PORT, such as 10.0.0.1:9000: a host that all "
                "processes reach, and a port from 1 to 65535 that is free there"
            ),
        ),
    ],
)
def test_options_that_do_not_go_together(
    given: tuple[str | None, int | None, int | None], text: str
) -> None:
    with pytest.raises(UsageError) as caught:
        processes_of(*given, environment={})
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("variables", "cluster"),
    [
        ({}, None),
        # A shell of `salloc` knows the tasks of its job and is none of them.
        ({"SLURM_NTASKS": "4"}, None),
        (
            {"SLURM_NTASKS": "4", "SLURM_STEP_NODELIST": "n[1-2]", "SLURM_PROCID": "0"}
            | {"SLURM_LOCALID": "0"},
            "Slurm",
        ),
        (
            {"SLURM_NTASKS": "1", "SLURM_STEP_NODELIST": "n1", "SLURM_PROCID": "0"}
            | {"SLURM_LOCALID": "0"},
            None,
        ),
        ({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_MCA_orte_hnp_uri": "1.0;tcp://h:1"}, "Open MPI"),
        ({"KUBERNETES_SERVICE_HOST": "h"}, None),
        ({"KUBERNETES_SERVICE_HOST": "h", "JOB_COMPLETION_INDEX": "0"}, "Kubernetes"),
        ({"TPU_WORKER_HOSTNAMES": "a"}, None),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, "a TPU pod"),
    ],
)
def test_a_cluster_is_known_by_what_it_sets(variables: dict[str, str], cluster: str | None) -> None:
    assert cluster_of(variables) == cluster
    found = processes_of(None, None, None, environment=variables)
    assert found == (None if cluster is None else Processes())


@pytest.mark.parametrize(
    ("processes", "text"),
    [
        (Processes("here:9000", 4, 3, 7), "process 3 of 4 does not find the others at here:9000"),
        (Processes(timeout=7), "this process does not find the others at Slurm"),
    ],
)
def test_others_that_are_not_found(
    processes: Processes, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def initialize(*_: object, **__: object) -> None:
        raise RuntimeError("DEADLINE_EXCEEDED: timed out\nmore")

    monkeypatch.setattr("jax.distributed.initialize", initialize)
    variables = ("SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")
    for name, value in {"SLURM_NTASKS": "4", **dict.fromkeys(variables, "0")}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError) as caught:
        join(processes)
    assert str(caught.value) == f"{text} within 7 s: DEADLINE_EXCEEDED: timed out"


def test_a_process_that_fails_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither at Python's end nor where a thread that waits for the others keeps it from that."""
    left: list[tuple[Any, ...]] = []

    class Due:
        daemon = False

        def __init__(self, *given: Any) -> None:
            self.given = given

        def start(self) -> None:
            left.append((self.daemon, *self.given))

    monkeypatch.setattr(processes, "join", lambda _: None)
    monkeypatch.setattr(processes, "Timer", Due)
    monkeypatch.setattr(atexit, "register", lambda *given: left.append(given))
    with pytest.raises(DataError), processes.joined(Processes("here:9000", 2, 1)):
        raise DataError("a.png is damaged")
    assert left == [(processes._leave, 1), (True, 2.0, processes._leave, [1])]


def test_gpus_are_shared_out() -> None:
    assert gpus_of(2, {"CUDA_VISIBLE_DEVICES": "4,5,6,7"}) == [
        {"CUDA_VISIBLE_DEVICES": "4,5"},
        {"CUDA_VISIBLE_DEVICES": "6,7"},
    ]
    assert gpus_of(2, {"CUDA_VISIBLE_DEVICES": ""}) == [{}, {}]
    with pytest.raises(UsageError) as caught:
        gpus_of(4, {"CUDA_VISIBLE_DEVICES": "0,1"})
    assert str(caught.value) == (
        "4 processes cannot share out 2 GPUs: take -n 2 at most, or `train … --device cpu`"
    )


def launched(
    monkeypatch: pytest.MonkeyPatch, program: str, restarts: int = 0
) -> tuple[int, list[str]]:
    """The exit code and the last words of a launch whose processes run a program of Python."""
    real = subprocess.Popen

    def start(_: list[str], **options: object) -> object:
        return real([sys.executable, "-c", program], **options)  # type: ignore[call-overload]

    monkeypatch.setattr("cnnkit.training.distributed.launch.subprocess.Popen", start)
    told: list[str] = []
    code = launching.launch(
        ["train", "spec.yaml", "--device", "cpu"],
        2,
        timeout=7,
        restarts=restarts,
        tell=told.append,
    )
    return code, told


def test_a_mistake_of_all_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = "import sys; print('cnnkit: no such file', file=sys.stderr); sys.exit(2)"
    assert launched(monkeypatch, program) == (2, [])
    assert capfd.readouterr().err.splitlines() == ["0 | cnnkit: no such file"]


def test_what_gloo_says_is_not_relayed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "print('[Gloo] Rank 1 is connected to [Gloo] Rank 0 is connected to 3 peer ranks.')\n"
        "print(' peer ranks. Expected number of connected peer ranks is : 3')\n"
        "print('epoch 1/4')"
    )
    assert launched(monkeypatch, program) == (0, [])
    assert sorted(capfd.readouterr().out.splitlines()) == ["0 | epoch 1/4", "1 | epoch 1/4"]


def test_a_process_that_is_killed_ends_the_others_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first one would wait for it for good.
    program = (
        "import os, time\n"
        "if os.environ['CNNKIT_PROCESS_ID'] == '1': os.kill(os.getpid(), 9)\n"
        f"open(os.environ[{launching.BEGUN!r}], 'w').write('runs/net')\n"
        "time.sleep(600)"
    )
    monkeypatch.setattr(launching, "_GRACE", 0.5)
    code, told = launched(monkeypatch, program)
    assert code == 128 + signal.SIGKILL
    assert told in (
        [
            (
                "process 1 of 2 was ended by SIGKILL, and the others with it; go on with `cnnkit "
                "launch -n 2 -- train --resume runs/net`"
            )
        ],
        # It was killed before the first one had begun a run.
        ["process 1 of 2 was ended by SIGKILL, and the others with it"],
    )


def test_a_process_that_jax_finds_silent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os, sys, time\n"
        "if os.environ['CNNKIT_PROCESS_ID'] == '1': time.sleep(600)\n"
        "print('E1130 18:41:27.4 The following tasks are unhealthy (stopped sending heartbeats):'"
        ", '1', sep='\\n', file=sys.stderr, flush=True)\n"
        "os.abort()"
    )
    monkeypatch.setattr(launching, "_GRACE", 0.5)
    code, told = launched(monkeypatch, program)
    assert code == 128 + signal.SIGABRT
    assert told == ["process 1 of 2 was silent for 7 s; all were ended"]


def test_the_mistake_is_the_cause_and_not_who_met_it_first(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import os, sys, time\n"
        "if os.environ['CNNKIT_PROCESS_ID'] == '1': sys.exit('process 0 failed')\n"
        "time.sleep(0.3)\n"
        "print('cnnkit: runs/net is in use', file=sys.stderr)\n"
        "sys.exit(2)"
    )
    assert launched(monkeypatch, program) == (2, [])
    assert capfd.readouterr().err.splitlines() == ["0 | cnnkit: runs/net is in use"]


def test_a_launch_that_is_asked_to_end_begins_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The processes have not come so far as to keep all and end by themselves.
    program = (
        "import os, signal, time\n"
        f"open(os.environ[{launching.BEGUN!r}], 'w').write('runs/net')\n"
        "if os.environ['CNNKIT_PROCESS_ID'] == '0': os.kill(os.getppid(), signal.SIGTERM)\n"
        "time.sleep(600)"
    )
    monkeypatch.setattr(launching, "_GRACE", 0.5)
    code, told = launched(monkeypatch, program, restarts=3)
    assert code == 128 + signal.SIGTERM
    assert len(told) == 1
    assert told[0].endswith("; go on with `cnnkit launch -n 2 -- train --resume runs/net`")


def test_the_options_of_a_process_are_not_given_to_a_launch() -> None:
    with pytest.raises(UsageError) as caught:
        launching.launch(["train", "a.yaml", "--processes=4"], 2, timeout=9, tell=print)
    assert str(caught.value) == (
        "launch itself tells each process of the others: leave out --processes behind `train`; -n "
        "before it says how many there are"
    )


def test_what_is_no_training_is_not_launched() -> None:
    with pytest.raises(UsageError) as caught:
        launching.launch(["check", "spec.yaml"], 2, timeout=9, tell=print)
    assert str(caught.value) == (
        "launch runs `train`, not check: cnnkit launch -n 2 -- train specs/digits.yaml"
    )


@pytest.mark.parametrize("deep", [True, False])
def test_a_failure_is_told_once_to_processes_that_are_at_different_places(
    deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fails within a part of a part or before it; the other has come to the inner one."""
    told: list[NDArray[Any]] = []

    def gathered(own: NDArray[Any]) -> NDArray[Any]:
        told.append(own)
        return np.stack([told[0], own])

    monkeypatch.setattr(consensus, "alone", lambda: False)
    monkeypatch.setattr(consensus, "_gathered", gathered)

    def fails() -> None:
        with consensus.together(), consensus.together() if deep else nullcontext():
            raise DataError("a.png is damaged")

    with pytest.raises(DataError, match=r"a\.png is damaged"):
        fails()
    assert len(told) == 1
    with pytest.raises(TrainingError) as caught, consensus.together(), consensus.together():
        pass
    assert str(caught.value) == "process 0 failed, so all of them end: a.png is damaged"
    assert len(told) == 2


def test_sums_of_several_processes_keep_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    own = np.array([[2.0**60, 0.1]])
    monkeypatch.setattr(consensus, "_gathered", lambda sent: np.stack([sent, sent]))
    assert consensus._summed(own).tolist() == [[2.0**61, 0.2]]


def test_a_sigterm_that_comes_twice_is_one_wish() -> None:
    with AgreedInterruption() as interruption:
        caught = signal.getsignal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == caught
        assert not interruption  # before all have agreed
    with Interruption() as alone:
        caught = signal.getsignal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) != caught
        assert alone


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
def test_a_run_goes_on_after_a_process_was_killed(recipe: Recipe, tmp_path: Path) -> None:
    source = tmp_path / "spec.json"
    spec = recipe(epochs=60, checkpoint={"interval": "1s"}, augment=[{"shift": 1}], ema=0.9)
    source.write_text(json.dumps(spec.to_dict()))
    run = tmp_path / "run"
    given = ["train", str(source), "--run-dir", str(run), "--device", "cpu"]
    process = subprocess.Popen(
        [*CNNKIT, "launch", "-n", "2", "--restarts", "1", "--", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    kill_the_second_of(process.pid, begun=run / "metrics.jsonl")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert (
        "cnnkit: process 1 of 2 was ended by SIGKILL, and the others with it; the run goes on from "
        "its last checkpoint"
    ) in said.splitlines()
    assert f"0 | resuming {run} at step " in said
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4 * epoch for epoch in range(1, 61)]


def kill_the_second_of(parent: int, begun: Path) -> None:
    """Kills the second child of a process once a file has a line."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    until = time.monotonic() + 200
    while time.monotonic() < until:
        if begun.exists() and begun.read_text().count("\n"):
            _, second = children.read_text().split()[:2]
            os.kill(int(second), signal.SIGKILL)
            return
        time.sleep(0.05)
    raise AssertionError("no epoch was trained")
