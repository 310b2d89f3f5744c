"""Modules of PyTorch, imported and held to what PyTorch computes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cnnkit as package
from cnnkit import SpecError, UsageError
from cnnkit.analysis.compare import compare
from cnnkit.errors import MissingExtraError
from cnnkit.export import convert
from tests.cli.command import Run
from tests.importing.small import CONVERTED, PARAMETERS, ZOO, spec_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, F = torch.nn, torch.nn.functional
Module: Any = nn.Module


class Unit(Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Any) -> Any:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.conv2(out)
        out += x
        return self.relu(out)


class Small(Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.layer1 = nn.Sequential(Unit(), Unit(), Unit())
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.layer1(self.stem(x)).mean((2, 3))
        return self.fc(self.dropout(x))


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def randomized(module: Any) -> Any:
    """The module in `eval()`, with statistics and norms that are not the identity."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.ndim == 1:
            low = 0.5 if name.endswith(("running_var", "weight")) else -0.5
            torch.nn.init.uniform_(tensor, low, low + 1)
    return module.eval()


def test_names_and_repetition_are_kept_and_outputs_are_the_same() -> None:
    module = randomized(Small())
    imported = package.from_torch(module, torch.zeros(1, 3, 9, 9))
    assert imported.text == spec_of("from_torch")
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert imported.parameters == PARAMETERS
    kernel = module.fc.weight.detach().numpy().T
    assert (imported.arrays["layers.fc.kernel"] == kernel).all()


class Called(Module):
    """A function as a module, with the modules that it uses."""

    def __init__(self, function: Callable[..., Any], *modules: Any) -> None:
        super().__init__()
        self.function = function
        self.used = nn.ModuleList(modules)

    def forward(self, x: Any) -> Any:
        return self.function(x, *self.used)


def in_place(x: Any, conv: Any) -> Any:
    y = conv(x)
    z = F.relu_(y)
    return z + y


def halves(x: Any, conv: Any) -> Any:
    first, second = conv(x).chunk(2, 1)
    return torch.cat([first * torch.sigmoid(first), F.hardswish(second), x], 1)


def shuffled(x: Any) -> Any:
    batch, channels, rows, columns = x.shape
    x = x.view(batch, 2, channels // 2, rows, columns).transpose(1, 2).contiguous()
    return x.view(batch, channels, rows, columns)


def convnext(x: Any, norm: Any, first: Any, second: Any) -> Any:
    y = second(F.gelu(first(norm(x.permute(0, 2, 3, 1)))))
    return x + y.permute(0, 3, 1, 2)


def arithmetic(x: Any, conv: Any) -> Any:
    return torch.sub(conv(x), 1) * torch.sigmoid(x) + torch.add(x, x)


def pools(x: Any) -> Any:
    return torch.cat(
        [
            F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
            F.avg_pool2d(x, 3, 2, 1),
            F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
            F.adaptive_avg_pool2d(x, (4, 4)),
        ],
        1,
    )


def activations(x: Any) -> Any:
    functions = (F.elu, F.celu, F.selu, F.mish, F.softplus, F.hardsigmoid, F.logsigmoid, F.relu6)
    x = torch.cat([function(x) for function in functions], 1)
    return F.leaky_relu(torch.cat([F.hardtanh(x), torch.tanh(x), x.clamp(min=0)], 1), 0.3)


def transformer(x: Any, layer: Any) -> Any:
    return layer(x.flatten(2).mT).mean(1)


def recurrent(x: Any, lstm: Any, gru: Any, last: Any) -> Any:
    """Steps along the rows; what comes out of two layers of both ways goes backward."""
    steps, _ = lstm(x.mean(3).mT)
    steps, _ = gru(steps.flip(1).transpose(0, 1))
    _, state = last(steps.flip(0).transpose(0, 1))
    return state.movedim(0, 1).flatten(1)


NETWORKS: dict[str, Callable[[], Any]] = {
    "in place": lambda: Called(in_place, nn.Conv2d(4, 4, 1)),
    "halves": lambda: Called(halves, nn.Conv2d(4, 8, 3, padding="same", dilation=2)),
    "shuffle": lambda: Called(shuffled),
    "convnext": lambda: Called(convnext, nn.LayerNorm(4), nn.Linear(4, 8), nn.Linear(8, 4)),
    "arithmetic": lambda: Called(arithmetic, nn.Conv2d(4, 4, 3, padding=1, groups=2)),
    "pools": lambda: Called(pools),
    "activations": lambda: Called(activations),
    "norms": lambda: nn.Sequential(
        nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.BatchNorm2d(4, affine=False), nn.PReLU(4)
    ),
    "transposed": lambda: nn.Sequential(
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), nn.Upsample(scale_factor=2), nn.Sigmoid()
    ),
    "enlarged": lambda: nn.Sequential(
        nn.ZeroPad2d((1, 2, 3, 0)), nn.Upsample(scale_factor=2, mode="bilinear")
    ),
    "transformer": lambda: Called(
        transformer, nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    ),
    "recurrent": lambda: Called(
        recurrent,
        nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True),
        nn.GRU(6, 4),
        nn.GRU(4, 2, batch_first=True, bidirectional=True, bias=False),
    ),
    "flat": lambda: nn.Sequential(
        nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(16, 3), nn.LogSoftmax(1)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_pytorch_computes(name: str) -> None:
    module = randomized(NETWORKS[name]())
    imported = package.from_torch(module, torch.zeros(1, 4, 7, 7), "network")
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def test_a_sequence_and_a_volume() -> None:
    for module, shape in ((nn.Conv1d(3, 4, 5), (2, 3, 9)), (nn.Conv3d(3, 4, 2), (1, 3, 4, 4, 4))):
        imported = package.from_torch(module.eval(), torch.zeros(*shape))
        assert imported.spec.input == (*shape[2:], 3)
        (kernel,) = (each for name, each in imported.arrays.items() if name.endswith("kernel"))
        assert kernel.shape == (*module.kernel_size, 3, 4)


@pytest.mark.parametrize("zoo", [None, "lenet-5"])
def test_what_convert_wrote_comes_back(zoo: str | None) -> None:
    spec = package.load(CONVERTED if zoo is None else ZOO / f"{zoo}.yaml")
    converted = convert(spec, "torch").code
    assert converted is not None
    names: dict[str, Any] = {"__name__": "converted"}
    exec(converted, names)  # noqa: S102 - it is our own
    classes = (each for each in names.values() if isinstance(each, type))
    *_, network = (each for each in classes if issubclass(each, nn.Module))
    *extents, channels = spec.input
    imported = package.from_torch(network().eval(), torch.zeros(1, channels, *extents))
    before, after = (package.analyze(each).totals for each in (spec, imported.spec))
    for total in ("neurons", "parameters", "state", "macs", "activations"):
        assert getattr(after, total) == getattr(before, total)
    found = compare(package.analyze(spec), package.analyze(imported.spec))
    assert found.same_operations
    assert found.same


def test_what_cannot_be_said_is_named_all_in_one_run() -> None:
    class Odd(Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = Called(lambda x: torch.cumsum(x, 1))

        def forward(self, x: Any) -> Any:
            return torch.sin(self.head(x)) + torch.sin(x)

    with pytest.raises(SpecError) as caught:
        package.from_torch(Odd().eval(), torch.zeros(1, 3, 4, 4))
    assert [finding.message for finding in caught.value.findings] == [
        "`head`, node `cumsum`: cumsum cannot be said: `import` does not read it",
        "node `sin`: sin cannot be said: `import` does not read it",
        "node `sin_1`: sin cannot be said: `import` does not read it",
    ]


class Twins(Module):
    """Two images through one encoder: what it gives of the first, and how far they are apart."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(4, 5, 3), nn.ReLU(), nn.BatchNorm2d(5))

    def forward(self, left: Any, right: Any) -> Any:
        first = self.encoder(left).mean((2, 3))
        return {"first": first, "apart": (first - self.encoder(right).mean((2, 3))).sigmoid()}


TWINS = """\
inputs: {left: "6x6x4", right: "6x6x4"}
blocks:
  encoder:
    layers:
      - conv: {filters: 5, kernel: 3, activation: relu}
      - batch_norm
      - global_mean_pool: {keep_axes: true}
layers:
  - {name: encoder, encoder: {}}
  - save: tensor1
  - load: right
  - shared: encoder
  - save: tensor2
  - load: tensor1
  - merge: {with: tensor2, by: subtract}
  - flatten
  - sigmoid
  - output: apart
  - load: tensor1
  - flatten
  - output: first
"""


def test_several_inputs_and_outputs() -> None:
    module = randomized(Twins())
    imported = package.from_torch(module, (torch.zeros(2, 4, 6, 6), torch.zeros(2, 4, 6, 6)))
    assert imported.text.partition("name: Twins\n")[2] == TWINS
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert imported.parameters == (4 * 9 + 1) * 5 + 2 * 5
    with pytest.raises(UsageError, match="the examples of the inputs are of different batches"):
        package.from_torch(module, (torch.zeros(2, 4, 6, 6), torch.zeros(1, 4, 6, 6)))


def test_memory_that_is_shared_and_changed_is_no_silent_guess() -> None:
    def changed(x: Any, conv: Any) -> Any:
        y = conv(x)
        F.relu_(y.flatten(1))
        return y

    with pytest.raises(SpecError, match="after a tensor that shares its memory was changed"):
        package.from_torch(Called(changed, nn.Conv2d(3, 4, 1)).eval(), torch.zeros(1, 3, 4, 4))


def test_what_is_no_network_in_eval() -> None:
    example = torch.zeros(1, 3, 4, 4)
    with pytest.raises(UsageError, match=r"the module is in training: call its `eval\(\)` first"):
        package.from_torch(nn.Conv2d(3, 4, 1), example)
    with pytest.raises(UsageError, match=r"str is no torch\.nn\.Module"):
        package.from_torch("resnet50", example)
    with pytest.raises(UsageError, match="the example must be a tensor of float32"):
        package.from_torch(nn.Conv2d(3, 4, 1).eval(), example.long())
    with pytest.raises(UsageError, match="the example is 4: it must have a batch and 1 to 4 axes"):
        package.from_torch(nn.Conv2d(3, 4, 1).eval(), torch.zeros(4))


def test_what_cannot_be_traced_is_a_finding() -> None:
    def depends(x: Any) -> Any:
        return x if x.sum() > 0 else -x

    with pytest.raises(SpecError, match=r"torch\.export cannot trace Called: "):
        package.from_torch(Called(depends).eval(), torch.zeros(1, 3, 4, 4))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="need torch, which is not installed: pip install"):
        package.from_torch(None, None)


CODE = """\
import torch
def network():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
def broken():
    raise ValueError("no weights")
class Odd(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 3)
    def forward(self, x):
        return torch.relu(torch.sin(self.stem(x)).cumsum(1))
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "mine_to_import.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    yield "mine_to_import"
    sys.modules.pop("mine_to_import", None)


def test_the_command_line_runs_the_code_and_says_so(run: Run, code: str) -> None:
    done = run("import", "--torch", f"{code}:network", "--input", "8x8x3")
    assert done.code == 0
    assert done.out == (
        "# Imported from mine_to_import:network by `cnnkit import`.\n"
        "name: network\ninput: 8x8x3\nlayers:\n"
        "  - conv: {filters: 4, kernel: 3, activation: relu}\n"
    )
    said = done.err.splitlines()
    assert said[0] == "--torch runs the code of mine_to_import:network"
    assert said[1] == "parameters: 112 in the spec, 112 in the model"
    assert said[2].startswith("outputs compared with PyTorch on a random input: the largest ")


def test_with_partial_the_rest_is_written(run: Run, code: str) -> None:
    done = run("import", "--torch", f"{code}:Odd", "--input", "8x8x3", "--partial")
    assert done.code == 1
    assert done.out == (
        "# Imported from mine_to_import:Odd by `cnnkit import --partial`.\n"
        "name: Odd\ninput: 8x8x3\n"
        "rounding: floor # as in the model: a row or a column may be left over\nlayers:\n"
        "  - {name: stem, conv: {filters: 4, kernel: 3}}\n"
        "  - placeholder: {operator: sin, node: sin}\n"
        "  - placeholder: {operator: cumsum, node: cumsum}\n"
        "  - relu\n"
    )
    assert done.err.splitlines() == [
        "--torch runs the code of mine_to_import:Odd",
        f"{code}:Odd: node `sin`: sin cannot be said: `import` does not read it",
        f"{code}:Odd: node `cumsum`: cumsum cannot be said: `import` does not read it",
        "2 placeholders to fill in by hand; no outputs were compared, no weights are written",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--torch a:b", "--torch needs the shape of one example, channels last: --input 224x224x3"),
        ("a.onnx --torch m:f", "a.onnx and --torch m:f are two models: name one of them"),
        ("--force", "name a file, or with --torch a module of PyTorch"),
        (
            "--torch resnet50 --input 8x8x3",
            "--torch resnet50 names no callable: package.module:callable",
        ),
        (
            "--torch mine_to_import:broken --input 8x8x3",
            "--torch mine_to_import:broken: ValueError: no weights",
        ),
        (
            "--torch builtins:dict --input 8x8x3",
            "--torch builtins:dict gives dict, no torch.nn.Module",
        ),
    ],
)
@pytest.mark.usefixtures("code")
def test_what_the_command_line_refuses(run: Run, arguments: str, message: str) -> None:
    done = run("import", *arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == f"cnnkit: {message}"


@pytest.mark.parametrize(
    ("name", "most"),
    [("resnet50", 60), ("mobilenet_v2", 70), ("densenet121", 60), ("inception_v3", 200)],
)
def test_networks_of_torchvision_are_read_well(name: str, most: int) -> None:
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    options = {"init_weights": False} if name == "inception_v3" else {}
    module = getattr(models, name)(weights=None, **options).eval()
    imported = package.from_torch(module, torch.zeros(1, 3, 224, 224))
    assert len(imported.text.splitlines()) <= most
    assert max(map(len, imported.text.splitlines())) <= 100


def test_attention_and_recurrent_layers_have_their_kinds() -> None:
    for name, kinds in (
        ("transformer", ["attention: {heads: 2}"]),
        (
            "recurrent",
            [
                "{times: 2, layers: [{lstm: {units: 3, direction: both, sequences: true}}]}",
                "gru: {units: 4, sequences: true, direction: backward}",
                "gru: {units: 2, direction: both, bias: false}",
            ],
        ),
    ):
        imported = package.from_torch(NETWORKS[name]().eval(), torch.zeros(1, 4, 7, 7))
        for kind in kinds:
            assert kind in imported.text


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            Called(
                lambda x, lstm: lstm(x, (x[:, :1], x[:, :1]))[0], nn.LSTM(7, 7, batch_first=True)
            ),
            "node `lstm`: lstm cannot be said: it does not start from zeros",
        ),
        (
            Called(lambda x, lstm: lstm(x)[0], nn.LSTM(7, 4, proj_size=2)),
            "node `lstm`: lstm cannot be said: its states are projected",
        ),
        (
            Called(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
            (
                "node `scaled_dot_product_attention`: scaled_dot_product_attention cannot be said: "
                "it is causal, or caps its scores"
            ),
        ),
    ],
)
def test_attention_and_recurrent_layers_that_are_refused(module: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        package.from_torch(module.eval(), torch.zeros(1, 7, 7))
    assert any(finding.message.endswith(message) for finding in caught.value.findings)


def test_control_that_depends_on_the_input() -> None:
    def branches(x: Any) -> Any:
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))

    with pytest.raises(SpecError) as caught:
        package.from_torch(Called(branches).eval(), torch.zeros(1, 7, 7))
    assert "node `cond`: cond cannot be said: `import` does not read it" in [
        finding.message for finding in caught.value.findings
    ]
