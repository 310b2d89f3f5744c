"""All that is said of GPUs, measured in one go: ``python benchmarks/gpu.py --json FILE``.

Training steps and inference beside PyTorch, folds side by side, the bits of a run that was killed,
and CIFAR-10 to 94 %, each by its own script or command, one after the other. The file is written
anew after each of them, and what fails or takes too long is told in it: a machine that is lent for
some minutes leaves something behind in any case.

It wants jax's plugin for the GPU and CIFAR-10 (`cnnkit data fetch cifar10`); PyTorch takes part
where it is installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from measuring import environment, machine, versions

HERE = Path(__file__).parent
SPECS = HERE.parent / "specs"
LIMIT = 600.0
"""Seconds, of all together."""

SAID = 2000
"""The last characters of what a part prints that are kept."""


class Part(NamedTuple):
    """A thing to measure.

    Attributes:
        name: What the file calls it.
        command: What is run; with ``{json}`` it writes its figures to that file.
        share: The seconds that it may take.
    """

    name: str
    command: tuple[str, ...]
    share: float


def parts(device: str, folder: Path, *, quick: bool) -> Iterator[Part]:
    """What is measured, the most wanted first."""
    python, less = sys.executable, ("--quick",) if quick else ()
    train = (python, "-m", "cnnkit", "train")
    on = ("--device", device)
    shorter = ("--set", "train.epochs=2") if quick else ()
    airbench, digits = SPECS / "cifar10-airbench.yaml", SPECS / "digits.yaml"
    if not quick:
        yield Part(
            "cifar-10 to 94 %", (*train, str(airbench), *on, "--run-dir", str(folder / "run")), 120
        )
    training, inference, folds = (
        str(HERE / f"{name}.py") for name in ("training", "inference", "cross_validation")
    )
    to_file = ("--json", "{json}", "-q")
    yield Part("training", (python, training, *on, *to_file, *less), 240)
    yield Part("inference", (python, inference, *on, *to_file, "-n", "5", *less), 120)
    yield Part("folds side by side", (python, folds, "--json", *less), 60)
    yield Part(
        "resumed bits",
        (*train, str(digits), *on, "--verify-resume", *shorter, "--run-dir", str(folder / "twice")),
        90,
    )


def measured(part: Part, seconds: float, folder: Path) -> dict[str, Any]:
    """What a part gave: its figures, or what it printed; and how it ended."""
    file = folder / "figures.json"
    file.unlink(missing_ok=True)
    command = [word.format(json=file) if "{json}" in word else word for word in part.command]
    begun = time.perf_counter()
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, env=environment(), timeout=seconds, check=False
        )
        code, printed, complained = ended.returncode, ended.stdout, ended.stderr
    except subprocess.TimeoutExpired:
        code, printed, complained = None, "", f"not done after {seconds:.0f} s"
    found: dict[str, Any] = {"seconds": time.perf_counter() - begun, "exit code": code}
    if file.is_file():
        found["figures"] = json.loads(file.read_text("utf-8"))
    else:
        found["figures" if _is_json(printed) else "printed"] = (
            json.loads(printed) if _is_json(printed) else printed[-SAID:]
        )
    if code != 0:
        found["complained"] = complained[-SAID:]
    return found


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures all within the limit, and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("gpu.json"))
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of all together")
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu")
    parser.add_argument("--quick", action="store_true", help="small and once, to see that it runs")
    given = parser.parse_args(arguments)
    end = time.perf_counter() + given.limit
    record: dict[str, Any] = {"machine": machine() | versions("jax", "flax", "torch"), "parts": {}}
    with TemporaryDirectory() as name:
        for part in parts(given.device, Path(name), quick=given.quick):
            left = min(part.share, end - time.perf_counter())
            found = (
                measured(part, left, Path(name)) if left > 1 else {"complained": "no time was left"}
            )
            record["parts"][part.name] = found
            given.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            ended = "done" if found.get("exit code") == 0 else found["complained"].strip()
            print(f"{part.name}: {ended}", flush=True)


if __name__ == "__main__":
    main()
