"""PyTorch's side: eager in inference mode, with maps channels last where the flags say so."""

from __future__ import annotations

import torch
from torch import nn
from training_serving import BATCHES, Advance, examples, network_class, serve, task

TASK = task()
DEVICE = "cuda" if TASK.gpu else "cpu"


def start() -> Advance:
    """The module in evaluation mode, with its default threads; batches come from the host."""
    torch.manual_seed(0)
    last = "channels_last" in TASK.flags
    layout = torch.channels_last if last else torch.contiguous_format
    model = network_class(TASK.network, nn.Module)().to(DEVICE, memory_format=layout).eval()
    inputs, _ = examples(TASK)
    batches = [
        torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        for x in inputs.reshape(BATCHES, TASK.batch, *TASK.shape)
    ]

    def advance(steps: int) -> None:
        with torch.inference_mode():
            for step in range(steps):
                model(batches[step % BATCHES].to(DEVICE)).cpu().numpy()

    return advance


if __name__ == "__main__":
    serve(start)
