"""What is measured of each kind of work: two small networks, one of which does more of it.

The rate is the work that the larger one does more by the seconds that it takes more: what both do,
and what a call takes, drops out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

from cnnkit.analysis.machines.machine import Moved, Multiplied
from cnnkit.analysis.precision import Precision, Program
from cnnkit.analysis.work import OperationWork, Workload
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from cnnkit.spec.tracing import graph_of

Layers = Sequence[Mapping[str, Any] | str]


class Probe(NamedTuple):
    """A pair of networks.

    Attributes:
        kind: The kind of work that they differ in.
        input: The shape of an example.
        less: The layers of the smaller one.
        more: The layers of the larger one.
        examples: The part of a batch's examples, of probes whose maps are large or small.
        programs: In which programs it is measured.
        counted: The kind of their layers, where these stand for another one.
    """

    kind: Multiplied | Moved
    input: str
    less: Layers
    more: Layers
    examples: float = 1
    programs: Sequence[Program] = get_args(Program)
    counted: Multiplied | None = None

    @property
    def specs(self) -> tuple[Spec, Spec]:
        """The smaller network, and the larger one."""
        return _spec(self.input, self.less), _spec(self.input, self.more)

    def batch(self, size: int) -> int:
        """The examples at once, of a batch of so many."""
        return max(1, round(size * self.examples))

    def work(self, program: Program, batch: int, precision: Precision) -> float:
        """What the larger network does more: FLOPs, or bytes of what multiplies nothing."""
        less, more = (
            sum(self._amount(work) for work in works_of(spec, program, batch, precision))
            for spec in self.specs
        )
        return more - less

    def passes(self, spec: Spec, program: Program) -> int:
        """How often something is passed over, in one of the networks."""
        works = works_of(spec, program, 1, "float32")
        return sum(work.times for work in works if not work.joined)

    def _amount(self, work: OperationWork) -> int:
        if work.kind != (self.counted or self.kind):
            return 0
        return work.times * (work.flops if self.kind in get_args(Multiplied) else work.bytes)


def works_of(
    spec: Spec, program: Program, batch: int, precision: Precision
) -> tuple[OperationWork, ...]:
    """The work of each operation of a network."""
    load_of = Workload(graph_of(spec), batch, precision)
    return load_of.inference if program == "inference" else load_of.training


def _spec(shape: str, layers: Layers) -> Spec:
    return load({"input": shape, "layers": [*layers]})


def _conv(filters: int, kernel: int, **more: Any) -> Mapping[str, Any]:
    fields = {"filters": filters, "kernel": kernel, "padding": "same", "bias": False, **more}
    return {"conv": fields}


def _probe(
    kind: Multiplied | Moved, extent: int, channels: int, base: Layers, *more: Any, **fields: Any
) -> Probe:
    """A probe on a map, of as many examples that all maps have about as many cells."""
    examples = _CELLS / (extent * extent * channels)
    shape = f"{extent}x{extent}x{channels}"
    return Probe(kind, shape, base, (*base, *more), examples, **fields)


_TINY: Final = (_conv(8, 3), "batch_norm", "relu")
SMALL: Final = Probe("convolution", "4x4x8", _TINY, _TINY * 8)
"""Operations so small that only their number matters."""

_MAPS: Final = ((56, 64), (28, 128), (14, 256))
"""Maps of networks for images: their extent, and the channels that they have there."""
_CELLS: Final = 56 * 56 * 64
_LARGER: Final = 4
"""How much larger maps are that a step of training passes over: it holds those of all layers, so
that they come from memory, not from caches."""


def probes() -> Iterator[Probe]:
    """All of them, a few of each kind."""
    square = {"dense": {"units": 1024, "bias": False}}
    yield Probe("product", "1024", (square,), (square,) * 3, 16, counted="dense")
    dense = {"dense": {"units": 4096, "bias": False}}
    for examples in (1, 4):
        yield Probe("dense", "4096", (dense,), (dense,) * 3, examples)
    depthwise = {"depthwise_conv": {"kernel": 3, "padding": "same", "bias": False}}
    for extent, channels in _MAPS:
        three = _conv(channels, 3)
        yield _probe("convolution", extent, channels, (three,), three, three)
        one = _conv(channels, 1)
        yield _probe("pointwise", extent, channels, (one,), one, one)
        yield _probe("depthwise", extent, channels, (depthwise,), depthwise, depthwise)
    for extent, channels in _MAPS[1:]:
        grouped = _conv(channels, 3, groups=channels // 16)
        yield _probe("grouped", extent, channels, (grouped,), grouped, grouped)
    for shape, kernel, stride in (("112x112x3", 7, 2), ("64x64x3", 3, 1)):
        few, many = _conv(16, kernel, stride=stride), _conv(64, kernel, stride=stride)
        yield Probe("first", shape, (few,), (many,), 1)
    yield from _moving()


def _moving() -> Iterator[Probe]:
    """Those of the kinds that multiply nothing, and of what changes the extent.

    In training they lie between convolutions, as they do in networks: at the end XLA would compute
    them with the loss.
    """
    twice = {"parallel": {"branches": [["linear"], ["linear"]]}}
    predicted: Sequence[tuple[Moved, Any]] = (
        ("elementwise", twice),
        ("normalization", "layer_norm"),
    )
    trained: Sequence[tuple[Moved, Any]] = (
        ("elementwise", "relu"),
        ("normalization", "batch_norm"),
    )
    for extent, channels in _MAPS[:2]:
        one = _conv(channels, 1)
        up = {"transposed_conv": {"filters": channels, "kernel": 2, "stride": 2, "bias": False}}
        yield _probe("transposed", extent // 2, channels, (one,), up)
        for size in (2, 3):
            pool = {"max_pool": {"size": size, "stride": 2, "rounding": "floor"}}
            yield _probe("pool", extent, channels, (one,), pool)
        for kind, layer in predicted:
            yield _probe(kind, extent, channels, (one,), layer, programs=("inference",))
        for kind, layer in trained:
            examples = _LARGER * _CELLS / (extent**2 * channels)
            more = (one, layer, one, layer, one)
            shape = f"{extent}x{extent}x{channels}"
            yield Probe(kind, shape, (one, one, one), more, examples, ("training",))
