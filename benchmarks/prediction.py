"""What ``cnnkit predict`` adds to the decoding of its images, and whether its memory stays flat.

The bars: on 10,000 small images at least 80 % of the rate of decoding them alone, by the same
threads; and a peak of memory that is that of a tenth of the images, to a tenth.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import Measure, heading, in_turn, machine, table, versions
from PIL import Image

COUNT, QUICK = 10_000, 200
SIZE = 32
RATE_BAR, MEMORY_BAR = 0.8, 1.1
SPEC = """
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, stride: 2, padding: same}
  - relu
  - conv: {filters: 16, kernel: 3, stride: 2, padding: same}
  - relu
  - global_mean_pool
  - dense: {units: 10}
train: {data: {images: pictures}, epochs: 1, batch_size: 100}
"""
# What a process has used at most, after predicting so many of the images.
PEAK = """
import re, sys
from pathlib import Path
from cnnkit.training import load_run
from cnnkit.training.use.prediction import predict
paths = sorted(Path(sys.argv[2]).glob("*/*.png"))[: int(sys.argv[3])]
count = sum(1 for _ in predict(load_run(sys.argv[1]), paths))
# What getrusage says is inherited from the parent.
print(count, *re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()))
"""


def main() -> None:
    """Measures both sides in turn, and the memory of a tenth and of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=3, help="runs of each side")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="few images, to see that it runs")
    options = parser.parse_args()
    count, n = (QUICK, 1) if options.quick else (COUNT, options.n)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = _run(folder, count)
        seconds = in_turn(_sides(run, folder / "pictures"), n)
        few, many = (_peak(run, folder / "pictures", each) for each in (count // 10, count))
    rates = {side: count / taken for side, taken in seconds.items()}
    ratio = rates["predict"] / rates["decoding"]
    growth = many / few
    facts = machine() | versions("cnnkit", "jax", "pillow", "numpy")
    if options.json:
        figures = {"images": count, "rates": rates, "ratio": ratio, "peaks": [few, many]}
        print(json.dumps({"machine": facts, "prediction": figures}, indent=2))
        return
    print(f"{heading(facts)}; {count:,} images of {SIZE}x{SIZE}; medians of n = {n}\n")
    print(table(["side", "images/s"], [[side, f"{rate:,.0f}"] for side, rate in rates.items()]))
    verdict = "within" if ratio >= RATE_BAR else "BELOW"
    print(f"\nratio {ratio:.3f}, {verdict} the bar of {RATE_BAR}")
    verdict = "within" if growth <= MEMORY_BAR else "ABOVE"
    print(
        f"peak memory {few / 1024:,.0f} MiB of {count // 10:,} and {many / 1024:,.0f} MiB of "
        f"{count:,}: {growth:.3f} times, {verdict} the bar of {MEMORY_BAR}"
    )


def _run(folder: Path, count: int) -> Path:
    """A run, trained on the images that are asked about."""
    from cnnkit.training import train
    from cnnkit.training.view.display import Quiet

    random = np.random.default_rng(0)
    for number in range(count):
        pixels = np.kron(random.integers(0, 256, (8, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
        path = folder / "pictures" / str(number % 10) / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    (folder / "spec.yaml").write_text(SPEC)
    return train(folder / "spec.yaml", run_dir=folder / "run", display=Quiet()).path


def _sides(run: Path, pictures: Path) -> dict[str, Measure]:
    """All images: read, and read and predicted."""
    from cnnkit.data.decoding import Decoding
    from cnnkit.data.images import ImageArray
    from cnnkit.training import load_run
    from cnnkit.training.use.prediction import predict

    paths = sorted(pictures.glob("*/*.png"))
    trained = load_run(run)
    images = ImageArray(paths, (SIZE, SIZE, 3), Decoding())

    def decoding() -> float:
        start = time.perf_counter()
        images.read()
        return time.perf_counter() - start

    def predicting() -> float:
        start = time.perf_counter()
        assert sum(1 for _ in predict(trained, paths)) == len(paths)
        return time.perf_counter() - start

    return {"decoding": decoding, "predict": predicting}


def _peak(run: Path, pictures: Path, count: int) -> int:
    """The most memory that a process used to predict some of the images, in KiB."""
    command = [sys.executable, "-c", PEAK, str(run), str(pictures), str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[1])


if __name__ == "__main__":
    main()
