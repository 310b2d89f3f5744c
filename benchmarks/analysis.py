"""How fast specs are read and analysed: in the depth of a network, and in their number.

- A straight stack of 10,000 convolutions takes less than 20 times as long as one of 500.
- 1,000 small specs from files are done in one process; the aim is 500 a second.
- With ``--peers``, ResNet-50 and DenseNet-121 against torchinfo and Keras: at least 8 times as
  fast in a new process, 50 times in a warm one; warm, in 15 and 40 ms.

All of cnnkit runs on one core; the peers have all cores. An interpreter that has torch and
torchinfo is named by CNNKIT_TORCH_PYTHON, one that has keras by CNNKIT_KERAS_PYTHON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from measuring import Measure, environment, heading, in_turn, machine, milliseconds, table, versions

import cnnkit

PEERS = Path(__file__).parent / "peers"
DEPTHS = (500, 10_000)
SPECS = 1000
NETWORKS = {"resnet-50": 0.015, "densenet-121": 0.040}
"""The networks of the comparison, and the seconds that a warm analysis may take."""

DEPTH_BAR = 20.0
RATE_AIM = 500
COLD_AIM, WARM_AIM = 8, 50


class Side(NamedTuple):
    """A program of the comparison: its script, flags, interpreter, and what that must have."""

    name: str
    script: str
    flags: tuple[str, ...] = ()
    variable: str = ""
    needs: tuple[str, ...] = ()

    @property
    def interpreter(self) -> str:
        """The Python that runs it."""
        return os.environ.get(self.variable) or sys.executable

    def command(self, network: str) -> list[str]:
        """The command that counts a network."""
        return [self.interpreter, str(PEERS / self.script), network, *self.flags]

    def installed(self) -> str | None:
        """The versions of what it needs; None where something is missing."""
        asked = f"import importlib.metadata as m; print(*[m.version(p) for p in {self.needs!r}])"
        found = subprocess.run(
            [self.interpreter, "-c", asked], capture_output=True, text=True, check=False
        )
        if found.returncode:
            return None
        pairs = zip(self.needs, found.stdout.split(), strict=True)
        return ", ".join(f"{name} {version}" for name, version in pairs)


CNNKIT = Side("cnnkit", "cnnkit_side.py")
OTHERS = (
    Side("torchinfo", "torchinfo_side.py", (), "CNNKIT_TORCH_PYTHON", ("torch", "torchinfo")),
    Side(
        "torchinfo (meta)",
        "torchinfo_side.py",
        ("--meta",),
        "CNNKIT_TORCH_PYTHON",
        ("torch", "torchinfo"),
    ),
    Side("keras", "keras_side.py", (), "CNNKIT_KERAS_PYTHON", ("keras", "jax")),
)


def main() -> None:
    """Measures, and prints a table for each claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5, help="runs of each side")
    parser.add_argument("--peers", action="store_true", help="compare with torchinfo and Keras")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="small and once, to see that it runs")
    options = parser.parse_args()
    n = 1 if options.quick else options.n
    shrink = 50 if options.quick else 1
    figures: dict[str, Any] = {
        "depth": _depth([depth // shrink for depth in DEPTHS], n),
        "files": _files(SPECS // shrink, n),
    }
    if options.peers:
        figures["peers"] = _peers(n)
    facts = machine() | versions("cnnkit", "pydantic", "PyYAML")
    if options.json:
        print(json.dumps({"machine": facts, "n": n, **figures}, indent=2))
    else:
        print(f"{heading(facts)}; medians of n = {n}")
        _print(figures)


def _depth(depths: Sequence[int], n: int) -> dict[str, Any]:
    """Reading and analysing a short and a long stack, of equal layers and of distinct ones."""
    found = {}
    for name, padding in {"equal": "same", "distinct": "valid"}.items():
        sides = {str(depth): _stack(depth, padding) for depth in depths}
        seconds = in_turn(sides, n)
        short, long = seconds.values()
        found[name] = {"seconds": seconds, "ratio": long / short}
    return found


def _stack(depth: int, padding: str) -> Measure:
    """The time to read and analyse a stack; without padding no two layers have one shape."""
    layer = f"  - conv: {{filters: 8, kernel: 3, padding: {padding}}}\n"
    text = f"input: {4 * depth}x1\nlayers:\n{layer * depth}"
    return _timed(lambda: cnnkit.analyze(cnnkit.load(text)))


def _files(count: int, n: int) -> dict[str, Any]:
    """Reading and analysing many small specs from files, one after the other."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.yaml") for number in range(count)]
        for number, path in enumerate(paths):
            path.write_text(_small(number))

        def analyze_all() -> None:
            for path in paths:
                cnnkit.analyze(cnnkit.load(path))

        seconds = in_turn({"all": _timed(analyze_all)}, n)["all"]
    return {"specs": count, "seconds": seconds, "rate": count / seconds, "aim": RATE_AIM}


def _small(number: int) -> str:
    """A small classifier that no other number shares."""
    return f"""\
name: classifier-{number}
input: {28 + number % 32 * 2}x{28 + number // 32 * 2}x3
layers:
  - conv: {{filters: {8 + number % 7}, kernel: 3, padding: same, bias: false}}
  - batch_norm
  - relu
  - max_pool: {{size: 2}}
  - conv: {{filters: {16 + number % 11}, kernel: 3, padding: same, activation: relu}}
  - global_mean_pool
  - dropout: {{rate: 0.2}}
  - dense: {{units: 10}}
  - softmax
expect: {{output: [10]}}
"""


def _peers(n: int) -> dict[str, Any]:
    """Both networks by all who are installed, in new processes and in warm ones."""
    sides = [CNNKIT]
    found: dict[str, Any] = {"versions": {}, "skipped": [], "networks": {}}
    for side in OTHERS:
        version = side.installed()
        if version is None:
            found["skipped"].append(f"{side.name}: {' or '.join(side.needs)} is not installed")
        else:
            found["versions"][side.name] = version
            sides.append(side)
    for network in NETWORKS:
        with ExitStack() as running:
            variables = environment() | {"KERAS_BACKEND": "jax"}
            cold = in_turn({side.name: _once(side, network, variables) for side in sides}, n)
            warm = in_turn(
                {
                    side.name: running.enter_context(_served(side, network, variables))
                    for side in sides
                },
                n,
            )
        found["networks"][network] = {"cold": cold, "warm": warm}
    return found


def _once(side: Side, network: str, variables: dict[str, str]) -> Measure:
    """The time of a new process from its start to its end."""
    command = [*side.command(network), "--once"]
    return _timed(lambda: subprocess.run(command, env=variables, capture_output=True, check=True))


@contextmanager
def _served(side: Side, network: str, variables: dict[str, str]) -> Iterator[Measure]:
    """The time that a process which has done so before says it takes."""
    with subprocess.Popen(
        side.command(network),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables,
        text=True,
    ) as process:
        requests, answers = process.stdin, process.stdout
        assert requests is not None
        assert answers is not None

        def measure() -> float:
            print(file=requests, flush=True)
            return float(json.loads(answers.readline())["seconds"])

        yield measure
        requests.close()


def _timed(action: Any) -> Measure:
    def measure() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return measure


def _print(figures: dict[str, Any]) -> None:
    depth, files = figures["depth"], figures["files"]
    counts = list(depth["equal"]["seconds"])
    rows = [
        [name, *map(milliseconds, found["seconds"].values()), f"{found['ratio']:.1f}"]
        for name, found in depth.items()
    ]
    print(f"\nA stack of convolutions, read and analysed (bar: ratio under {DEPTH_BAR:.0f}):\n")
    print(table(["layers", *[f"{int(count):,}" for count in counts], "ratio"], rows))
    print(
        f"\n{files['specs']:,} small specs from files: {milliseconds(files['seconds'])}, "
        f"{files['rate']:,.0f} a second (aim: {files['aim']})"
    )
    if "peers" in figures:
        _print_peers(figures["peers"])


def _print_peers(peers: dict[str, Any]) -> None:
    print()
    for name, version in peers["versions"].items():
        print(f"- {name}: {version}")
    for line in peers["skipped"]:
        print(f"- skipped {line}")
    for network, found in peers["networks"].items():
        cold, warm = found["cold"], found["warm"]
        rows = [[name, *_compared(cold, name), *_compared(warm, name)] for name in cold]
        aims = f"aims: cold {COLD_AIM} ×, warm {WARM_AIM} × and {milliseconds(NETWORKS[network])}"
        print(f"\n{network} ({aims}):\n")
        print(table(["program", "new process", "× cnnkit", "warm", "× cnnkit "], rows))


def _compared(seconds: dict[str, float], name: str) -> list[str]:
    """The time of a program, and how many times as long as cnnkit it takes."""
    return [milliseconds(seconds[name]), f"{seconds[name] / seconds[CNNKIT.name]:.1f}"]


if __name__ == "__main__":
    main()
