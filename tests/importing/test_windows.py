"""Attention in shifted windows, merged patches, and what is near to either but not the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cnnkit as package
from cnnkit import SpecError
from cnnkit.analysis.compare import compare
from cnnkit.export import convert
from tests.importing.small import SWIN, SWIN_PARAMETERS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, F = torch.nn, torch.nn.functional
Module: Any = nn.Module
swin: Any = pytest.importorskip("tests.importing.swin")


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def randomized(module: Any) -> Any:
    """The module in `eval()`, with norms that are not the identity."""
    for tensor in module.parameters():
        if tensor.ndim == 1:
            nn.init.uniform_(tensor, 0.5, 1.5)
    return module.eval()


def test_shifted_windows_and_merged_patches() -> None:
    module = randomized(swin.Swin())
    imported = package.from_torch(module, torch.zeros(1, 3, 16, 16))
    assert imported.text.partition("name: Swin\n")[2] == SWIN
    merged = module.norm.weight.detach().numpy().reshape(2, 2, 8)  # its columns are outside
    scale = imported.arrays["layers.norm.scale"]
    assert (scale == merged.transpose(1, 0, 2).reshape(-1)).all()
    assert imported.parameters == SWIN_PARAMETERS


class Alone(Module):
    """An attention in windows of 4x4, with what is changed in it."""

    def __init__(self, shift: int = 2, mask: float = -100.0, **changed: Any) -> None:
        super().__init__()
        self.attn = swin.WindowAttention(4, 2, 4, shift, mask)
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
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


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
        (lambda x: torch.sub(*x.unbind(3)[1:3]), {"slice", "subtract"}),
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
