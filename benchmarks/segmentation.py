"""The same network and recipe in cnnkit and in PyTorch: how well both answer for each pixel.

PyTorch's network is written by `cnnkit export`, its loop by hand: the optimizer and the loss of
the spec, and PyTorch's one-cycle schedule. `segment` is `specs/segment-digits.yaml`, images and
masks shifted alike, judged by the mean IoU; `denoise` is `specs/denoise-digits.yaml`, judged by
the PSNR. Both are of the validation split at the best epoch, one seed after the other. `torch`
begins with the weights with which cnnkit begins with this seed, `torch-start` as PyTorch's layers
begin by themselves. The bar: `torch` lies within what seeds make of it.

    python benchmarks/segmentation.py --seeds 3
    python benchmarks/segmentation.py --task denoise --seeds 3
    python benchmarks/segmentation.py --epochs 6 --sides torch
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
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
from cnnkit.data.dataset import Dataset
from cnnkit.data.scenes import digit_scenes, noisy_digits
from cnnkit.network import runtime
from cnnkit.training.view.display import Quiet

SPECS = Path(__file__).parents[1] / "specs"
CLASSES, SHIFT, SMOOTH, DECAY = 11, 4, 1.0, 1e-4


@dataclass(frozen=True)
class Task:
    """What a spec says of its training, as PyTorch is told it.

    Attributes:
        spec: The spec's file.
        metric: What is judged by, as the run calls it.
        data: Its data set.
        batch: Examples of a step.
        peak: The highest learning rate of the cycle.
        optimizer: Of parameters.
        changed: How images and targets are augmented.
        loss: Of what the network gives, and the targets.
        score: The metric of a network on images and targets, a batch at a time.
        shown: The metric in the table.
    """

    spec: Path
    metric: str
    data: Callable[[], Dataset]
    batch: int
    peak: float
    optimizer: Callable[[Any], torch.optim.Optimizer]
    changed: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[nn.Module, Any, Any, int], float]
    shown: Callable[[float], str]


def by_cnnkit(task: Task, epochs: int, seed: int, examples: int | None, folder: Path) -> float:
    """The best metric of a run of `cnnkit train`."""
    from cnnkit.training.options import Options

    spec = reading_of(str(task.spec), [f"train.epochs={epochs}", f"train.seed={seed}"]).spec
    assert spec is not None
    options = Options(limit=examples)
    found = cnnkit.train(spec, run_dir=folder / f"run-{seed}", options=options, display=Quiet())
    assert found.summary is not None
    return float(found.summary["validation"][task.metric])


def by_torch(
    task: Task,
    epochs: int,
    seed: int,
    examples: int | None,
    folder: Path,
    begin: Callable[[Path, int, Path], nn.Module],
) -> float:
    """The best metric of the same network in PyTorch's loop, which begins as is said."""
    torch.manual_seed(seed)
    model: Any = begin(task.spec, seed, folder / f"network_{seed}.py")
    model = model.to(memory_format=torch.channels_last)
    (images, targets), (seen, asked) = _splits(task.data(), examples)
    optimizer = task.optimizer(model.parameters())
    steps = -(-len(images) // task.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, task.peak, epochs * steps, cycle_momentum=False
    )
    best = 0.0
    for _ in range(epochs):
        model.train()
        order: Any = torch.randperm(len(images))
        for chosen in order.split(task.batch):
            x, y = task.changed(images[chosen], targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            error: Any = task.loss(model(x), y)
            error.backward()
            optimizer.step()
            schedule.step()
        best = max(best, task.score(model.eval(), seen, asked, task.batch))
    return best


def carried(spec: Path, seed: int, source: Path) -> nn.Module:
    """The network with the weights that a run of cnnkit with this seed begins with."""
    _written("export", "--seed", str(seed), spec=spec, source=source)
    model: nn.Module = _module(source).trained()
    return model


def fresh(spec: Path, seed: int, source: Path) -> nn.Module:  # noqa: ARG001 - PyTorch has the seed
    """The network as PyTorch's layers begin."""
    _written("convert", spec=spec, source=source)
    *_, network = (  # the last class that the file defines
        each
        for each in vars(_module(source)).values()
        if isinstance(each, type) and issubclass(each, nn.Module) and each.__module__ == source.stem
    )
    model: nn.Module = network()
    return model


def _written(command: str, *flags: str, spec: Path, source: Path) -> None:
    asked = [command, str(spec), "--to", "torch", "--output", str(source), *flags]
    subprocess.run([sys.executable, "-m", "cnnkit", *asked], check=True, capture_output=True)


def _module(source: Path) -> Any:
    """What a file of Python defines."""
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _splits(data: Dataset, examples: int | None) -> Iterator[tuple[Tensor, Tensor]]:
    """The images, standardized by those of the training, and the targets of the two splits."""
    held = np.asarray(data.validation)
    train = np.setdiff1d(np.arange(len(data.train)), held)[:examples]
    inputs = np.asarray(data.train.inputs, np.float32) / 255
    middle, deviation = inputs[train].mean(), inputs[train].std()
    for places in (train, held[:examples]):
        images = torch.from_numpy((inputs[places] - middle) / deviation).permute(0, 3, 1, 2)
        targets = data.train.targets[places]
        aims = torch.from_numpy(targets.astype(np.int64))
        if targets.dtype == np.uint8:  # images
            aims = torch.from_numpy(targets.astype(np.float32) / 255).permute(0, 3, 1, 2)
        yield images.contiguous(memory_format=torch.channels_last), aims


def shifted(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Each example moved by up to so many cells, what comes in repeated from the edge."""
    count, _, height, width = images.shape
    moves = torch.randint(-SHIFT, SHIFT + 1, (count, 2))
    rows = (torch.arange(height)[None] + moves[:, :1]).clamp(0, height - 1)[:, :, None]
    columns = (torch.arange(width)[None] + moves[:, 1:]).clamp(0, width - 1)[:, None]
    example = torch.arange(count)[:, None, None]
    moved = images[:, 0][example, rows, columns][:, None]
    return moved.contiguous(memory_format=torch.channels_last), masks[example, rows, columns]


def dice_and_entropy(scores: Tensor, masks: Tensor) -> Tensor:
    """Dice, the mean over classes and examples, and the cross-entropy of all pixels."""
    said = scores.softmax(1).flatten(2)
    true = functional.one_hot(masks, CLASSES).permute(0, 3, 1, 2).flatten(2).to(said.dtype)
    both, sizes = (said * true).sum(-1), said.sum(-1) + true.sum(-1)
    dice = 1 - (2 * both + SMOOTH) / (sizes + SMOOTH)
    return dice.mean() + functional.cross_entropy(scores, masks)


def mean_iou(model: nn.Module, images: Any, masks: Any, batch: int) -> float:
    """The mean IoU over the classes, from one matrix of all pixels."""
    counts = torch.zeros(CLASSES * CLASSES, dtype=torch.int64)
    for x, y in zip(images.split(batch), masks.split(batch), strict=True):
        with torch.inference_mode():
            pairs = CLASSES * y + model(x).argmax(1)
        counts += torch.bincount(pairs.flatten(), minlength=CLASSES**2)
    matrix = counts.reshape(CLASSES, CLASSES).double()
    right = matrix.diagonal()
    union = matrix.sum(0) + matrix.sum(1) - right
    return float((right / union)[union > 0].mean())


def psnr(model: nn.Module, images: Any, targets: Any, batch: int) -> float:
    """The mean over the images of their PSNR, in dB."""
    found = []
    for x, y in zip(images.split(batch), targets.split(batch), strict=True):
        with torch.inference_mode():
            found.append(-10 * (model(x) - y).square().mean((1, 2, 3)).log10())
    return float(torch.cat(found).mean())


TASKS = {
    "segment": Task(
        SPECS / "segment-digits.yaml",
        "mean_iou",
        digit_scenes,
        16,
        0.005,
        partial(torch.optim.AdamW, weight_decay=DECAY),
        shifted,
        dice_and_entropy,
        mean_iou,
        lambda iou: f"{100 * iou:.2f} %",
    ),
    "denoise": Task(
        SPECS / "denoise-digits.yaml",
        "psnr",
        noisy_digits,
        32,
        0.003,
        torch.optim.Adam,
        lambda images, targets: (images, targets),
        functional.mse_loss,
        psnr,
        lambda decibel: f"{decibel:.2f} dB",
    ),
}
SIDES: dict[str, Callable[..., float]] = {
    "cnnkit": by_cnnkit,
    "torch": partial(by_torch, begin=carried),
    "torch-start": partial(by_torch, begin=fresh),
}


def main() -> None:
    """Trains both sides and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=[*TASKS], default="segment")
    parser.add_argument("--epochs", type=int, help="default: 20 of segment, 10 of denoise")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sides", nargs="+", choices=[*SIDES], default=["cnnkit", "torch"])
    parser.add_argument("--quick", action="store_true", help="one epoch of a few examples")
    given = parser.parse_args()
    task = TASKS[given.task]
    whole = given.epochs or {"segment": 20, "denoise": 10}[given.task]
    epochs, examples = (1, 2 * task.batch) if given.quick else (whole, None)
    runtime.prepare()
    rows = []
    for side in given.sides:
        values, began, busy = [], time.perf_counter(), time.process_time()
        with TemporaryDirectory() as folder:
            for seed in range(given.seeds):
                values.append(SIDES[side](task, epochs, seed, examples, Path(folder)))
                print(f"{side}, seed {seed}: {task.shown(values[-1])}", file=sys.stderr, flush=True)
        clock = (time.perf_counter() - began) / given.seeds
        cores = (time.process_time() - busy) / given.seeds
        rows.append([side, _shown(task, values), f"{clock:,.0f} s", f"{cores:,.0f} s"])
    facts: dict[str, Any] = {**machine(), **versions("jax", "torch", "onednn-cpu-gomp")}
    print(f"{heading(facts)}; {epochs} epochs, {given.seeds} seeds\n")
    print(table(["side", task.metric, "by the clock", "cores' time"], rows))


def _shown(task: Task, values: list[float]) -> str:
    """The mean over the seeds and their deviation, and each."""
    spread = f" ± {task.shown(stdev(values))}" if len(values) > 1 else ""
    return f"{task.shown(mean(values))}{spread} ({', '.join(map(task.shown, values))})"


if __name__ == "__main__":
    main()
