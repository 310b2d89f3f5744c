"""Writes the models of this folder that PyTorch exports.

`python -m tests.importing.exported.write_torch` does. They are of PyTorch 2.13 with onnxscript 0.7,
by both of its exporters; their weights are random.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from tests.importing.swin import Swin

FOLDER = Path(__file__).parent


class Residual(nn.Module):
    """A convolutional network with a residual, a gate and a global pool."""

    def __init__(self) -> None:
        super().__init__()
        stem = (nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.SiLU())
        self.stem = nn.Sequential(*stem)
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1), nn.Hardswish())
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 1), nn.Sigmoid()
        )
        self.head = nn.Linear(4, 5)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        y = self.body(x)
        x = x + y * self.gate(y)
        return self.head(x.mean((2, 3)))


class Transformer(nn.Module):
    """A small ViT."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 17, 8))
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    8, 2, 16, activation="gelu", norm_first=True, batch_first=True
                )
                for _ in range(2)
            )
        )
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class Recurrent(nn.Module):
    """Two recurrent layers in both directions, and the last state of the second."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.LSTM(5, 6, batch_first=True, bidirectional=True)
        self.second = nn.GRU(12, 4, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        steps, _ = self.first(x)
        _, state = self.second(steps)
        return self.head(state[-1])


class Context(nn.Module):
    """Two inputs, one of which attends to the other, and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.first, self.second = nn.Linear(8, 3), nn.Linear(8, 2)

    def forward(self, x: Any, context: Any) -> Any:
        y, _ = self.attend(x, context, context, need_weights=False)
        return self.first(y), self.second(x)


MODELS: dict[str, tuple[type[nn.Module], tuple[tuple[int, ...], ...]]] = {
    "residual": (Residual, ((1, 3, 16, 16),)),
    "transformer": (Transformer, ((1, 3, 16, 16),)),
    "recurrent": (Recurrent, ((1, 7, 5),)),
    "windows": (Swin, ((1, 3, 16, 16),)),
    "context": (Context, ((1, 6, 8), (1, 4, 8))),
}


def main() -> None:
    """Writes each model by each exporter."""
    for name, (kind, shapes) in MODELS.items():
        torch.manual_seed(0)
        module = kind().eval()
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point() and tensor.ndim == 1:  # zeros would be left out
                tensor.data.uniform_(0.5, 1.5)
        for dynamo in (False, True):
            path = FOLDER / f"torch-{name}-{'dynamo' if dynamo else 'script'}.onnx"
            names = [["x", "context"][: len(shapes)], ["y", "z"][: 1 + (name == "context")]]
            torch.onnx.export(
                module,
                tuple(torch.randn(shape) for shape in shapes),
                path,
                dynamo=dynamo,
                external_data=False,
                input_names=names[0],
                output_names=names[1],
            )
            shorten(path)


def shorten(path: Path) -> None:
    """Leaves out what the exporter says of its own code."""
    model = onnx.load(path)
    graph = model.graph
    for each in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        each.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("doc_string")
    graph.ClearField("value_info")
    onnx.save(model, path)


if __name__ == "__main__":
    main()
