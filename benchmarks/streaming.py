"""What it costs to stream a data set in place of keeping it in memory.

The bars: a step of the VGG-like network on packed shards takes at most 1.05 times that on data in
memory; JPEGs in folders stream at 90 % of the rate at which Pillow decodes them on the same cores;
a data set larger than that trains, and is packed, within 2 GiB of memory, its processes together.

    python benchmarks/streaming.py                                       # all, on less data
    sudo python benchmarks/streaming.py decoding --images 100000 --realtime
    TMPDIR=/somewhere/large python benchmarks/streaming.py memory --gigabytes 20
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from io import BytesIO
from pathlib import Path

import measuring
import numpy as np
from measuring import Measure, environment, heading, in_turn, machine, table, versions
from PIL import Image

from cnnkit.data import load
from cnnkit.data.dataset import Array
from cnnkit.data.shard_writer import pack
from cnnkit.data.stream import stream
from cnnkit.spec.model.training import Arrays, Images, Packed, Train

BATCH, SIDE = 128, 224
STEP_BAR, RATE_BAR, MEMORY_BAR = 1.05, 0.9, 2.0
NETWORK = Path(__file__).parent / "networks" / "vgg-cifar.yaml"
SPEC = f"""
input: {SIDE}x{SIDE}x3
layers:
  - conv: {{filters: 8, kernel: 7, stride: 7}}
  - relu
  - global_mean_pool
  - dense: {{units: 2}}
train: {{data: {{packed: packed}}, epochs: 1, batch_size: 32}}
"""
ENCODINGS = 2_000
SLICE = 5_000
SAMPLED = 0.05  # seconds between two looks at the memory


def main() -> None:
    """Measures what is asked for, by default all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="steps, decoding, memory; by default all")
    parser.add_argument("-n", type=int, default=5, help="runs of each side")
    parser.add_argument("--images", type=int, default=20_000, help="JPEGs that are streamed")
    parser.add_argument("--gigabytes", type=float, default=3.0, help="the set for the memory")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="JPEGs at real-time priority, on a Linux machine that others use (needs root)",
    )
    parser.add_argument("--quick", action="store_true", help="little data, to see that it runs")
    options = parser.parse_args()
    n, images, gigabytes = options.n, options.images, options.gigabytes
    if options.quick:
        n, images, gigabytes = 1, 256, 0.05
    makers: dict[str, Callable[[Path], dict[str, float]]] = {
        "steps": partial(_steps, n=n, count=2 if options.quick else 8),
        "decoding": partial(_decoding, count=images, realtime=options.realtime),
        "memory": partial(_memory, gigabytes=gigabytes),
    }
    found = {}
    for name in options.parts or makers:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = makers[name](Path(folder))
    facts = machine() | versions("cnnkit", "jax", "grain", "array_record", "pillow")
    if options.json:
        print(json.dumps({"machine": facts, "streaming": found}, indent=2))
        return
    print(f"{heading(facts)}; medians of n = {n}\n")
    rows = [
        [f"{part}: {name}", f"{value:,.3f}"]
        for part, figures in found.items()
        for name, value in figures.items()
    ]
    print(table(["figure", "value"], rows))


def _steps(folder: Path, n: int, count: int) -> dict[str, float]:
    """The time of a step on data in memory, and on the same data in shards."""
    import jax

    from cnnkit.network import runtime
    from cnnkit.spec.reading import load as read_spec
    from cnnkit.training.compute.step import make_steps
    from cnnkit.training.engine import Resident, Streamed
    from cnnkit.training.prepare.device import replicated
    from cnnkit.training.prepare.material import measured

    runtime.prepare()
    random = np.random.default_rng(0)
    inputs = random.integers(0, 256, (BATCH * count, 32, 32, 3)).astype(np.uint8)
    labels = random.integers(0, 10, len(inputs))
    np.savez(folder / "set.npz", x=inputs, y=labels)
    pack(Arrays(arrays=str(folder / "set.npz")), folder / "packed", shards=4)
    spec = read_spec(NETWORK)
    recipe = {"data": "cifar10", "optimizer": {"sgd": {"momentum": 0.9}}, "learning_rate": 0.01}
    train = Train.model_validate({**recipe, "batch_size": BATCH})
    devices = jax.local_devices()[:1]
    sides: dict[str, Measure] = {}
    waits: list[float] = []
    cores: dict[str, list[float]] = {"memory": [], "shards": []}
    for name, kind, budget in (("memory", Resident, 2**30), ("shards", Streamed, 0)):
        dataset = load(Packed(packed=str(folder / "packed")), budget=budget)
        from cnnkit.data import Splits

        none = np.zeros(0, np.int64)
        splits = Splits(
            np.arange(len(labels)), none, none, own_test=False, stratified=False, seed=0
        )
        material = measured(train, dataset, splits, 10, seed=0)
        steps = make_steps(spec, train, examples=len(labels), batch_size=BATCH)
        engine = kind(steps, [material], replicated(devices, None), devices)
        engine.compile(engine.start(), ())

        def epoch(engine: Resident | Streamed = engine, name: str = name) -> float:
            state, order = engine.start(), engine.order(0)
            jax.block_until_ready(state)
            begun, used = time.perf_counter(), time.process_time()
            for _ in range(count):
                state = engine.advance(state, order, 1)
            jax.block_until_ready(state)
            taken = time.perf_counter() - begun
            cores[name].append((time.process_time() - used) / count)
            if name == "shards":
                waits.append(engine.take_waiting() or 0.0)
            return taken / count

        sides[name] = epoch
    seconds = in_turn(sides, n)
    threads = {name: float(np.median(values)) for name, values in cores.items()}
    return {
        "in memory, ms a step": 1000 * seconds["memory"],
        "shards, ms a step": 1000 * seconds["shards"],
        f"ratio (bar {STEP_BAR})": seconds["shards"] / seconds["memory"],
        "in memory, ms of the cores' time": 1000 * threads["memory"],
        "shards, ms of the cores' time": 1000 * threads["shards"],
        "ratio of the cores' time": threads["shards"] / threads["memory"],
        "waited for data, ms an epoch": 1000 * float(np.median(waits)),
    }


def _decoding(folder: Path, count: int, *, realtime: bool) -> dict[str, float]:
    """The rate of Pillow alone, and that of batches of the same files.

    The files are taken some thousands at a time, by both sides in turn, each file once by each.
    """
    _write_photos(folder / "photos", count)
    images = load(Images(images=str(folder / "photos"), fit="none"), budget=0).train
    assert images.sources is not None
    paths = [folder / "photos" / path for path in images.sources.paths]
    order = np.random.default_rng(1).permutation(len(paths))

    def one(place: int) -> int:
        with Image.open(paths[place]) as image:
            return int(np.asarray(image.convert("RGB"))[0, 0, 0])

    def alone(chosen: Array) -> float:
        begun = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            assert sum(1 for _ in pool.map(one, chosen.tolist())) == len(chosen)
        return time.perf_counter() - begun

    def batches(chosen: Array) -> float:
        begun = time.perf_counter()
        parts = np.array_split(chosen, math.ceil(len(chosen) / BATCH))
        for _ in stream(images, lambda step: parts[step], start=0, stop=len(parts)):
            pass
        return time.perf_counter() - begun

    sides = {"pillow": alone, "stream": batches}
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side(order[:BATCH])  # not counted
    at_priority = measuring.realtime if realtime else nullcontext
    for number, chosen in enumerate(np.array_split(order, math.ceil(count / SLICE))):
        with at_priority():
            for name in list(sides)[:: 1 if number % 2 else -1]:
                taken[name].append(sides[name](chosen))
    ratios = np.divide(taken["pillow"], taken["stream"])
    return {
        "JPEGs": count,
        "pillow, images/s": count / sum(taken["pillow"]),
        "streamed, images/s": count / sum(taken["stream"]),
        f"ratio (bar {RATE_BAR})": sum(taken["pillow"]) / sum(taken["stream"]),
        f"least ratio of {SLICE:,} images": float(ratios.min()),
        "greatest": float(ratios.max()),
    }


def _write_photos(folder: Path, count: int) -> None:
    """JPEGs in ten class folders, of so many encodings as are made in some seconds."""
    random = np.random.default_rng(0)
    encoded = []
    for _ in range(min(count, ENCODINGS)):
        coarse = random.integers(0, 256, (SIDE // 8, SIDE // 8, 3)).astype(np.uint8)
        content = BytesIO()
        Image.fromarray(coarse).resize((SIDE, SIDE)).save(content, "JPEG", quality=90)
        encoded.append(content.getvalue())
    for name in range(10):
        (folder / str(name)).mkdir(parents=True)
    for number in range(count):
        # A comment of its own behind the first marker makes each file another one.
        photo = encoded[number % len(encoded)]
        comment = b"\xff\xfe\x00\x0a" + f"{number:08}".encode()
        (folder / str(number % 10) / f"{number:06}.jpg").write_bytes(
            photo[:2] + comment + photo[2:]
        )


def _memory(folder: Path, gigabytes: float) -> dict[str, float]:
    """The most memory of packing and of training on images of so many bytes."""
    random = np.random.default_rng(0)
    count = max(40, int(gigabytes * 2**30 / (3 * SIDE * SIDE)))
    for number in range(count):
        path = folder / "images" / ("a", "b")[number % 2] / f"{number:06}.ppm"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (SIDE, SIDE), random.bytes(3 * SIDE * SIDE)).save(path)
    (folder / "spec.yaml").write_text(SPEC)
    packing = _peak(folder, "data", "pack", "images", "packed")
    shutil.rmtree(folder / "images")
    training = _peak(folder, "train", "spec.yaml", "--run-dir", "run", "--device", "cpu")
    return {
        "data, GiB": count * 3 * SIDE * SIDE / 2**30,
        "packing, GiB at most": packing,
        f"training, GiB at most (bar {MEMORY_BAR})": training,
    }


def _peak(folder: Path, *arguments: str) -> float:
    """The most GiB that a command and all processes that it starts have at one time.

    A page that several share counts once (PSS, of Linux). What passes between two looks is seen by
    the kernel, which keeps the peak of each process (VmHWM): that of the command itself is the
    least that is reported.
    """
    command = [sys.executable, "-m", "cnnkit", *arguments]
    with (folder / "said").open("wb") as said:
        running = subprocess.Popen(command, cwd=folder, env=environment(), stdout=said, stderr=said)
        most = 0
        while running.poll() is None:
            with suppress(OSError):  # it ended meanwhile
                most = max(most, _kilobytes(running.pid, "status", "VmHWM"))
            most = max(most, sum(_proportional(each) for each in _tree(running.pid)))
            time.sleep(SAMPLED)
    if running.returncode:
        raise SystemExit((folder / "said").read_text())
    return most / 2**20


def _tree(process: int) -> Iterator[int]:
    """A process and all below it."""
    yield process
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in thread.read_text().split():
                yield from _tree(int(child))


def _proportional(process: int) -> int:
    with suppress(OSError):
        return _kilobytes(process, "smaps_rollup", "Pss")
    return 0


def _kilobytes(process: int, file: str, field: str) -> int:
    text = Path(f"/proc/{process}/{file}").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
