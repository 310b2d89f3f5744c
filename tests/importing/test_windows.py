"""Attention in shifted windows, merged patches, and what is near to either but not the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cnnkit as package
from cnnkit import SpecError
from cnnkit.analysis.compare import compare
from cnnkit.export import convert

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, F = torch.nn, torch.nn.functional
Module: Any = nn.Module


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class WindowAttention(Module):
    """Attention among the cells of windows of a map [N, H, W, C], as Swin's code writes it."""

    def __init__(self, channels: int, heads: int, window: int, shift: int, mask: float) -> None:
        super().__init__()
        self.heads, self.window, self.mask = heads, window, mask
        self.shift = self.back = shift
        self.qkv, self.proj = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        cells = torch.cartesian_prod(torch.arange(window), torch.arange(window))
        apart = cells[:, None] - cells[None] + window - 1
        self.register_buffer("index", (apart[..., 0] * (2 * window - 1) + apart[..., 1]).flatten())

    def forward(self, x: Any) -> Any:
        batch, rows, columns, channels = x.shape
        size, cells = self.window, self.window**2
        down, across = rows // size, columns // size
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = x.view(batch, down, size, across, size, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, cells, channels)
        qkv = self.qkv(x).reshape(len(x), cells, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0] * (channels // self.heads) ** -0.5, qkv[1], qkv[2]
        scores = q @ k.transpose(-2, -1)
        scores = scores + self.table[self.index].view(cells, cells, -1).permute(2, 0, 1)[None]
        if self.shift:
            mask = self.kept_apart(x, rows, columns)
            scores = scores.view(batch, -1, self.heads, cells, cells) + mask[None, :, None]
            scores = scores.view(-1, self.heads, cells, cells)
        x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, cells, channels)
        x = self.proj(x).view(batch, down, across, size, size, channels)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, channels)
        return torch.roll(x, (self.back, self.back), (1, 2)) if self.shift else x

    def kept_apart(self, x: Any, rows: int, columns: int) -> Any:
        size, parts = self.window, x.new_zeros((rows, columns))
        parts[-self.shift :] += 1
        parts[:, -self.shift :] += 2
        parts = parts.view(rows // size, size, columns // size, size).transpose(1, 2)
        parts = parts.reshape(-1, size**2)
        apart = parts[:, None] - parts[:, :, None]
        return apart.masked_fill(apart != 0, self.mask)


class Block(Module):
    def __init__(self, channels: int, shift: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, 2, 4, shift, -100.0)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Any) -> Any:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Swin(Module):
    """Two blocks on a map of 8x8 cells, the merging of 2x2 of them, and a block on 4x4."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 2, 2)
        self.blocks = nn.Sequential(Block(8, 0), Block(8, 2))
        self.norm, self.reduction = nn.LayerNorm(32), nn.Linear(32, 12, bias=False)
        self.last = Block(12, 0)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        x = self.blocks(self.patches(x).permute(0, 2, 3, 1))
        x = torch.cat([x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)], -1)
        x = self.last(self.reduction(self.norm(x)))
        return self.head(x.mean((1, 2)))


SWIN = """\
input: 16x16x3
blocks:
  unit:
    arguments: {filters: 16}
    layers:
      - residual:
          layers:
            - layer_norm
            - conv: {filters: $filters, kernel: 1, activation: gelu}
            - conv: {filters: $(filters // 2), kernel: 1}
layers:
  - {name: patches, conv: {filters: 8, kernel: 2, stride: 2}}
  - name: blocks_0
    residual:
      layers:
        - layer_norm
        - attention: {heads: 2, window: 4, relative_bias: true}
  - {name: blocks, unit: {}}
  - name: blocks_1
    residual:
      layers:
        - layer_norm
        - attention: {heads: 2, window: 4, shift: 2, relative_bias: true}
  - {name: blocks_1_norm2, unit: {}}
  - space_to_depth: {block: 2}
  - {name: norm, layer_norm: {}}
  - {name: reduction, conv: {filters: 12, kernel: 1, bias: false}}
  - name: last
    residual:
      layers:
        - layer_norm
        - attention: {heads: 2, relative_bias: true}
  - {name: last_norm2, unit: {filters: 24}}
  - global_mean_pool
  - {name: head, dense: {units: 5}}
"""


def randomized(module: Any) -> Any:
    """The module in `eval()`, with norms that are not the identity."""
    for tensor in module.parameters():
        if tensor.ndim == 1:
            nn.init.uniform_(tensor, 0.5, 1.5)
    return module.eval()


def test_shifted_windows_and_merged_patches() -> None:
    module = randomized(Swin())
    imported = package.from_torch(module, torch.zeros(1, 3, 16, 16))
    assert imported.text.partition("name: Swin\n")[2] == SWIN
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    # 2x2 patches; blocks of C channels with two norms, an attention and an MLP; the merging; a head
    block = {c: 4 * c + 4 * c * c + 4 * c + 49 * 2 + 4 * c * c + 3 * c for c in (8, 12)}
    assert imported.parameters == 12 * 8 + 8 + 2 * block[8] + 64 + 32 * 12 + block[12] + 12 * 5 + 5


class Alone(Module):
    """An attention in windows of 4x4, with what is changed in it."""

    def __init__(self, shift: int = 2, mask: float = -100.0, **changed: Any) -> None:
        super().__init__()
        self.attn = WindowAttention(4, 2, 4, shift, mask)
        for name, value in changed.items():
            setattr(self.attn, name, value)

    def forward(self, x: Any) -> Any:
        return self.attn(x.permute(0, 2, 3, 1))


def test_the_numbers_of_distances_are_those_of_the_table() -> None:
    module = Alone(mask=-float("inf")).eval()
    imported = package.from_torch(module, torch.zeros(1, 4, 8, 12))
    (name,) = (each for each in imported.arrays if each.endswith("relative_bias"))
    assert (imported.arrays[name] == module.attn.table.detach().numpy().reshape(7, 7, 2)).all()
    (layer,) = imported.text.partition("layers:\n")[2].splitlines()
    assert layer.endswith("attention: {heads: 2, window: 4, shift: 2, relative_bias: true}}")


ADDED = "what it adds to its scores"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"back": 1}, r"its windows are moved by \[2, 2\] cells, what comes of them not back by"),
        ({"mask": -5.0}, "it does not keep apart what comes into a window from both ends"),
        ({"index": torch.randperm(256) % 49}, f"{ADDED} is no number for the distance of two"),
        ({"table": nn.Parameter(torch.full((49, 2), -1e9))}, f"{ADDED} keeps positions apart"),
    ],
)
def test_what_is_near_to_windows_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        package.from_torch(Alone(**changed).eval(), torch.zeros(1, 4, 8, 8))
    (finding,) = caught.value.findings
    assert finding.message.startswith("node `matmul")


def test_windows_of_a_batch_ask_for_a_batch_of_one() -> None:
    with pytest.raises(SpecError, match="the batch does not stay apart") as caught:
        package.from_torch(Alone().eval(), torch.zeros(2, 4, 8, 8))
    assert caught.value.findings[0].help == "trace or export the model with a batch of one"


class Called(Module):
    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


def blocks(x: Any, *order: tuple[int, int]) -> Any:
    return torch.cat([x[:, :, row::2, column::2] for row, column in order], 1)


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (lambda x: torch.roll(x, (3, -1), (2, 3)), {"crop", "parallel"}),
        (lambda x: torch.roll(x, 8, 2).relu(), {"relu"}),
        (lambda x: x[:, :, 1::3, ::2], {"slice", "max_pool"}),
        (lambda x: blocks(x, (0, 0), (0, 1), (1, 0), (1, 1)), {"space_to_depth"}),
        (lambda x: blocks(x, (0, 0), (1, 0), (0, 1), (1, 1)), {"slice", "max_pool"}),
        (lambda x: blocks(x, (0, 0), (0, 1), (0, 1), (1, 1)), {"slice", "max_pool"}),
    ],
)
def test_rolls_and_strides_by_themselves(function: Callable[[Any], Any], kinds: set[str]) -> None:
    imported = package.from_torch(Called(function).eval(), torch.zeros(1, 4, 8, 8))
    written = imported.text.partition("layers:\n")[2]
    assert all(kind in written for kind in kinds)
    assert ("space_to_depth" in written) == ("space_to_depth" in kinds)
    proof = imported.prove()
    assert proof.difference == 0, proof.reason


def test_a_mask_of_truth_values_is_no_bias() -> None:
    mask = torch.ones(16, 16).tril().bool()

    def masked(x: Any) -> Any:
        x = x.flatten(2).mT[:, None]
        return F.scaled_dot_product_attention(x, x, x, mask)

    with pytest.raises(SpecError, match="its mask is of truth values, not of numbers to add"):
        package.from_torch(Called(masked).eval(), torch.zeros(1, 4, 4, 4))


def test_windows_that_convert_wrote_come_back() -> None:
    spec = package.load(
        "input: 8x12x4\n"
        "layers:\n"
        "  - attention: {heads: 2, window: [4, 6], shift: [2, 0], relative_bias: true}\n"
        "  - attention: {heads: 1, window: 2}\n"
        "  - attention: {heads: 2, relative_bias: true}\n"
    )
    converted = convert(spec, "torch").code
    assert converted is not None
    names: dict[str, Any] = {"__name__": "converted"}
    exec(converted, names)  # noqa: S102 - it is our own
    *_, network = (
        each for each in names.values() if isinstance(each, type) and issubclass(each, Module)
    )
    imported = package.from_torch(network().eval(), torch.zeros(1, 4, 8, 12))
    assert compare(package.analyze(spec), package.analyze(imported.spec)).same_operations
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
