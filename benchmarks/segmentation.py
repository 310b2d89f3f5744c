"""The same network and recipe in cnnkit and in PyTorch: how well both segment the scenes of digits.

PyTorch's network is written by `cnnkit convert`, its loop by hand: AdamW, PyTorch's one-cycle
schedule, the sum of Dice and cross-entropy, images and masks shifted alike. Both are judged by the
mean IoU of the validation split at their best epoch, one seed after the other. The bar: PyTorch's
lies within what seeds make of it.

    python benchmarks/segmentation.py --seeds 3
    python benchmarks/segmentation.py --epochs 6 --sides torch
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from measuring import heading, machine, table, versions
from torch import Tensor, nn
from torch.nn import functional

import cnnkit
from cnnkit.cli.sources import reading_of
from cnnkit.data.scenes import digit_scenes
from cnnkit.network import runtime
from cnnkit.training.view.display import Quiet

SPEC = Path(__file__).parents[1] / "specs" / "segment-digits.yaml"
CLASSES, SHIFT, SMOOTH = 11, 4, 1.0
PEAK, BATCH, DECAY = 0.005, 16, 1e-4


def by_cnnkit(epochs: int, seed: int, examples: int | None, folder: Path) -> float:
    """The best mean IoU of a run of `cnnkit train`."""
    from cnnkit.training.options import Options

    spec = reading_of(str(SPEC), [f"train.epochs={epochs}", f"train.seed={seed}"]).spec
    assert spec is not None
    options = Options(limit=examples)
    found = cnnkit.train(spec, run_dir=folder / f"run-{seed}", options=options, display=Quiet())
    assert found.summary is not None
    return float(found.summary["validation"]["mean_iou"])


def by_torch(epochs: int, seed: int, examples: int | None, folder: Path) -> float:
    """The best mean IoU of the same network in PyTorch's loop."""
    torch.manual_seed(seed)
    source = folder / "network.py"
    command = ["convert", str(SPEC), "--to", "torch", "--output", str(source)]
    subprocess.run([sys.executable, "-m", "cnnkit", *command], check=True, capture_output=True)
    model: Any = _network(source)
    model = model.to(memory_format=torch.channels_last)
    (images, masks), (seen, asked) = _splits(examples)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=DECAY)
    steps = -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK, epochs * steps, cycle_momentum=False
    )
    best = 0.0
    for _ in range(epochs):
        model.train()
        order: Any = torch.randperm(len(images))
        for chosen in order.split(BATCH):
            x, y = shifted(images[chosen], masks[chosen])
            optimizer.zero_grad(set_to_none=True)
            error: Any = loss(model(x), y)
            error.backward()
            optimizer.step()
            schedule.step()
        best = max(best, mean_iou(model, seen, asked))
    return best


def _network(source: Path) -> nn.Module:
    """The network of a converted file: the last class that it defines."""
    spec = importlib.util.spec_from_file_location("network", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, nn.Module) and each.__module__ == "network"
    ]
    network: nn.Module = made[-1]()
    return network


def _splits(examples: int | None) -> Iterator[tuple[Tensor, Tensor]]:
    """The images, standardized by those of the training, and the masks of the two splits."""
    data = digit_scenes()
    held = np.asarray(data.validation)
    train = np.setdiff1d(np.arange(len(data.train)), held)[:examples]
    inputs = np.asarray(data.train.inputs, np.float32) / 255
    middle, deviation = inputs[train].mean(), inputs[train].std()
    for places in (train, held[:examples]):
        images = torch.from_numpy((inputs[places] - middle) / deviation).permute(0, 3, 1, 2)
        yield (
            images.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(data.train.targets[places].astype(np.int64)),
        )


def shifted(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Each example moved by up to so many cells, what comes in repeated from the edge."""
    count, _, height, width = images.shape
    moves = torch.randint(-SHIFT, SHIFT + 1, (count, 2))
    rows = (torch.arange(height)[None] + moves[:, :1]).clamp(0, height - 1)[:, :, None]
    columns = (torch.arange(width)[None] + moves[:, 1:]).clamp(0, width - 1)[:, None]
    example = torch.arange(count)[:, None, None]
    moved = images[:, 0][example, rows, columns][:, None]
    return moved.contiguous(memory_format=torch.channels_last), masks[example, rows, columns]


def loss(scores: Tensor, masks: Tensor) -> Tensor:
    """Dice, the mean over classes and examples, and the cross-entropy of all pixels."""
    said = scores.softmax(1).flatten(2)
    true = functional.one_hot(masks, CLASSES).permute(0, 3, 1, 2).flatten(2).to(said.dtype)
    both, sizes = (said * true).sum(-1), said.sum(-1) + true.sum(-1)
    dice = 1 - (2 * both + SMOOTH) / (sizes + SMOOTH)
    return dice.mean() + functional.cross_entropy(scores, masks)


def mean_iou(model: nn.Module, images: Any, masks: Any) -> float:
    """The mean IoU over the classes, from one matrix of all pixels."""
    model.eval()
    counts = torch.zeros(CLASSES * CLASSES, dtype=torch.int64)
    for x, y in zip(images.split(BATCH), masks.split(BATCH), strict=True):
        with torch.inference_mode():
            pairs = CLASSES * y + model(x).argmax(1)
        counts += torch.bincount(pairs.flatten(), minlength=CLASSES**2)
    matrix = counts.reshape(CLASSES, CLASSES).double()
    right = matrix.diagonal()
    union = matrix.sum(0) + matrix.sum(1) - right
    return float((right / union)[union > 0].mean())


SIDES: dict[str, Callable[..., float]] = {"cnnkit": by_cnnkit, "torch": by_torch}


def main() -> None:
    """Trains both sides and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sides", nargs="+", choices=[*SIDES], default=[*SIDES])
    parser.add_argument("--quick", action="store_true", help="one epoch of a few examples")
    given = parser.parse_args()
    epochs, examples = (1, 2 * BATCH) if given.quick else (given.epochs, None)
    runtime.prepare()
    rows = []
    for side in given.sides:
        values, began, busy = [], time.perf_counter(), time.process_time()
        with TemporaryDirectory() as folder:
            for seed in range(given.seeds):
                values.append(SIDES[side](epochs, seed, examples, Path(folder)))
        clock = (time.perf_counter() - began) / given.seeds
        cores = (time.process_time() - busy) / given.seeds
        rows.append([side, _shown(values), f"{clock:,.0f} s", f"{cores:,.0f} s"])
    facts: dict[str, Any] = {**machine(), **versions("jax", "torch", "onednn-cpu-gomp")}
    print(f"{heading(facts)}; {epochs} epochs, {given.seeds} seeds\n")
    print(table(["side", "mean IoU", "by the clock", "cores' time"], rows))


def _shown(values: list[float]) -> str:
    spread = f" ± {100 * stdev(values):.2f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.2f} %{spread}"


if __name__ == "__main__":
    main()
