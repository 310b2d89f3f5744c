"""How fast networks are asked: cnnkit's `predict`, onnxruntime, OpenVINO and PyTorch, in turn.

Each side is a process of its own and computes the same network in float32 at its defaults, the
peers from what `cnnkit export` and `cnnkit convert` write. All compile first; then they take bursts
of batches in turn, n times. cnnkit standardizes its inputs and gives probabilities, the peers'
models are left the standardization out of.

    python benchmarks/inference.py                            # all that is installed
    python benchmarks/inference.py --networks resnet-20 --batches 64 -n 9
    python benchmarks/inference.py --device gpu               # cnnkit and PyTorch
    sudo python benchmarks/inference.py --realtime            # on a machine that others use

An interpreter that has a peer is named by CNNKIT_TORCH_PYTHON, CNNKIT_ONNXRUNTIME_PYTHON and
CNNKIT_OPENVINO_PYTHON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from measuring import heading, machine, table, versions
from sides import Figures, Process, Side, in_bursts, processes, ready

HERE = Path(__file__).parent
PEERS = HERE / "peers"
ZOO = HERE.parent / "specs" / "zoo"
BURST = 0.5
"""The seconds that a burst of batches should take."""
BARS = {64: 1.0, 1: 0.8}
"""What cnnkit's images a second should be at least, in those of the best peer, by the batch."""


class Network(NamedTuple):
    """A network of the comparison."""

    name: str
    spec: Path
    shape: tuple[int, ...]


NETWORKS = (
    Network("resnet-20", ZOO / "resnet-20-cifar.yaml", (32, 32, 3)),
    Network("mobilenet-v2", ZOO / "mobilenet-v2.yaml", (224, 224, 3)),
    Network("resnet-50", ZOO / "resnet-50.yaml", (224, 224, 3)),
)
SIDES = (
    Side("cnnkit", "inference_cnnkit.py"),
    Side("cnnkit, no oneDNN", "inference_cnnkit.py", settings={"CNNKIT_ONEDNN": "off"}),
    Side(
        "onnxruntime", "inference_onnxruntime.py", "onnx", ("onnxruntime",), (),
        "CNNKIT_ONNXRUNTIME_PYTHON",
    ),
    Side("openvino", "inference_openvino.py", "onnx", ("openvino",), (), "CNNKIT_OPENVINO_PYTHON"),
    Side("torch", "inference_torch.py", "torch", ("torch",), (), "CNNKIT_TORCH_PYTHON"),
    Side(
        "torch, channels last", "inference_torch.py", "torch", ("torch",), ("channels_last",),
        "CNNKIT_TORCH_PYTHON",
    ),
)  # fmt: skip
ON_GPUS = ("cnnkit", "torch", "torch, channels last")


def measured(
    network: Network,
    sides: Sequence[Side],
    batch: int,
    device: str,
    n: int,
    folder: Path,
    *,
    realtime: bool,
) -> dict[str, Figures]:
    """The figures of the sides, all of one batch."""
    with processes() as running:
        compiled: dict[str, float] = {}
        for side in sides:
            running.append(Process(side, _command(network, side, batch, device, folder)))
            ready(running, compiled, network.name)
        return in_bursts(running, compiled, n, BURST, realtime=realtime)


def _command(network: Network, side: Side, batch: int, device: str, folder: Path) -> list[str]:
    """The command of a side; what it reads is written first."""
    source = network.spec
    if side.converted_to == "onnx":
        source = _written(folder / f"{network.name}.onnx", "export", network, "onnx", "--raw")
    elif side.converted_to:
        source = _written(folder / f"{network.name}_torch.py", "convert", network, "torch")
    return [
        side.interpreter, str(PEERS / side.script), str(source), "--batch", str(batch),
        "--shape", *map(str, network.shape), "--device", device, "--flags", *side.flags,
    ]  # fmt: skip


def _written(path: Path, command: str, network: Network, to: str, *more: str) -> Path:
    if not path.exists():
        subprocess.run(
            [
                sys.executable, "-m", "cnnkit", command, str(network.spec), "--to", to,
                "--output", str(path), *more,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return path


def rows(network: Network, figures: Mapping[str, Figures], batch: int) -> list[tuple[str, ...]]:
    """The table's rows of a network and a batch."""
    ours = figures.get("cnnkit")
    return [
        (
            f"{network.name}, batch {batch}: {name}",
            f"{batch / each.seconds:,.0f}",
            f"{each.seconds / ours.seconds:.2f}" if ours else "",
            f"{1000 * each.cores:,.1f} ms",
            f"{each.compile:.1f} s",
            f"{each.memory / (1 << 20):,.0f} MiB",
        )
        for name, each in figures.items()
    ]


def _judged(network: Network, figures: Mapping[str, Figures], batch: int, device: str) -> str:
    """Whether the bar is met; empty where there is none, or no peer."""
    ours, bar = figures.get("cnnkit"), BARS.get(batch) if device == "cpu" else None
    theirs = {name: each for name, each in figures.items() if not name.startswith("cnnkit")}
    if ours is None or bar is None or not theirs:
        return ""
    best = min(theirs, key=lambda name: theirs[name].seconds)
    ratio = theirs[best].seconds / ours.seconds
    met = "met" if ratio >= bar else "NOT MET"
    return f"{network.name}, batch {batch}: {ratio:.2f} × {best}, bar {bar}: {met}"


def main() -> None:
    """Measures, prints the table, and writes the JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--networks", nargs="+", default=[each.name for each in NETWORKS])
    parser.add_argument("--sides", nargs="+", default=[each.name for each in SIDES])
    parser.add_argument("--batches", type=int, nargs="+", default=sorted(BARS))
    parser.add_argument("-n", type=int, default=7, help="bursts of each side")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("-q", action="store_true", help="leave out what the sides complain of")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="bursts at real-time priority, on a Linux machine that others use (needs root)",
    )
    parser.add_argument("--quick", action="store_true", help="cnnkit and ResNet-20 only, n = 1")
    given = parser.parse_args()
    if given.quick:
        given.networks, given.sides, given.n = ["resnet-20"], ["cnnkit"], 1
    sides = [side for side in SIDES if side.name in given.sides]
    if given.device == "gpu":
        sides = [side for side in sides if side.name in ON_GPUS]
    for side in [side for side in sides if not side.installed()]:
        print(f"{side.name} is left out: {' and '.join(side.needs)} not installed", file=sys.stderr)
        sides.remove(side)
    facts = machine() | versions("jax", "onednn-cpu-gomp", "onnxruntime", "openvino", "torch")
    print(f"{heading(facts)}; float32, medians of n = {given.n}\n")
    lines, verdicts, record = [], [], []
    with TemporaryDirectory() as folder:
        for network in NETWORKS:
            for batch in given.batches if network.name in given.networks else ():
                figures = measured(
                    network, sides, batch, given.device, given.n, Path(folder),
                    realtime=given.realtime,
                )  # fmt: skip
                lines += rows(network, figures, batch)
                verdicts.append(_judged(network, figures, batch, given.device))
                print(verdicts[-1], file=sys.stderr)
                record += [
                    {"network": network.name, "batch": batch, "side": name, **each._asdict()}
                    for name, each in figures.items()
                ]
    header = (
        "side", "images/s", "cnnkit is × as fast", "cores' time a batch", "ready after",
        "peak memory",
    )  # fmt: skip
    print(table(header, lines))
    print("\n" + "\n".join(verdicts))
    if given.json:
        data = {"machine": facts, "n": given.n, "figures": record}
        given.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
