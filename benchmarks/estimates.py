"""The time that `analyze --machine` estimates, beside the time that networks of the zoo take.

The machine's file is measured in the same run, or read from --machine. A network is computed as
`predict` does, with oneDNN where that is built, and trained by steps of momentum with the kernels
of `train`. The bar: 80 % of the networks within 30 %.

    python benchmarks/estimates.py
    sudo python benchmarks/estimates.py --realtime --networks lenet-5 resnet-18
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from measuring import heading, machine, realtime, table, versions

import cnnkit
from cnnkit.analysis.machines import Machine, read_machine
from cnnkit.analysis.precision import Precision, Program
from cnnkit.analysis.quantity import quantity
from cnnkit.doctor.measuring.here import measured_here
from cnnkit.doctor.measuring.programs import Call
from cnnkit.network import Network, build, runtime
from cnnkit.spec.model.spec import Spec
from cnnkit.training.compute.optimizer import optimizer_of
from cnnkit.training.use.scoring import scoring

ZOO = Path(__file__).parents[1] / "specs" / "zoo"
NETWORKS = [
    *("lenet-5", "ecg-resnet", "resnet-20-cifar", "resnet-56-cifar", "squeezenet-1.1"),
    *("shufflenet-v2-1.0", "mobilenet-v1", "mobilenet-v2", "mobilenet-v3-small", "alexnet"),
    *("resnet-18", "vgg-11", "googlenet", "efficientnet-b0", "convnext-tiny", "resnet-50"),
    *("vit-b-16",),
]
BAR, WITHIN = 0.8, 0.3
BURST, REPEATS = 0.1, 5


class Row(NamedTuple):
    """A program of a network: the seconds that were estimated, and those that it took."""

    network: str
    program: Program
    estimated: float
    measured: float

    @property
    def ratio(self) -> float:
        """Of the estimate to the measured time."""
        return self.estimated / self.measured

    @property
    def near(self) -> bool:
        """Whether the estimate is within the bar."""
        return abs(self.ratio - 1) <= WITHIN


def seconds_of(call: Call, undisturbed: Callable[[], Any]) -> float:
    """The fastest of some bursts of calls: what disturbs only ever adds."""
    call()
    taken = []
    for _ in range(REPEATS):
        with undisturbed():
            calls, start = 0, time.perf_counter()
            while (passed := time.perf_counter() - start) < BURST or not calls:
                call()
                calls += 1
        taken.append(passed / calls)
    return min(taken)


def predicting(spec: Spec, batch: int, precision: Precision) -> Call:
    """A call that predicts a batch."""
    network = build(spec, compute_dtype=jnp.dtype(precision))
    arrays, outputs = scoring(spec, network)
    x = jax.random.uniform(jax.random.key(0), (batch, *spec.input))
    compiled = jax.jit(lambda arrays, x: outputs(arrays, x).scores)
    return lambda: compiled(arrays, x).block_until_ready()


def training(spec: Spec, batch: int, precision: Precision) -> Call:
    """A call that takes a step of momentum."""
    network = build(spec, compute_dtype=jnp.dtype(precision))
    graphdef, params, stats = network.parts()
    optimizer = optimizer_of("momentum")
    x = jax.random.uniform(jax.random.key(0), (batch, *spec.input))

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, x: jax.Array, key: jax.Array) -> Any:
        params, stats, slots = state

        def loss(params: Any) -> tuple[jax.Array, Any]:
            copy: Network = nnx.merge(graphdef, params, stats, copy=True)
            outputs = copy.outputs(x, train=True, key=key)
            ends = outputs.named.values()
            total = sum((jnp.mean(scores**2) for scores in ends), jnp.zeros(()))
            return total, nnx.state(copy, nnx.BatchStat)

        (_, moved), gradients = jax.value_and_grad(loss, has_aux=True)(params)
        updates, slots = optimizer.update(gradients, slots, params)
        return jax.tree.map(jnp.add, params, updates), moved, slots

    held = [(params, stats, optimizer.init(params))]

    def call() -> None:
        held[0] = jax.block_until_ready(step(held[0], x, jax.random.key(0)))

    return call


def rows_of(name: str, of: Machine, given: argparse.Namespace) -> Iterator[Row]:
    """A row for each program of a network."""
    spec = cnnkit.load(ZOO / f"{name}.yaml")
    analysis = cnnkit.analyze(
        spec, batch=given.batch, precision=given.precision, optimizer="momentum", machine=of
    )
    estimated = analysis.totals.inference_time, analysis.totals.training_time
    undisturbed = realtime if given.realtime else nullcontext
    for program, make, seconds in zip(
        ("inference", "training"), (predicting, training), estimated, strict=True
    ):
        if program in given.programs and seconds is not None:
            call = make(spec, given.batch, given.precision)
            yield Row(name, program, seconds, seconds_of(call, undisturbed=undisturbed))  # type: ignore[arg-type]


def main() -> None:
    """Measures the machine and the networks, prints the table, and says how many are near."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--programs", nargs="+", default=["inference", "training"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--machine", help="a file that was measured before")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="bursts at real-time priority, on a Linux machine that others use (needs root)",
    )
    parser.add_argument("--quick", action="store_true", help="LeNet-5 by the file of a GPU")
    given = parser.parse_args()
    if given.quick:
        given.networks, given.machine = ["lenet-5"], given.machine or "t4"
    for line in runtime.prepare():
        print(line)
    facts = machine()
    of = (
        read_machine(given.machine)
        if given.machine
        else measured_here(
            partial(seconds_of, undisturbed=realtime if given.realtime else nullcontext),
            (given.precision,),
            lambda line: print(line, file=sys.stderr),
        )
    )
    rows: list[Row] = []
    for name in given.networks:
        for row in rows_of(name, of, given):
            rows.append(row)
            seconds = quantity(row.estimated, "s"), quantity(row.measured, "s")
            print(name, row.program, *seconds, f"{row.ratio:.2f}", file=sys.stderr)
    facts |= versions("jax", "jaxlib", "onednn-cpu-gomp")
    how = f"batch {given.batch}, {given.precision}, the fastest of n = {REPEATS} bursts"
    print(f"{heading(facts)}; {how}\n")
    cells = [
        (
            f"{row.network}, {row.program}",
            quantity(row.estimated, "s"),
            quantity(row.measured, "s"),
            f"{row.ratio:.2f}{'' if row.near else ' *'}",
        )
        for row in rows
    ]
    print(table(("network", "estimated", "measured", "ratio"), cells))
    for program in given.programs:
        found = [row for row in rows if row.program == program]
        near = sum(row.near for row in found)
        met = "met" if near >= BAR * len(found) else "NOT MET"
        misses = ", ".join(f"{row.network} {row.ratio:.2f}" for row in found if not row.near)
        print(
            f"\n{program}: {near} of {len(found)} within {WITHIN:.0%}, bar {BAR:.0%}: {met}; "
            f"misses: {misses or 'none'}"
        )
    if given.json:
        figures = [row._asdict() for row in rows]
        data = {"machine": of.model_dump(mode="json"), "batch": given.batch, "rows": figures}
        given.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
