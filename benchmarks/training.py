"""How fast networks are trained: cnnkit, Flax's loop, Keras on JAX and PyTorch, in turn.

Each side is a process of its own, so that threads and settings do not mix, and trains the same
network: the peers' are written by `cnnkit convert`. All compile first; then they take bursts of
steps in turn, n times. A machine that is busy for a while is then busy for
all of them, and the ratios hold.

    python benchmarks/training.py                                # all that is installed, on the CPU
    python benchmarks/training.py --precision bfloat16           # and our own float32 beside it
    python benchmarks/training.py --device gpu                   # in bfloat16
    python benchmarks/training.py --networks lenet-5 --sides cnnkit flax -n 9

An interpreter that has torch is named by CNNKIT_TORCH_PYTHON, one that has keras by
CNNKIT_KERAS_PYTHON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from measuring import environment, heading, machine, table, versions
from sides import Figures, Process, Side, in_bursts, processes, ready

HERE = Path(__file__).parent
PEERS = HERE / "peers"
BURST = {"cpu": 0.5, "gpu": 0.4}
"""The seconds that a burst of steps should take."""
BARS = {
    "float32": {
        "lenet-5": {"torch": 2.0, "keras": 2.5},
        "vgg-cifar": {"torch": 1.5, "keras": 2.5},
        "resnet-20": {"torch": 1.5, "keras": 2.5},
        "mobilenet-v2": {"torch": 1.5, "keras": 2.5},
        "u-net-padded": {"torch": 1.2},
        "segment-digits": {"torch": 1.2},
    },
    "bfloat16": {
        "lenet-5": {"torch": 1.3},
        "vgg-cifar": {"torch": 1.3, "cnnkit, float32": 1.6},
        "resnet-20": {"torch": 1.3, "cnnkit, float32": 1.6},
        "mobilenet-v2": {"torch": 1.3},
    },
}
"""What cnnkit's images a second should be at least, in those of a peer's best side on a CPU."""


class Network(NamedTuple):
    """A network of the comparison.

    Attributes:
        name: What the table calls it.
        spec: Its spec.
        shape: That of an input.
        flags: What is set in the spec.
        batch: The examples of a step, where it has a number of its own.
        maps: Whether it answers for each pixel.
    """

    name: str
    spec: Path
    shape: tuple[int, ...]
    flags: tuple[str, ...] = ()
    batch: int | None = None
    maps: bool = False


ZOO = HERE.parent / "specs" / "zoo"
NETWORKS = (
    Network("lenet-5", ZOO / "lenet-5.yaml", (32, 32, 1)),
    Network("vgg-cifar", HERE / "networks" / "vgg-cifar.yaml", (32, 32, 3)),
    Network("resnet-20", ZOO / "resnet-20-cifar.yaml", (32, 32, 3)),
    Network("mobilenet-v2", ZOO / "mobilenet-v2.yaml", (64, 64, 3), ("input=64x64x3",)),
    Network(
        "u-net-padded", ZOO / "u-net-padded.yaml", (64, 64, 3), ("input=64x64x3",), 32, maps=True
    ),
    Network("segment-digits", ZOO.parent / "segment-digits.yaml", (64, 64, 1), batch=32, maps=True),
)
SIDES = (
    Side("cnnkit", "training_cnnkit.py"),
    Side("cnnkit, float32", "training_cnnkit.py", precision="float32"),
    Side("cnnkit, no oneDNN", "training_cnnkit.py", settings={"CNNKIT_ONEDNN": "off"}),
    Side("flax", "training_flax.py", "flax"),
    Side("keras", "training_keras.py", "keras", ("keras", "jax"), (), "CNNKIT_KERAS_PYTHON"),
    Side("torch", "training_torch.py", "torch", ("torch",), (), "CNNKIT_TORCH_PYTHON"),
    Side(
        "torch.compile", "training_torch.py", "torch", ("torch",), ("compile",),
        "CNNKIT_TORCH_PYTHON",
    ),
)  # fmt: skip


def measured(
    network: Network,
    sides: Sequence[Side],
    batch: int,
    device: str,
    precision: str,
    n: int,
    *,
    realtime: bool = False,
) -> dict[str, Figures]:
    """The figures of the sides that could train the network.

    On a CPU they compile one after the other; beside a GPU there are cores for all at once.
    """
    with TemporaryDirectory() as folder, processes() as running:
        compiled: dict[str, float] = {}
        for side in sides:
            command = _command(network, side, batch, (device, precision), Path(folder))
            running.append(Process(side, command))
            if device == "cpu":
                ready(running, compiled, network.name)
        ready(running, compiled, network.name)
        return in_bursts(running, compiled, n, BURST[device], realtime=realtime)


def _command(
    network: Network, side: Side, batch: int, setting: tuple[str, str], folder: Path
) -> list[str]:
    device, precision = setting
    source, flags = network.spec, network.flags
    if side.converted_to:
        source, flags = folder / f"{side.converted_to}_network.py", side.flags
        # The classes of the random labels are ten, of MobileNet's outputs the first ten.
        assignments = [part for flag in network.flags for part in ("--set", flag)]
        convert = ["convert", str(network.spec), "--to", side.converted_to]
        subprocess.run(
            [sys.executable, "-m", "cnnkit", *convert, "--output", str(source), *assignments],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return [
        side.interpreter, str(PEERS / side.script), str(source),
        "--batch", str(batch), "--device", device, "--precision", side.precision or precision,
        "--shape", *map(str, network.shape), *(["--maps"] if network.maps else []),
        "--flags", *flags,
    ]  # fmt: skip


def flops(network: Network) -> float:
    """FLOPs of a training step on one example: forward, data gradient and filter gradient."""
    from cnnkit.analysis import analyze
    from cnnkit.cli.sources import reading_of

    spec = reading_of(str(network.spec), list(network.flags)).spec
    assert spec is not None
    return 6 * float(analyze(spec).totals.macs)


def gemm_rate(device: str) -> float:
    """FLOPs a second of a product of matrices, measured by JAX in a process of its own.

    On a CPU one of float32: XLA's products of bfloat16 are slower there, whatever there could be.
    """
    size, dtype = (2048, "float32") if device == "cpu" else (8192, "bfloat16")
    code = f"from cnnkit.doctor.machine import gemm_rate; print(gemm_rate({size}, {dtype!r}, 9))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    return float(done.stdout)


def rows(
    network: Network, figures: Mapping[str, Figures], batch: int, rate: float
) -> list[tuple[str, ...]]:
    """The table's rows of a network."""
    work = flops(network)
    ours = figures.get("cnnkit")
    return [
        (
            f"{network.name}: {name}",
            f"{batch / each.seconds:,.0f}",
            f"{each.seconds / ours.seconds:.2f}" if ours else "",
            f"{1000 * each.cores:,.1f} ms",
            f"{each.compile:.1f} s",
            f"{each.memory / (1 << 20):,.0f} MiB",
            f"{work * batch / each.seconds / rate:.0%}",
        )
        for name, each in figures.items()
    ]


def main() -> None:
    """Measures, prints the table, and writes the JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        help="what all sides compute in, the peers in PyTorch's and Keras's manner of mixing it "
        "with float32; by default float32, on a GPU bfloat16",
    )
    parser.add_argument("--networks", nargs="+", default=[each.name for each in NETWORKS])
    parser.add_argument("--sides", nargs="+", default=[each.name for each in SIDES])
    parser.add_argument(
        "--batch", type=int, help="examples of a step: 128, of maps 32, on a GPU 512"
    )
    parser.add_argument("-n", type=int, default=5, help="bursts of each side")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("-q", action="store_true", help="leave out what the sides complain of")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="bursts at real-time priority, on a Linux machine that others use (needs root)",
    )
    parser.add_argument("--quick", action="store_true", help="cnnkit and LeNet-5 only, n = 1")
    given = parser.parse_args()
    if given.quick:
        given.networks, given.sides, given.n = ["lenet-5"], ["cnnkit"], 1
    usual = 128 if given.device == "cpu" else 512
    precision = given.precision or ("float32" if given.device == "cpu" else "bfloat16")
    sides = [
        side
        for side in SIDES
        if side.name in given.sides and side.installed()
        if given.device == "cpu" or not side.settings
        if side.precision != precision
    ]
    rate = gemm_rate(given.device)
    facts = machine() | versions("jax", "flax", "keras", "torch", "onednn-cpu-gomp")
    setting = f"{precision}, batch {given.batch or usual}, medians of n = {given.n}"
    print(f"{heading(facts)}; {setting}")
    print(f"measured product of matrices: {rate / 1e9:,.0f} GFLOP/s\n")
    start, all_rows, record = time.perf_counter(), [], {}
    for network in NETWORKS:
        if network.name not in given.networks:
            continue
        batch = given.batch or network.batch or usual
        figures = measured(
            network, sides, batch, given.device, precision, given.n, realtime=given.realtime
        )
        record[network.name] = {name: each._asdict() for name, each in figures.items()}
        all_rows += rows(network, figures, batch, rate)
        _judge(network, figures, given.device, precision)
    header = (
        "side",
        "images/s",
        "cnnkit is × as fast",
        "cores' time a step",
        "ready after",
        "peak memory",
        "of product",
    )
    print(table(header, all_rows))
    print(f"\n{time.perf_counter() - start:.0f} s")
    if given.json:
        _write(given.json, facts, precision, given.batch or usual, given.n, rate, record)


def _judge(network: Network, figures: Mapping[str, Figures], device: str, precision: str) -> None:
    """Says on stderr which of the bars a network meets."""
    ours = figures.get("cnnkit")
    if ours is None or device != "cpu":
        return
    for peer, bar in BARS[precision].get(network.name, {}).items():
        theirs = [each.seconds for name, each in figures.items() if name.startswith(peer)]
        if theirs:
            ratio = min(theirs) / ours.seconds
            met = "met" if ratio >= bar else "not met"
            print(f"{network.name}: {ratio:.2f} × {peer}'s best, bar {bar}: {met}", file=sys.stderr)


def _write(
    path: Path,
    facts: Mapping[str, str],
    precision: str,
    batch: int,
    n: int,
    rate: float,
    record: Any,
) -> None:
    data = {
        "machine": facts,
        "precision": precision,
        "batch": batch,
        "n": n,
        "gemm_flops": rate,
        "networks": record,
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
