"""Modules of Flax NNX, imported and held to what Flax computes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit import SpecError, UsageError
from cnnkit.analysis.compare import compare
from cnnkit.errors import MissingExtraError
from cnnkit.export import convert
from tests.importing.small import CONVERTED, PARAMETERS, ZOO, spec_of


class Unit(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(8, 8, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.bn1 = nnx.BatchNorm(8, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(8, 8, (3, 3), padding=1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.bn1(self.conv1(x)))
        return nnx.relu(self.conv2(y) + x)


class Small(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(3, 8, (3, 3), strides=2, padding=1, rngs=rngs)
        self.layer1 = nnx.Sequential(Unit(rngs), Unit(rngs), Unit(rngs))
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.fc = nnx.Linear(8, 5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.layer1(self.stem(x)).mean((1, 2))
        return self.fc(self.dropout(x))


def randomized(made: Callable[[], Any]) -> Any:
    """A module in `eval()`, with random weights, no norm of which is the identity."""
    generator = np.random.default_rng(0)
    module = nnx.eval_shape(made)
    module.eval()
    for path, variable in nnx.to_flat_state(nnx.state(module)):
        if not isinstance(variable, nnx.RngState):
            low = 0.5 if path[-1] in ("var", "scale") else -0.5
            shape = variable.get_value().shape
            variable.set_value(jnp.asarray(generator.uniform(low, low + 1, shape), jnp.float32))
    return module


def test_names_and_repetition_are_kept_and_outputs_are_the_same() -> None:
    module = randomized(lambda: Small(nnx.Rngs(0)))
    imported = cnnkit.from_flax(module, jnp.zeros((1, 9, 9, 3)))
    assert imported.text == spec_of("from_flax")
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert imported.parameters == PARAMETERS
    assert (imported.arrays["layers.fc.kernel"] == module.fc.kernel[...]).all()


class Called(nnx.Module):
    """A function as a module, with the modules that it uses."""

    def __init__(self, function: Callable[..., Any], *used: Any) -> None:
        self.function = function
        self.used = nnx.List(used)

    def __call__(self, x: Any) -> Any:
        return self.function(x, *self.used)


def activations(x: Any) -> Any:
    functions: list[Callable[[Any], Any]] = [
        nnx.elu, nnx.celu, nnx.selu, jax.nn.mish, nnx.softplus, nnx.hard_sigmoid, nnx.log_sigmoid,
        nnx.relu6, nnx.gelu, lambda x: nnx.gelu(x, approximate=False), nnx.silu, nnx.hard_silu,
        nnx.leaky_relu, lambda x: nnx.leaky_relu(x, 0.3), lambda x: nnx.elu(x, 0.5),
        lambda x: jnp.clip(x, -2, 1.5), nnx.hard_tanh, nnx.soft_sign, nnx.tanh,
        lambda x: x * nnx.sigmoid(1.702 * x), lambda x: nnx.sigmoid(x) * x,
        lambda x: jnp.maximum(0, x),
    ]  # fmt: skip
    return jnp.concatenate([function(x) for function in functions], -1)


def pools(x: Any, conv: Any) -> Any:
    x = conv(x)  # stride 2 and SAME: 7 become 4, a cell before and a cell behind
    means = [
        nnx.avg_pool(x, (2, 2), (1, 1), "SAME", count_include_pad=counted)
        for counted in (True, False)
    ]
    return jnp.concatenate([nnx.max_pool(x, (2, 2), (1, 1), "SAME"), *means], -1)


def gate(x: Any, dense: Any) -> Any:
    return x * nnx.sigmoid(dense(nnx.relu(dense(x.mean((1, 2), keepdims=True)))))


def parts(x: Any) -> Any:
    first, second = jnp.split(x, 2, -1)
    x = jnp.concatenate([second * 2, first / jnp.array([1.0, 2.0]), x[..., 1:3]], -1)
    return jnp.pad(x[:, 1:-1, 2:], ((0, 0), (1, 0), (0, 1), (0, 0)))


def enlarged(x: Any) -> Any:
    batch, rows, columns, channels = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (2, 2), (0, 0)), mode="reflect")
    x = jax.image.resize(x, (batch, 2 * rows + 4, columns + 4, channels), "nearest")
    return jax.image.resize(x, (batch, 2 * rows + 4, 3 * columns + 12, channels), "bilinear")


def convolutions() -> Any:
    rngs = nnx.Rngs(0)
    return nnx.Sequential(
        nnx.Conv(4, 6, (3, 3), padding="CIRCULAR", feature_group_count=2, rngs=rngs),
        nnx.PReLU(),
        nnx.ConvTranspose(6, 4, (3, 3), strides=(2, 2), rngs=rngs),
        nnx.ConvTranspose(4, 4, (4, 4), (2, 2), padding="VALID", transpose_kernel=True, rngs=rngs),
        nnx.LinearGeneral((30, 30, 4), 5, axis=(1, 2, 3), rngs=rngs),
        nnx.softmax,
    )


def norms() -> Any:
    rngs = nnx.Rngs(0)
    return nnx.Sequential(
        nnx.GroupNorm(4, num_groups=2, rngs=rngs),
        nnx.InstanceNorm(4, rngs=rngs),
        nnx.LayerNorm(4, use_bias=False, rngs=rngs),
        nnx.RMSNorm(4, rngs=rngs),
        nnx.BatchNorm(4, use_scale=False, rngs=rngs),
    )


NETWORKS: dict[str, Callable[[], Any]] = {
    "activations": lambda: Called(activations),
    "pools": lambda: Called(pools, nnx.Conv(4, 4, (4, 4), strides=2, rngs=nnx.Rngs(0))),
    "gate": lambda: Called(gate, nnx.Linear(4, 4, rngs=nnx.Rngs(0))),
    "parts": lambda: Called(parts),
    "enlarged": lambda: Called(enlarged),
    "convolutions": convolutions,
    "norms": norms,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_flax_computes(name: str) -> None:
    module = randomized(NETWORKS[name])
    imported = cnnkit.from_flax(module, jnp.zeros((2, 7, 7, 4)), "network")
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def test_activations_have_their_names() -> None:
    imported = cnnkit.from_flax(Called(activations), jnp.zeros((1, 2, 2, 4)))
    kinds = [line.strip("- []{}") for line in imported.text.splitlines() if "- [" in line]
    assert kinds == [
        "elu", "celu", "selu", "mish", "softplus", "hard_sigmoid", "log_sigmoid", "relu6",
        "gelu: {approximate: true", "gelu", "silu", "hard_silu", "leaky_relu: {slope: 0.01",
        "leaky_relu: {slope: 0.3", "elu: {alpha: 0.5", "hard_tanh: {minimum: -2.0, maximum: 1.5",
        "hard_tanh", "softsign", "tanh", "quick_gelu", "silu", "relu",
    ]  # fmt: skip


@pytest.mark.parametrize("zoo", [None, "resnet-20-cifar", "lenet-5"])
def test_what_convert_wrote_comes_back(zoo: str | None) -> None:
    spec = cnnkit.load(CONVERTED if zoo is None else ZOO / f"{zoo}.yaml")
    code = convert(spec, "flax").code
    assert code is not None
    names: dict[str, Any] = {"__name__": "converted"}
    exec(code, names)  # noqa: S102 - it is our own
    classes = (each for each in names.values() if isinstance(each, type))
    network: Any
    *_, network = (each for each in classes if issubclass(each, nnx.Module))
    module = randomized(lambda: network(rngs=nnx.Rngs(0)))
    imported = cnnkit.from_flax(module, jnp.zeros((1, *spec.input)))
    found = compare(cnnkit.analyze(spec), cnnkit.analyze(imported.spec))
    assert found.same_operations
    assert found.same


def test_classes_are_as_they_were() -> None:
    called = nnx.Conv.__call__, nnx.BatchNorm.__call__, Small.__call__
    with pytest.raises(SpecError, match="JAX cannot trace Called: no luck"):
        cnnkit.from_flax(Called(unlucky, nnx.PReLU()), jnp.zeros((1, 7, 7, 4)))
    cnnkit.from_flax(randomized(lambda: Small(nnx.Rngs(0))), jnp.zeros((1, 9, 9, 3)))
    assert (nnx.Conv.__call__, nnx.BatchNorm.__call__, Small.__call__) == called


def unlucky(x: Any, inner: Any) -> Any:
    inner(x)
    raise ValueError("no luck")


def test_what_cannot_be_said_is_named_all_in_one_run() -> None:
    module = nnx.Sequential(Called(lambda x: jnp.cumsum(x, 1)), lambda x: jnp.sin(x) + x.sum())
    with pytest.raises(SpecError) as caught:
        cnnkit.from_flax(module, jnp.zeros((1, 4, 4, 3)))
    assert [finding.message for finding in caught.value.findings] == [
        "`0`, step `cumsum`: cumsum cannot be said: `import` does not read it",
    ]
    with pytest.raises(SpecError) as caught:
        cnnkit.from_flax(Called(lambda x: x + x.sum((1, 2))[:, None, None] + jnp.sin(x)), EXAMPLE)
    assert [finding.message for finding in caught.value.findings] == [
        "step `add`: add cannot be said: it reads a sum",
        "step `sin`: sin cannot be said: `import` does not read it",
    ]


def test_a_loop_of_as_many_turns_as_the_input_says() -> None:
    def doubled(x: Any) -> Any:
        return jax.lax.while_loop(lambda y: y.mean() < 9, lambda y: y * 2, x)

    with pytest.raises(SpecError) as caught:
        cnnkit.from_flax(Called(doubled), EXAMPLE)
    assert [(finding.message, finding.help) for finding in caught.value.findings] == [
        (
            "step `while`: while cannot be said: `import` does not read it",
            "write its steps out",
        )
    ]


EXAMPLE = jnp.zeros((1, 4, 4, 3))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Called(lambda x: jnp.ones(3)), "the output does not depend on the input"),
        (
            Called(lambda x, norm: norm(x), nnx.BatchNorm(3, rngs=nnx.Rngs(0))),
            (
                "`used.0`, step `BatchNorm`: BatchNorm cannot be said: it takes the statistics of "
                "the batch"
            ),
        ),
        (
            Called(lambda x, drop: drop(x), nnx.Dropout(0.5, rngs=nnx.Rngs(0))),
            "`used.0`, step `Dropout`: Dropout cannot be said: it drops at random",
        ),
        (
            Called(lambda x, norm: norm(x), nnx.LayerNorm(4, reduction_axes=1, rngs=nnx.Rngs(0))),
            "`used.0`, step `LayerNorm`: LayerNorm cannot be said: it is over the axes [1]",
        ),
        (
            Called(lambda x: x.astype(jnp.bfloat16)),
            (
                "step `convert_element_type`: convert_element_type cannot be said: it goes on in "
                "bfloat16"
            ),
        ),
        (
            Called(lambda x: x.sum((1, 2)) / 3),
            "step `div`: div cannot be said: it divides a sum of 16 cells by another number",
        ),
        (
            Called(lambda x: x.reshape(-1)),
            (
                "step `reshape`: reshape cannot be said: it makes [48] of [1, 4, 4, 3]: the batch "
                "does not stay apart"
            ),
        ),
    ],
)
def test_what_is_refused(module: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        cnnkit.from_flax(module, EXAMPLE)
    assert [finding.message for finding in caught.value.findings] == [message]


def test_what_is_no_module_or_no_example() -> None:
    module = nnx.PReLU()
    with pytest.raises(UsageError, match=r"str is no flax\.nnx\.Module"):
        cnnkit.from_flax("resnet50", EXAMPLE)
    with pytest.raises(UsageError, match="the example must be an array of float32"):
        cnnkit.from_flax(module, EXAMPLE.astype(int))
    with pytest.raises(UsageError, match="the example is 4: it must have a batch and 1 to 4 axes"):
        cnnkit.from_flax(module, jnp.zeros(4))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flax", None)
    with pytest.raises(MissingExtraError, match=r"need flax, which is not installed: pip install"):
        cnnkit.from_flax(None, None)


class Attending(nnx.Module):
    """A sequence that attends over itself, then over another; both outcomes go out."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.patches = nnx.Conv(3, 8, (2, 2), strides=2, rngs=rngs)
        self.norm = nnx.LayerNorm(8, rngs=rngs)
        self.own = nnx.MultiHeadAttention(2, 8, decode=False, rngs=rngs)
        self.other = nnx.MultiHeadAttention(
            2, 8, 12, in_kv_features=5, decode=False, use_bias=False, rngs=rngs
        )

    def __call__(self, image: Any, text: Any) -> Any:
        x = self.patches(image).reshape(image.shape[0], -1, 8)
        x = x + self.own(self.norm(x))
        return {"tokens": x, "label": self.other(x, text).mean(1)}


ATTENDING = """\
inputs: {image: "4x4x3", text: "7x5"}
layers:
  - {name: patches, conv: {filters: 8, kernel: 2, stride: 2}}
  - name: norm
    residual:
      layers:
        - layer_norm: {epsilon: 1e-06}
        - flatten: {keep_channels: true}
        - attention: {heads: 2}
      shortcut:
        - flatten: {keep_channels: true}
  - output: tokens
  - {name: other, attention: {heads: 2, units: 12, bias: false, context: text}}
  - global_mean_pool
  - output: label
"""


def test_attention_with_two_inputs_and_two_outputs() -> None:
    module = randomized(lambda: Attending(nnx.Rngs(0)))
    imported = cnnkit.from_flax(module, (jnp.zeros((2, 4, 4, 3)), jnp.zeros((2, 7, 5))))
    assert imported.text.partition("name: Attending\n")[2] == ATTENDING
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    own, other = 4 * (8 * 8 + 8), (8 + 5 + 5) * 12 + 12 * 8
    assert imported.parameters == (12 * 8 + 8) + 2 * 8 + own + other


class Written(nnx.Module):
    """A GRU as its formulas have it, with the product of the input ahead of the steps."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.given = nnx.Linear(4, 9, rngs=rngs)
        self.own = nnx.Linear(3, 9, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            own = self.own(h)
            r, z = (nnx.sigmoid(x[:, at : at + 3] + own[:, at : at + 3]) for at in (0, 3))
            h = (1 - z) * jnp.tanh(r * own[:, 6:] + x[:, 6:]) + z * h
            return h, h

        given = jnp.swapaxes(self.given(x), 0, 1)
        return jax.lax.scan(step, jnp.zeros((x.shape[0], 3)), given, reverse=True)[0]


class Recurrent(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        ways = nnx.OptimizedLSTMCell(3, 4, rngs=rngs), nnx.LSTMCell(3, 4, rngs=rngs)
        self.ways = nnx.Bidirectional(*(nnx.RNN(each) for each in ways), rngs=rngs)
        self.gru = nnx.RNN(nnx.GRUCell(8, 5, rngs=rngs), rngs=rngs)
        cell = nnx.OptimizedLSTMCell(5, 4, rngs=rngs)
        self.lstm = nnx.RNN(cell, reverse=True, return_carry=True, rngs=rngs)
        self.written = Written(rngs)

    def __call__(self, x: Any) -> Any:
        between: Any = self.ways(x)
        x = self.gru(between)
        found: Any = self.lstm(x)
        (_, last), every = found
        return {"last": last, "turned": self.written(every[:, ::-1])}


RECURRENT = """\
input: 7x3
layers:
  - {name: ways_forward_rnn, lstm: {units: 4, sequences: true, direction: both}}
  - gru: {units: 5, sequences: true}
  - lstm: {units: 4, sequences: true, direction: backward}
  - save: tensor1
  - slice: {axis: 0, stop: 1}
  - save: tensor2
  - load: tensor1
  - {name: written_given, conv: {filters: 9, kernel: 1}}
  - {name: written, gru: {units: 3, direction: backward}}
  - output: turned
  - load: tensor2
  - flatten
  - output: last
"""


def test_recurrent_layers_however_they_are_written() -> None:
    module: Any = Recurrent(nnx.Rngs(0))
    module.eval()
    imported = cnnkit.from_flax(module, jnp.zeros((2, 7, 3)))
    assert imported.text.partition("name: Recurrent\n")[2] == RECURRENT
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def test_a_step_that_is_no_layer_s_is_refused() -> None:
    def summed(x: Any) -> Any:
        step = lambda h, x: (h + jnp.tanh(x), h)  # noqa: E731
        return jax.lax.scan(step, jnp.zeros((1, 3)), jnp.swapaxes(x, 0, 1))[0]

    with pytest.raises(SpecError) as caught:
        cnnkit.from_flax(Called(summed), jnp.zeros((1, 5, 3)))
    (finding,) = caught.value.findings
    assert finding.message == (
        "step `scan`: scan cannot be said: its step is neither an LSTM's nor a GRU's"
    )
    assert finding.help == "the kinds are lstm and gru: write its steps out, where they are few"
    with pytest.raises(SpecError, match="step `rev` turns an axis round"):
        cnnkit.from_flax(Called(lambda x: x[:, ::-1]), jnp.zeros((1, 5, 3)))
