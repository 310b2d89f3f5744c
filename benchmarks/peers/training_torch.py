"""PyTorch's side: eager with channels-last maps, or compiled with the flag `compile`."""

from __future__ import annotations

import os

import torch
from torch import nn
from training_serving import BATCHES, Advance, examples, network_class, serve, task

TASK = task()
DEVICE = "cuda" if TASK.gpu else "cpu"


def start() -> Advance:
    """The loop of PyTorch's tutorials, in bfloat16 under its autocast."""
    torch.manual_seed(0)
    model = network_class(TASK.network, nn.Module)().to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    forward = torch.compile(model) if "compile" in TASK.flags else model
    inputs, labels = examples(TASK)
    batches = [
        (
            torch.from_numpy(x).permute(0, 3, 1, 2).to(DEVICE, memory_format=torch.channels_last),
            torch.from_numpy(y).long().to(DEVICE),
        )
        for x, y in zip(
            inputs.reshape(BATCHES, TASK.batch, *TASK.shape),
            labels.reshape(BATCHES, TASK.batch, *labels.shape[1:]),
            strict=True,
        )
    ]

    def advance(steps: int) -> None:
        for step in range(steps):
            x, y = batches[step % BATCHES]
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(DEVICE, torch.bfloat16, enabled=TASK.bfloat16):
                loss = criterion(forward(x), y)
            loss.backward()
            optimizer.step()
        loss.item()

    return advance


if __name__ == "__main__":
    if os.environ.get("CNNKIT_PEER_THREADS"):
        torch.set_num_threads(int(os.environ["CNNKIT_PEER_THREADS"]))
    serve(start, torch.cuda.max_memory_allocated if TASK.gpu else None)
