"""The verification finds what differs: each fact is made to differ once."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
from flax import nnx

import cnnkit
from cnnkit.analysis import Analysis
from cnnkit.errors import UsageError
from cnnkit.network import Network, build, compiled
from cnnkit.network.kernels import onednn
from cnnkit.network.memory import MemoryComparison, compare_memory
from cnnkit.network.program import Work, work_by_scope
from cnnkit.network.verification import FactPair, Verification, compare, verify
from cnnkit.presentation.lines import plain
from cnnkit.report.verification import Verified, verification_data, verification_lines
from cnnkit.training.compute.optimizer import optimizer_of

SPEC = """
name: small
input: 6x6x3
layers:
  - conv: {filters: 4, kernel: 3, padding: same}
  - batch_norm
  - relu
  - global_mean_pool
  - dense: {units: 2}
"""


@pytest.fixture
def analysis() -> Analysis:
    return cnnkit.analyze(cnnkit.load(SPEC))


@pytest.fixture
def network(analysis: Analysis) -> Network:
    return nnx.eval_shape(lambda: build(analysis.spec))


def mismatches(verification: Verification) -> dict[str, dict[str, tuple[Any, Any]]]:
    return {
        layer.path: {name: (p.analysis, p.network) for name, p in layer.mismatches.items()}
        for layer in verification.layers
        if layer.mismatches
    }


def with_effect(analysis: Analysis, index: int, **changes: Any) -> Analysis:
    """An analysis that errs about one operation."""
    nodes = list(analysis.graph.nodes)
    effect = nodes[index].effect._replace(**changes)
    nodes[index] = nodes[index]._replace(effect=effect)
    return replace(analysis, graph=replace(analysis.graph, nodes=tuple(nodes)))


def test_a_sound_spec_agrees(analysis: Analysis) -> None:
    verification = verify(analysis)
    assert verification.ok
    totals = {name: (p.analysis, p.network) for name, p in verification.totals().items()}
    # By hand: 3·3·3·4 + 4, twice 4, 4·2 + 2; 6·6·4·27 + 8; of 18 pairs an axis 16 lie inside.
    assert totals == {
        "parameters": (130, 130),
        "state": (8, 8),
        "macs": (3896, 3896),
        "flops": (2 * (16 * 16 * 3 * 4 + 8), 2 * (16 * 16 * 3 * 4 + 8)),
    }


def test_a_wrong_shape_is_found(analysis: Analysis, network: Network) -> None:
    wrong = with_effect(analysis, 2, output=(6, 6, 5))
    assert mismatches(compare(wrong, network)) == {"layers.2": {"output": ("6x6x5", "6x6x4")}}


def test_wrong_arrays_are_found(analysis: Analysis, network: Network) -> None:
    kernel, *_ = analysis.graph.nodes[4].effect.weights
    wrong = with_effect(analysis, 4, weights=(kernel,))
    assert mismatches(compare(wrong, network)) == {
        "layers.4": {"weights": ("kernel 4x2", "bias 2, kernel 4x2"), "parameters": (8, 10)}
    }


def test_state_that_is_counted_as_parameters_is_found(analysis: Analysis, network: Network) -> None:
    weights = [each._replace(trainable=True) for each in analysis.graph.nodes[1].effect.weights]
    found = mismatches(compare(with_effect(analysis, 1, weights=tuple(weights)), network))
    assert set(found["layers.1"]) == {"weights", "parameters", "state"}
    assert found["layers.1"]["state"] == (0, 8)


def test_wrong_macs_are_found(analysis: Analysis, network: Network) -> None:
    wrong = with_effect(analysis, 4, macs=((9,),))
    assert mismatches(compare(wrong, network)) == {"layers.4": {"macs": (9, 8), "flops": (18, 16)}}


def test_an_array_of_no_layer_is_found(analysis: Analysis, network: Network) -> None:
    layers: Any = network.layers
    layers.stray = nnx.Param(jax.ShapeDtypeStruct((2,), jnp.float32))
    verification = compare(analysis, network)
    assert not verification.ok
    assert verification.strays == ("layers",)
    assert "✗ layers is on one side only" in plain(
        verification_lines(Verified(analysis, verification))
    )


def test_an_operation_too_few_is_found(analysis: Analysis, network: Network) -> None:
    outputs = (("output", 3),)
    network.plan = replace(network.plan, steps=network.plan.steps[:-1], outputs=outputs)
    verification = compare(analysis, network)
    assert verification.strays == ("layers.4",)
    assert mismatches(verification)["layers.4"]["output"] == ("2", "none")


def test_flops_may_differ_by_one_percent() -> None:
    assert FactPair(1000, 1009, 0.01).agrees
    assert not FactPair(1000, 1011, 0.01).agrees
    assert not FactPair(1000, 1001).agrees


def test_work_is_counted_inside_inner_programs_and_loops() -> None:
    def run(x: jax.Array) -> jax.Array:
        with jax.named_scope("outer"):
            return jax.lax.scan(lambda y, _: (jax.jit(jnp.dot)(y, y), None), x, length=3)[0]

    program = jax.make_jaxpr(run)(jnp.ones((4, 4)))
    assert work_by_scope(program) == {"outer": Work(3 * 64, 3 * 64, 3 * 128)}


def test_the_report_names_the_line_of_what_differs(analysis: Analysis, network: Network) -> None:
    wrong = with_effect(analysis, 2, output=(6, 6, 5))
    verification = compare(wrong, network)
    text = plain(verification_lines(Verified(wrong, verification)))
    assert "✗ 1 of 5 operations differ" in text
    (row,) = [line for line in text.splitlines() if line.startswith("layers.2")]
    assert row.split() == ["layers.2", "relu", "<text>:7:5", "output", "shape", "6x6x5", "6x6x4"]
    data = verification_data(Verified(wrong, verification))
    assert data["ok"] is False
    assert data["layers"][2]["output"] == {
        "analysis": "6x6x5", "network": "6x6x4", "agrees": False
    }  # fmt: skip


def test_memory_is_compared_for_the_batch_and_the_optimizer() -> None:
    frozen = {"freeze": ["layers.0"]}  # the step that is compiled trains all weights all the same
    spec = cnnkit.load(
        {"input": "64", "layers": [{"dense": {"units": 256, "bias": False}}], "train": frozen}
    )
    analysis = cnnkit.analyze(spec, batch=8, optimizer="momentum")
    inference, training = compare_memory(analysis, optimizer_of(analysis.settings.optimizer))
    # In bytes: the weights, the batch and the scores; in training momentum and gradient as well.
    weights, batch, scores = 4 * 64 * 256, 4 * 8 * 64, 4 * 8 * 256
    assert inference.xla == pytest.approx(weights + batch + scores, rel=0.01)
    assert inference.expected
    assert training.xla == pytest.approx(3 * weights + batch + scores, rel=0.1)
    assert training.expected


def test_memory_in_a_precision_that_is_not_computed_in_is_refused() -> None:
    analysis = cnnkit.analyze(cnnkit.load("input: 4\nlayers: [relu]"), precision="float64")
    with pytest.raises(UsageError, match="--precision float64: the network computes in float32"):
        compare_memory(analysis, optimizer_of(analysis.settings.optimizer))


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ((115, 85), "✓ memory agrees within 15 %"),
        ((116, 100), "✗ inference memory differs by more than 15 %"),
        ((84, 17), "✗ inference memory and training memory differ by more than 15 %"),
    ],
)
def test_memory_beyond_its_tolerance_is_no_agreement(
    analysis: Analysis, network: Network, figures: tuple[int, int], verdict: str
) -> None:
    names = ("inference_memory", "training_memory")
    memories = tuple(map(MemoryComparison, names, figures, (100, 100)))
    result = Verified(analysis, compare(analysis, network), memories)
    assert plain(verification_lines(result)).splitlines()[-1] == verdict
    data = verification_data(result)
    assert (result.ok, data["ok"]) == (verdict.startswith("✓"),) * 2
    assert data["memory"]["inference_memory"] == {
        "analysis": figures[0], "network": 100, "agrees": figures[0] == 115, "tolerance": 0.15
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", ["zoo/u-net", "zoo/u-net-padded", "segment-digits"])
def test_the_memory_of_training_a_u_net_is_foretold(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the kernels that training uses where oneDNN is not there; compiled, never run."""
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(False, False, "for this test"))
    monkeypatch.setattr(compiled, "plain_only", nullcontext)
    analysis = cnnkit.analyze(cnnkit.load(f"specs/{name}.yaml"), batch=32, optimizer="momentum")
    _, training = compare_memory(analysis, optimizer_of("momentum"))
    assert training.expected, f"{training.difference:+.1%}"
